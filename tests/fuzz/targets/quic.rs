//! QUIC datagrams: a flow by itself, and through the engine.
#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::net::End;
use wrongdoor_core::wire::quic::Connection;
use wrongdoor_core::wire::tls::keylog::KeyLog;
use wrongdoor_fuzz::{Watched, config, datagram, datagram_frame, keys};

/// Three streams of one handshake message each, what may be ahead of it, and packets that wait for keys.
const MAX_BUFFERED: usize = 3 * 104 * 1024 + 16 * 1024;

fuzz_target!(|data: &[u8]| {
    let _ended_early = run(&mut Unstructured::new(data));
});

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let choice: u8 = input.arbitrary()?;
    let (keys, none) = (keys(), KeyLog::default());
    let (mut flow, mut without_keys) = (Connection::new(), Connection::new());
    let mut watched = Watched::new(config(choice), keys.clone());
    let mut generation = 0;
    for moment in 0.. {
        if input.is_empty() {
            break;
        }
        let (side, datagram) = datagram(input)?;
        let from = if side == Side::Client { End::B } else { End::A };
        flow.handle_datagram(from, &datagram, &keys);
        without_keys.handle_datagram(from, &datagram, &none);
        assert!(flow.buffered() <= MAX_BUFFERED && without_keys.buffered() <= MAX_BUFFERED);
        assert!(flow.generation() >= generation);
        generation = flow.generation();
        assert_eq!(flow.client().is_some(), generation > 0);
        // Keys add to what is known, and change nothing.
        assert_eq!(flow.client_hello(), without_keys.client_hello());
        assert_eq!(flow.server_hello(), without_keys.server_hello());
        assert!(without_keys.certificate_names().is_none());
        watched.frame(moment, &datagram_frame(side, &datagram), 0);
    }
    watched.finish();
    Ok(())
}
