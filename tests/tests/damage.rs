use std::fs;
use std::io::Cursor;
use std::sync::Arc;

use anyhow::Result;
use wrongdoor_core::engine::{Engine, EngineConfig};
use wrongdoor_core::wire::tls::keylog::KeyLog;
use wrongdoor_pcap::CaptureFile;
use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::wire::{Dice, Frame, read_bytes};

/// Up to this size a capture is cut at every length.
const SMALL: usize = 3000;
/// A larger one is cut at multiples of a prime that leave about so many.
const CUTS: usize = 500;
const PRIMES: [usize; 7] = [7, 13, 29, 47, 61, 79, 101];
/// A bound that captures of this size must not need.
const HELD: usize = 256 * 1024;

/// Reads whatever it is to its end, as `analyze` does; how many packets it had.
fn read_to_the_end(bytes: Vec<u8>, keys: &Arc<KeyLog>) -> usize {
    let mut capture = CaptureFile::from_reader("damaged", Cursor::new(bytes));
    let config =
        EngineConfig { max_held_bytes: HELD, keys_may_come: true, ..EngineConfig::default() };
    let mut engine = Engine::new(config, Arc::clone(keys));
    let mut number = 0;
    while let Ok(Some(window)) = capture.next_window() {
        window.secrets().for_each(|text| engine.add_secrets(text));
        for packet in window.packets() {
            number += 1;
            let wire_len = usize::try_from(packet.original_len).expect("a length");
            engine.handle_packet(number, packet.at, packet.link, packet.bytes, wire_len);
            assert!(engine.held_bytes() <= HELD, "{} held", engine.held_bytes());
        }
    }
    engine.finish();
    assert_eq!(engine.held_bytes(), 0);
    assert_eq!(engine.connections(), 0);
    engine.drain();
    usize::try_from(number).expect("a number")
}

/// A capture: its name, its bytes, its keys.
type Material = (String, Vec<u8>, Arc<KeyLog>);

fn material() -> Result<Vec<Material>> {
    let mut all = Vec::new();
    for golden in Golden::all()? {
        let mut keys = KeyLog::default();
        keys.add(&golden.keys());
        all.push((golden.name(), fs::read(&golden.capture)?, Arc::new(keys)));
    }
    Ok(all)
}

#[test]
fn a_capture_cut_anywhere_has_the_packets_before_the_cut() -> Result<()> {
    for (name, whole, keys) in material()? {
        let packets: Vec<Frame> = read_bytes(whole.clone())?;
        let prime = PRIMES.iter().find(|prime| whole.len() / **prime <= CUTS);
        let step = if whole.len() <= SMALL { 1 } else { *prime.unwrap_or(&PRIMES[6]) };
        for len in (0..whole.len()).step_by(step) {
            let cut = whole[..len].to_vec();
            let read = read_bytes(cut.clone()).unwrap_or_default();
            assert_eq!(read[..], packets[..read.len()], "{name} cut at {len}");
            // Behind the file's header, a packet is missing only where its bytes are.
            let used: usize = read.iter().map(|frame| 16 + frame.bytes.len()).sum();
            let next = packets.get(read.len()).map_or(0, |frame| 16 + frame.bytes.len());
            assert!(len <= 24 + used + next, "{name} cut at {len}: {} packets", read.len());
            assert_eq!(read_to_the_end(cut, &keys), read.len(), "{name} cut at {len}");
        }
    }
    Ok(())
}

#[test]
fn a_capture_scribbled_over_is_read_to_some_end() -> Result<()> {
    for (_, whole, keys) in material()? {
        for seed in 0..150 {
            let mut dice = Dice::new(seed);
            let mut damaged = whole.clone();
            // The file's own headers are spared now and then, so that the damage gets further.
            let spared = if dice.once_in(4) { 0 } else { 24 };
            for _ in 0..1 + dice.within(0..60) {
                let at = dice.within(spared..damaged.len());
                damaged[at] = match dice.within(0..4) {
                    0 => 0,
                    1 => 0xff,
                    2 => damaged[at] ^ (1 << dice.within(0..8)),
                    _ => dice.byte(),
                };
            }
            read_to_the_end(damaged, &keys);
        }
    }
    Ok(())
}

/// Damage that leaves the capture's framing alone: all of it reaches the decoders.
#[test]
fn packets_scribbled_over_are_read_to_some_end() -> Result<()> {
    for (_, whole, keys) in material()? {
        let packets = read_bytes(whole)?;
        for seed in 0..150 {
            let mut dice = Dice::new(seed);
            let mut damaged = packets.clone();
            for _ in 0..1 + dice.within(0..30) {
                let frame = dice.within(0..damaged.len());
                let bytes = &mut damaged[frame].bytes;
                let at = dice.within(0..bytes.len());
                // Mostly behind the addresses, so that the connection stays the same.
                let at = if dice.once_in(5) { at } else { at.max(50.min(bytes.len() - 1)) };
                bytes[at] ^= dice.byte();
            }
            read_to_the_end(wrongdoor_tests::wire::pcap(&damaged)?, &keys);
        }
    }
    Ok(())
}

/// What is dropped, repeated and moved is nobody's loss but its own.
#[test]
fn packets_in_any_order_are_read_to_some_end() -> Result<()> {
    for (_, whole, keys) in material()? {
        let packets = read_bytes(whole)?;
        for seed in 0..40 {
            let mut dice = Dice::new(seed);
            let some = (0..packets.len()).map(|_| packets[dice.within(0..packets.len())].clone());
            let some: Vec<_> = some.collect();
            read_to_the_end(wrongdoor_tests::wire::pcap(&some)?, &keys);
        }
    }
    Ok(())
}
