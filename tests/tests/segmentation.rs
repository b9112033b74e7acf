use anyhow::Result;
use wrongdoor_core::side::Side;
use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::wire::{self, Cut, Dice, Found, Frame, Script, Talk, observe, scripts};

/// Small and large segments, in and out of order, said once and twice.
const CUTS: [Cut; 5] = [
    Cut { longest: 1, again: 7, displaced: 5 },
    Cut { longest: 9, again: 3, displaced: 0 },
    Cut { longest: 100, again: 2, displaced: 6 },
    Cut { longest: 1448, again: 4, displaced: 3 },
    Cut { longest: 20_000, again: 50, displaced: 0 },
];

/// A capture: its name, its frames, its keys.
type Material = (String, Vec<Frame>, Vec<u8>);

/// Every committed capture of TCP, and every conversation made by hand, with its keys.
fn material() -> Result<Vec<Material>> {
    let mut all = Vec::new();
    for golden in Golden::all()? {
        let frames = wire::read(&golden.capture)?;
        if !scripts(&frames)?.is_empty() {
            all.push((golden.name(), frames, golden.keys()));
        }
    }
    let samples = wire::samples().into_iter();
    all.extend(samples.map(|(name, frames)| (name.to_owned(), frames, Vec::new())));
    Ok(all)
}

#[track_caller]
fn same(name: &str, cut: &Found, whole: &Found) {
    assert_eq!(cut.sorted(), whole.sorted(), "{name}: {:?}", cut.counters);
    assert_eq!(cut.sorted_connections(), whole.sorted_connections(), "{name}");
    assert_eq!(cut.counters.decode_errors, whole.counters.decode_errors, "{name}");
    assert_eq!(cut.counters.lost, whole.counters.lost, "{name}");
}

#[test]
fn any_cut_in_any_order_says_the_same() -> Result<()> {
    for (name, frames, keys) in material()? {
        let whole = observe(&frames, &keys);
        assert!(!whole.connections.is_empty(), "{name} shows something");
        let scripts = scripts(&frames)?;
        for (seed, cut) in (0..).zip(CUTS.iter().cycle().take(2 * CUTS.len())) {
            let mut dice = Dice::new(seed);
            let cut_anew = |script: &Script| script.cut(&mut dice, *cut);
            let anew: Vec<Frame> = scripts.iter().flat_map(cut_anew).collect();
            same(&format!("{name}, seed {seed}, {cut:?}"), &observe(&anew, &keys), &whole);
        }
    }
    Ok(())
}

/// Packets of different connections mix as they like.
#[test]
fn connections_do_not_meet() -> Result<()> {
    for (name, frames, keys) in material()? {
        let whole = observe(&frames, &keys);
        let mut dice = Dice::new(421);
        let mut queues: Vec<_> = scripts(&frames)?
            .iter()
            .map(|script| script.cut(&mut dice, CUTS[3]).into_iter())
            .collect();
        let mut mixed = Vec::new();
        while !queues.is_empty() {
            let at = dice.within(0..queues.len());
            match queues[at].next() {
                Some(frame) => mixed.push(frame),
                None => drop(queues.remove(at)),
            }
        }
        let mixed = observe(&mixed, &keys);
        assert_eq!(mixed.sorted_connections(), whole.sorted_connections(), "{name}");
        assert_eq!(mixed.sorted(), whole.sorted(), "{name}");
    }
    Ok(())
}

/// What a client says first, over as many records as there are bytes (RFC 8446, section 5.1).
#[test]
fn a_client_hello_over_many_records_says_the_same() -> Result<()> {
    let golden = Golden::all()?.into_iter().find(|golden| golden.name() == "apache-two-hosts");
    let golden = golden.expect("a committed capture");
    let frames = wire::read(&golden.capture)?;
    for script in scripts(&frames)? {
        let whole = observe(&script.cut(&mut Dice::new(1), CUTS[4]), &golden.keys());
        for len in [1, 2, 3, 4, 5, 63, 64, 200] {
            let mut split = script.clone();
            split.said_by_client.split_first_record(len);
            let found = observe(&split.cut(&mut Dice::new(1), CUTS[3]), &golden.keys());
            same(&format!("records of {len}"), &found, &whole);
        }
    }
    Ok(())
}

/// The other direction of a conversation may come first in a capture of two taps.
#[test]
fn one_direction_behind_the_other_says_the_same() -> Result<()> {
    for (name, frames, keys) in material()? {
        let whole = observe(&frames, &keys);
        for script in scripts(&frames)? {
            let alone = observe(&script.cut(&mut Dice::new(2), CUTS[3]), &keys);
            let total = script.said_by_client.bytes.len() + script.said_by_server.bytes.len();
            if alone.connections.is_empty() || total > 9000 {
                continue;
            }
            for first in [Side::Client, Side::Server] {
                let mut talk = Talk::between(script.client, script.server);
                talk.handshake();
                let (client, server) = (&script.said_by_client.bytes, &script.said_by_server.bytes);
                match first {
                    Side::Client => talk.client(client).server(server),
                    Side::Server => talk.server(server).client(client),
                };
                talk.close();
                let found = observe(&talk.frames(), &keys);
                let expected =
                    whole.sorted().into_iter().filter(|told| told.client == Some(script.client));
                let expected: Vec<_> =
                    expected.map(|told| (told.stream, told.status, told.authority)).collect();
                let found: Vec<_> = found
                    .sorted()
                    .into_iter()
                    .map(|told| (told.stream, told.status, told.authority))
                    .collect();
                assert_eq!(found, expected, "{name}, {first:?} first");
            }
        }
    }
    Ok(())
}
