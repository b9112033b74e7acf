//! Key log text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wrongdoor_core::wire::tls::keylog::{KeyLog, Label};

const LABELS: [Label; 7] = [
    Label::Master,
    Label::ClientEarly,
    Label::ClientHandshake,
    Label::ServerHandshake,
    Label::ClientTraffic,
    Label::ServerTraffic,
    Label::Ech,
];

fuzz_target!(|data: &[u8]| {
    let mut whole = KeyLog::default();
    whole.add(data);
    // The same, line by line.
    let mut by_line = KeyLog::default();
    data.split(|byte| *byte == b'\n').for_each(|line| by_line.add(line));
    assert_eq!(whole.malformed_lines, by_line.malformed_lines);
    assert_eq!(whole.is_empty(), by_line.is_empty());
    // Whatever looks like a client random is looked up in both.
    for word in data.split(u8::is_ascii_whitespace) {
        let Some(random) = random(word) else { continue };
        for label in LABELS {
            let secret =
                |log: &KeyLog| log.secrets(&random).and_then(|secrets| secrets.get(label)).copied();
            let found = secret(&whole);
            assert!(found == secret(&by_line));
            assert!(found.is_none_or(|secret| (1..=64).contains(&secret.as_bytes().len())));
        }
    }
});

fn random(word: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(word).ok().filter(|text| text.len() == 64)?;
    let mut random = [0; 32];
    for (at, byte) in random.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(random)
}
