//! The `h2` crate is the truth: what its client and its server saw is what must be told of their bytes.

/// The peers, and what they saw.
mod peers;
/// What each request is to be.
mod plan;

use std::collections::BTreeMap;

use anyhow::Result;
use wrongdoor_tests::wire::{Cut, Dice, Found, Talk, Told, observe, scripts};

use peers::{Saw, Truth, play};

/// How many conversations are played.
const SEEDS: u64 = 60;

#[track_caller]
fn agree(seed: u64, truth: &Truth, found: &Found) {
    let what = format!("seed {seed}: {truth:#?}\n{:#?}", found.counters);
    let told: BTreeMap<u64, &Told> =
        found.exchanges.iter().map(|told| (told.stream, told)).collect();
    assert_eq!(told.len(), found.exchanges.len(), "no stream twice, {what}");
    for (stream, told) in &told {
        assert!(truth.requests.contains_key(stream), "never sent: {told:#?}, {what}");
        assert_eq!(told.http_version, "2");
        assert_eq!(told.first_on_connection, Some(*stream == 1), "{told:#?}, {what}");
    }
    for (stream, request) in &truth.requests {
        let Some(told) = told.get(stream) else {
            assert!(!request.arrived, "not told: stream {stream}, {what}");
            continue;
        };
        assert_eq!(told.method.as_deref(), Some(&*request.method), "stream {stream}, {what}");
        assert_eq!(told.authority_raw.as_deref(), Some(&*request.authority), "{what}");
        match request.saw {
            Saw::Status(status) => assert_eq!(told.status, Some(status), "{stream}, {what}"),
            Saw::Nothing => assert_eq!(told.status, None, "stream {stream}, {what}"),
            // Whether the answer or the reset was first on the wire is the wire's to say.
            Saw::Cancelled(status) => {
                assert!(told.status.is_none_or(|told| told == status), "stream {stream}, {what}");
            }
        }
    }
    assert!(found.counters.decode_errors.is_empty(), "{what}");
    assert!(found.counters.lost.is_empty(), "{what}");
}

#[test]
fn what_two_peers_saw_is_what_is_told() -> Result<()> {
    let (mut exchanges, mut answered, mut pushed) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        let (truth, said) = play(&mut dice)?;
        let mut talk = Talk::open(8080);
        for (side, bytes) in &said {
            talk.say(*side, bytes);
        }
        talk.close();
        let found = observe(&talk.frames(), b"");
        agree(seed, &truth, &found);
        // And however it is cut.
        let cut = Cut { longest: 1 + dice.within(0..3000), again: 5, displaced: 4 };
        for script in scripts(&talk.frames())? {
            agree(seed, &truth, &observe(&script.cut(&mut dice, cut), b""));
        }
        exchanges += found.exchanges.len();
        answered += found.exchanges.iter().filter(|told| told.status.is_some()).count();
        pushed += found.exchanges.iter().filter(|told| told.stream % 2 == 0).count();
    }
    // The peers did what they were meant to.
    assert!(exchanges > 1000 && answered > 800 && pushed > 20, "{exchanges} {answered} {pushed}");
    Ok(())
}
