use std::fs::{self, File};
use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::Result;
use wrongdoor_tests::report::Report;
use wrongdoor_tests::{binary, scenario};

/// A capture file without packets: little-endian, microseconds, Ethernet.
const EMPTY: [u8; 24] =
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];

#[track_caller]
fn ends_with(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "it said: {said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn done_is_0_even_without_packets() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("empty.pcap");
    fs::write(&file, EMPTY)?;
    let output = binary::run(&["analyze", "--format", "json", text(&file)])?;
    assert_eq!(ends_with(&output, 0), "");
    let report = Report::parse(&output.stdout)?;
    assert_eq!(report.summary.get("packets"), Some(&0.into()));
    assert!(report.connections.is_empty() && report.exchanges.is_empty());
    Ok(())
}

#[test]
fn a_matched_fail_on_is_1_and_all_is_written_still() -> Result<()> {
    let scene = scenario::apache_two_hosts()?;
    let (capture, keylog) = (scene.capture(), scene.keylog());
    let common = ["analyze", "--format", "json", "--keylog", text(&keylog), text(&capture)];
    for what in ["misdirected", "mismatched"] {
        let output = binary::run(&[&common[..], &["--fail-on", what]].concat())?;
        ends_with(&output, 1);
        let report = Report::parse(&output.stdout)?;
        assert_eq!(report.exchanges.len(), scene.sent.len());
    }
    Ok(())
}

#[test]
fn an_unmatched_fail_on_is_0() -> Result<()> {
    let scene = scenario::proxy_chain(scenario::Upstream::HostName)?;
    let (capture, keylog) = (scene.capture(), scene.keylog());
    for what in ["misdirected", "mismatched"] {
        let output = binary::run(&[
            "analyze",
            "--keylog",
            text(&keylog),
            "--fail-on",
            what,
            text(&capture),
        ])?;
        ends_with(&output, 0);
    }
    Ok(())
}

#[test]
fn bad_usage_is_64() -> Result<()> {
    for wrong in [
        &["analyze"][..],
        &["analyze", "--format", "xml", "a.pcap"],
        &["analyze", "--fail-on", "monday", "a.pcap"],
        &["analyze", "--no-such-option", "a.pcap"],
        &["no-such-command"],
    ] {
        let said = ends_with(&binary::run(wrong)?, 64);
        assert!(said.starts_with("error: "), "{wrong:?}: {said}");
    }
    Ok(())
}

#[test]
fn what_is_no_capture_is_65() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let damaged = &EMPTY[..EMPTY.len() - 1];
    for (name, bytes) in [("text", &b"this is not a capture, by any measure"[..]), ("cut", damaged)]
    {
        let file = folder.path().join(name);
        fs::write(&file, bytes)?;
        let said = ends_with(&binary::run(&["analyze", text(&file)])?, 65);
        assert!(said.contains(text(&file)), "it names the file: {said}");
    }
    Ok(())
}

#[test]
fn an_input_that_is_not_there_is_66_before_anything_is_written() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let empty = folder.path().join("empty.pcap");
    fs::write(&empty, EMPTY)?;
    let missing = folder.path().join("missing");
    for arguments in [
        &["analyze", text(&empty), text(&missing)][..],
        &["analyze", "--keylog", text(&missing), text(&empty)],
    ] {
        let output = binary::run(arguments)?;
        let said = ends_with(&output, 66);
        assert!(said.contains(text(&missing)), "it names the file: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "one chain, once: {said}");
        assert!(output.stdout.is_empty());
    }
    Ok(())
}

#[test]
fn output_that_cannot_be_written_is_74() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("empty.pcap");
    fs::write(&file, EMPTY)?;
    for format in ["json", "table"] {
        let arguments = ["analyze", "--format", format, text(&file)];
        let full = File::options().write(true).open("/dev/full")?;
        let output = binary::command(&arguments).stdout(full).stderr(Stdio::piped()).output()?;
        ends_with(&output, 74);
        let named = [&arguments[..], &["--output", "/dev/full"]].concat();
        let said = ends_with(&binary::run(&named)?, 74);
        assert!(said.contains("/dev/full"), "it names the file: {said}");
    }
    Ok(())
}

#[test]
fn output_goes_where_it_is_sent() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, written) = (folder.path().join("empty.pcap"), folder.path().join("written"));
    fs::write(&file, EMPTY)?;
    let to_file =
        binary::run(&["analyze", "--format", "json", "--output", text(&written), text(&file)])?;
    ends_with(&to_file, 0);
    assert!(to_file.stdout.is_empty());
    let to_stdout = binary::run(&["analyze", "--format", "json", text(&file)])?;
    assert_eq!(fs::read(&written)?, to_stdout.stdout);
    Ok(())
}

#[test]
fn standard_input_is_a_dash() -> Result<()> {
    let scene = scenario::apache_two_hosts()?;
    let keylog = scene.keylog();
    let arguments = ["analyze", "--format", "json", "--keylog", text(&keylog)];
    let named = binary::run(&[&arguments[..], &[text(&scene.capture())]].concat())?;
    let mut dash = binary::command(&[&arguments[..], &["-"]].concat());
    let piped = dash.stdin(File::open(scene.capture())?).output()?;
    ends_with(&piped, 0);
    assert_eq!(String::from_utf8(piped.stdout)?, String::from_utf8(named.stdout)?);
    Ok(())
}
