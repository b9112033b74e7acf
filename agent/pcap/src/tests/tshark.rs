//! The same captures, read by Wireshark's library.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::build::{Order, enhanced, interface, option, section};
use super::{CaptureFile, read};

/// Runs a program of the packages that the tests need.
fn run(program: &str, package: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(program).args(arguments).stderr(Stdio::inherit()).output().unwrap_or_else(
            |error| {
                panic!("`{program}` is needed for this test: apt-get install {package} ({error})")
            },
        );
    assert!(output.status.success(), "{program} {arguments:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Packets of many lengths and times, as one section with two interfaces.
fn original(folder: &TempDir) -> String {
    let order = Order::Big;
    let mut bytes = section(order);
    bytes.extend(interface(order, 1, 65535, &option(order, 9, &[9])));
    bytes.extend(interface(order, 1, 65535, &[]));
    for n in 0..400_u64 {
        let data = vec![n as u8; 14 + (n * n % 1500) as usize];
        let original = data.len() as u32 + (n % 3) as u32;
        let (interface, ticks) = if n % 2 == 0 {
            (0, 1_700_000_000_123_456_789 + n * 1_000_003)
        } else {
            (1, 1_700_000_001_000_001 + n * 17)
        };
        bytes.extend(enhanced(order, interface, ticks, &data, original, &[]));
    }
    let path = folder.path().join("original");
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `seconds.nanoseconds original captured`, as tshark prints it.
fn by_tshark(path: &str) -> Vec<String> {
    let fields = ["-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len"];
    let arguments = [&["-r", path, "-T", "fields"][..], &fields].concat();
    run("tshark", "tshark", &arguments).lines().map(str::to_owned).collect()
}

fn by_us(path: &str) -> Vec<String> {
    let outcome = read(CaptureFile::open(Path::new(path)).unwrap()).unwrap();
    assert_eq!(outcome.warnings, []);
    let line = |(at, _, bytes, original): &super::Seen| {
        let (seconds, nanoseconds) = (at / 1_000_000_000, at % 1_000_000_000);
        format!("{seconds}.{nanoseconds:09}\t{original}\t{}", bytes.len())
    };
    outcome.packets.iter().map(line).collect()
}

#[test]
fn reads_what_tshark_reads() {
    let folder = tempfile::tempdir().unwrap();
    let original = original(&folder);
    let mut paths = vec![original.clone()];
    for format in ["pcap", "nsecpcap", "pcapng"] {
        for snaplen in ["60", "65535"] {
            let path = format!("{original}.{format}.{snaplen}");
            run("editcap", "wireshark-common", &["-F", format, "-s", snaplen, &original, &path]);
            paths.push(path);
        }
    }
    for path in paths {
        let expected = by_tshark(&path);
        assert_eq!(expected.len(), 400, "{path}");
        assert_eq!(by_us(&path), expected, "{path}");
    }
}

#[test]
fn reads_sections_one_after_the_other_as_tshark_does() {
    let folder = tempfile::tempdir().unwrap();
    let original = original(&folder);
    let rewritten = format!("{original}.pcapng");
    run("editcap", "wireshark-common", &["-F", "pcapng", &original, &rewritten]);
    let both = [std::fs::read(&original).unwrap(), std::fs::read(&rewritten).unwrap()].concat();
    let path = format!("{original}.both");
    std::fs::write(&path, both).unwrap();
    let expected = by_tshark(&path);
    assert_eq!(expected.len(), 800);
    assert_eq!(by_us(&path), expected);
}

#[test]
fn finds_the_secrets_that_editcap_puts_in() {
    let folder = tempfile::tempdir().unwrap();
    let original = original(&folder);
    let keys = folder.path().join("keys");
    let text = format!("CLIENT_RANDOM {} {}\n", "ab".repeat(32), "cd".repeat(48));
    std::fs::write(&keys, &text).unwrap();
    let inject = format!("tls,{}", keys.display());
    let path = format!("{original}.keys");
    run("editcap", "wireshark-common", &["--inject-secrets", &inject, &original, &path]);
    let mut capture = CaptureFile::open(Path::new(&path)).unwrap();
    assert_eq!(capture.secrets_ahead().unwrap(), [text.as_bytes()]);
    assert_eq!(read(capture).unwrap().packets.len(), 400);
}
