//! HTTP/2: header blocks one by one, and a cleartext connection through the engine.
#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wrongdoor_core::seen::Seen;
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::hpack::{HpackDecoder, Field, HpackError, Keep, TABLE_LIMIT, Value};
use wrongdoor_fuzz::{Script, Shape, Watched, config, keys};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Twice the text of a table, half as much again that was evicted, and the entries.
const MEMORY_LIMIT: usize = 5 * TABLE_LIMIT as usize;

fuzz_target!(|data: &[u8]| {
    let _ended_early = run(&mut Unstructured::new(data));
});

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let choice: u8 = input.arbitrary()?;
    if choice & 0x80 != 0 {
        return blocks(input, usize::from(choice & 0x0f));
    }
    // Behind the preface, which is hard to guess.
    let mut begun = choice & 0x20 != 0;
    let script = Script::read(input, |side, how, bytes| {
        let begins = side == Side::Client && !std::mem::replace(&mut begun, true);
        let sent = if how & 1 == 0 { frame(how, bytes) } else { bytes.to_vec() };
        if begins { [PREFACE, &sent].concat() } else { sent }
    })?;
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

/// A frame of the type and the flags that `how` says; the first octet is the stream.
fn frame(how: u8, bytes: &[u8]) -> Vec<u8> {
    let (stream, payload) = bytes.split_first().unwrap_or((&0, &[]));
    let kind = [1, 0, 9, 5, 3, 4, 12, 1][usize::from(how >> 1 & 7)];
    let flags = [0x04, 0x05, 0x00, 0x01, 0x0c, 0x24, 0x2d, 0x08][usize::from(how >> 4 & 7)];
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    [&[a, b, c, kind, flags, 0, 0, 0, *stream][..], payload].concat()
}

fn connection(script: &Script, choice: u8, shape: Shape, opened: bool) -> (Vec<String>, bool) {
    let mut watched = Watched::new(config(choice), keys());
    for (moment, (frame, wire_len)) in script.packets(shape, opened) {
        watched.frame(moment, &frame, wire_len);
    }
    let told = watched.finish();
    (told.exchanges(), told.limited)
}

/// A field that outlives its block.
#[derive(Debug, PartialEq)]
enum Read {
    Known(Vec<u8>),
    Digest(u64),
    Omitted,
    Unreadable,
}

/// Header blocks, for one who saw all of them and one who came `late` by so many.
fn blocks(input: &mut Unstructured<'_>, late: usize) -> Result<()> {
    let keep = |name: &[u8]| match name {
        b"cookie" => Keep::Nothing,
        b"user-agent" => Keep::Digest(|_name, value| value.len() as u64),
        _ => Keep::Whole,
    };
    let (mut whole, mut late_one) = (HpackDecoder::new(keep), HpackDecoder::mid_connection(keep));
    for number in 0.. {
        if input.is_empty() {
            break;
        }
        let len: u16 = input.arbitrary()?;
        let block = input.bytes(usize::from(len).min(input.len()))?;
        let truth = decode(&mut whole, block);
        assert!(whole.memory() <= MEMORY_LIMIT);
        if number < late {
            if truth.is_err() {
                break;
            }
            continue;
        }
        let read = decode(&mut late_one, block);
        assert!(late_one.memory() <= MEMORY_LIMIT);
        // What breaks the rules leaves nothing to compare with.
        let Ok(truth) = truth else { break };
        compare(&read, &truth);
    }
    Ok(())
}

fn compare(read: &std::result::Result<Vec<(Read, Read)>, HpackError>, truth: &[(Read, Read)]) {
    let Ok(read) = read else { panic!("{read:?} of a block that is well-formed") };
    assert_eq!(read.len(), truth.len());
    for ((name, value), (true_name, true_value)) in read.iter().zip(truth) {
        assert!(*name == Read::Unreadable || name == true_name, "{name:?} {true_name:?}");
        match value {
            Read::Known(_) | Read::Digest(_) => assert_eq!(value, true_value),
            Read::Omitted if *name != Read::Unreadable => assert_eq!(value, true_value),
            Read::Omitted | Read::Unreadable => {}
        }
    }
}

fn decode(
    decoder: &mut HpackDecoder,
    block: &[u8],
) -> std::result::Result<Vec<(Read, Read)>, HpackError> {
    let mut fields = Vec::new();
    decoder.decode(block, |Field { name, value }| {
        let name = match name {
            Seen::Known(name) => Read::Known(name.to_vec()),
            Seen::Unreadable => Read::Unreadable,
            Seen::Absent => panic!("a field without a name"),
        };
        let value = match value {
            Value::Known(value) => Read::Known(value.to_vec()),
            Value::Digest(digest) => Read::Digest(digest),
            Value::Omitted => Read::Omitted,
            Value::Unreadable => Read::Unreadable,
        };
        fields.push((name, value));
    })?;
    Ok(fields)
}
