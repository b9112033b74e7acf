//! A cleartext HTTP/1 connection through the engine.
#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wrongdoor_fuzz::{Script, Shape, Watched, config, keys};

fuzz_target!(|data: &[u8]| {
    let _ended_early = run(&mut Unstructured::new(data));
});

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let choice: u8 = input.arbitrary()?;
    let script = Script::read(input, |_side, _how, bytes| bytes.to_vec())?;
    connection(&script, choice, Shape::AsTold, choice & 0x40 == 0);
    if choice & 3 == 0 {
        let (whole, limited) = connection(&script, choice, Shape::Whole, true);
        let (pieces, limited_too) = connection(&script, choice, Shape::Pieces, true);
        if !limited && !limited_too {
            assert_eq!(whole, pieces, "segments make no difference");
        }
    }
    Ok(())
}

fn connection(script: &Script, choice: u8, shape: Shape, opened: bool) -> (Vec<String>, bool) {
    let mut watched = Watched::new(config(choice), keys());
    for (moment, (frame, wire_len)) in script.packets(shape, opened) {
        watched.frame(moment, &frame, wire_len);
    }
    let told = watched.finish();
    (told.exchanges(), told.limited)
}
