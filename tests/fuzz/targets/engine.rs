//! A whole capture through the engine: any packets, a capture file, or a real one with changes.
#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;
use wrongdoor_core::engine::{EngineConfig, Engine, Observation, Shard};
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::LinkType;
use wrongdoor_fuzz::{CAPTURES, Watched, config, keys};
use wrongdoor_pcap::CaptureFile;

/// A packet: link type, bytes, and its length on the wire.
type Captured = (LinkType, Vec<u8>, usize);

fuzz_target!(|data: &[u8]| {
    let _ended_early = run(&mut Unstructured::new(data));
});

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let choice: u8 = input.arbitrary()?;
    let packets = match choice >> 3 & 3 {
        0 => any(input)?,
        1 => file(input.bytes(input.len())?),
        _ => {
            let mut packets =
                file(CAPTURES[usize::from(input.arbitrary::<u8>()?) % CAPTURES.len()]);
            change(&mut packets, input)?;
            packets
        }
    };
    let mut watched = Watched::new(config(choice), keys());
    for (moment, (link, bytes, wire_len)) in (0..).zip(&packets) {
        watched.packet(Timestamp(moment), *link, bytes, *wire_len);
    }
    let told = watched.finish();
    // With the default bounds, engines that share the work tell the same.
    if choice & 3 == 0 {
        let shared: Vec<Observation> =
            (0..2).flat_map(|index| shard(index, choice, &packets)).collect();
        assert_eq!(sorted(&told.observations), sorted(&shared));
    }
    Ok(())
}

fn shard(index: u32, choice: u8, packets: &[Captured]) -> Vec<Observation> {
    let shard = Shard { index, count: 2 };
    let mut engine = Engine::new(EngineConfig { shard, ..config(choice) }, keys());
    for ((link, bytes, wire_len), moment) in packets.iter().zip(0..) {
        let number = u64::try_from(moment).unwrap_or(0) + 1;
        engine.handle_packet(number, Timestamp(moment), *link, bytes, *wire_len);
    }
    engine.finish();
    engine.drain()
}

fn sorted(observations: &[Observation]) -> Vec<String> {
    let mut observations: Vec<&Observation> = observations.iter().collect();
    observations.sort_by_key(|observation| (observation.packet, observation.connection));
    observations.iter().map(|observation| format!("{observation:?}")).collect()
}

fn any(input: &mut Unstructured<'_>) -> Result<Vec<Captured>> {
    let mut packets = Vec::new();
    while !input.is_empty() {
        let link = LinkType([1, 101, 0, 113, 276, 12][usize::from(input.arbitrary::<u8>()?) % 6]);
        let (len, cut): (u16, u8) = (input.arbitrary()?, input.arbitrary()?);
        let bytes = input.bytes(usize::from(len).min(input.len()))?.to_vec();
        let wire_len = bytes.len() + usize::from(cut);
        packets.push((link, bytes, wire_len));
    }
    Ok(packets)
}

fn file(bytes: &[u8]) -> Vec<Captured> {
    let mut packets = Vec::new();
    let mut capture = CaptureFile::from_reader("input", Cursor::new(bytes.to_vec()));
    while let Ok(Some(window)) = capture.next_window() {
        packets.extend(window.packets().map(|packet| {
            let wire_len = usize::try_from(packet.original_len).unwrap_or(usize::MAX);
            (packet.link, packet.bytes.to_vec(), wire_len)
        }));
    }
    packets
}

fn change(packets: &mut Vec<Captured>, input: &mut Unstructured<'_>) -> Result<()> {
    while !input.is_empty() && !packets.is_empty() {
        let what: u8 = input.arbitrary()?;
        let at = usize::from(input.arbitrary::<u16>()?) % packets.len();
        let place: u16 = input.arbitrary()?;
        match what % 8 {
            0 => drop(packets.remove(at)),
            1 => packets.insert(at, packets[at].clone()),
            2 => {
                let other = usize::from(place) % packets.len();
                packets.swap(at, other);
            }
            3 => {
                let bytes = &mut packets[at].1;
                bytes.truncate(usize::from(place) % (bytes.len() + 1));
            }
            4 | 5 => {
                let value: u8 = input.arbitrary()?;
                let bytes = &mut packets[at].1;
                let place = usize::from(place) % bytes.len().max(1);
                bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte = value);
            }
            6 => {
                // Later, by so many packets.
                let packet = packets.remove(at);
                packets.insert((at + usize::from(place % 64)).min(packets.len()), packet);
            }
            _ => packets.truncate(at + 1),
        }
    }
    Ok(())
}
