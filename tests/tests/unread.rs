use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use wrongdoor_core::wire::net::LinkType;
use wrongdoor_tests::report::Report;
use wrongdoor_tests::wire::{Frame, Talk, pcap};
use wrongdoor_tests::{binary, scenario};

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a plain path")
}

/// What `analyze` prints of a file, its warnings and its exit status.
fn analyze(file: &Path, arguments: &[&str]) -> Result<(String, String, Option<i32>)> {
    let output = binary::command(&["analyze"]).args(arguments).arg(file).output()?;
    let (printed, said) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok((printed, said, output.status.code()))
}

#[test]
fn without_keys_the_table_says_first_that_it_is_no_all_clear() -> Result<()> {
    let scene = scenario::no_sni()?;
    let (printed, _, code) = analyze(&scene.capture(), &[])?;
    ensure!(code == Some(0), "{printed}");
    let first = printed.lines().next().context("nothing is printed")?;
    ensure!(
        first == "Not everything could be read, so misdirected requests may be missing here:",
        "{printed}"
    );
    ensure!(printed.contains("whose keys are in no --keylog"), "{printed}");
    // The handshakes, with those that sent no name.
    let server = format!("127.0.0.1:{}", scene.ports.first().context("a port")?);
    let is_row = |line: &&str| line.contains(&server) && line.contains("(none)");
    ensure!(printed.lines().any(|line| is_row(&line)), "{printed}");
    ensure!(printed.trim_end().ends_with(" not read."), "{printed}");
    let (with_keys, _, _) = analyze(&scene.capture(), &["--keylog", text(&scene.keylog())?])?;
    ensure!(
        !with_keys.contains("Not everything could be read") && !with_keys.contains("not read"),
        "{with_keys}"
    );
    Ok(())
}

#[test]
fn a_pipeline_can_fail_on_what_could_not_be_read() -> Result<()> {
    let scene = scenario::coalescing()?;
    let keylog = scene.keylog();
    for (fail_on, with_keys) in [
        (&["--fail-on", "unreadable"][..], 0),
        // There is a 421, which is seen with keys only.
        (&["--fail-on", "misdirected,unreadable"], 1),
        (&["--fail-on", "mismatched", "--fail-on", "unreadable"], 1),
    ] {
        let (_, said, code) = analyze(&scene.capture(), fail_on)?;
        ensure!(code == Some(1), "{fail_on:?}: {code:?} {said}");
        let keyed = [fail_on, &["--keylog", text(&keylog)?]].concat();
        let (_, said, code) = analyze(&scene.capture(), &keyed)?;
        ensure!(code == Some(with_keys), "{keyed:?}: {code:?} {said}");
    }
    let (_, _, code) = analyze(&scene.capture(), &["--fail-on", "misdirected"])?;
    ensure!(code == Some(0), "without keys there is no 421 to be seen");
    Ok(())
}

#[test]
fn the_page_says_that_not_everything_could_be_read() -> Result<()> {
    let scene = scenario::no_sni()?;
    let folder = tempfile::tempdir()?;
    let page = folder.path().join("report.html");
    analyze(&scene.capture(), &["--report", text(&page)?])?;
    let page = fs::read_to_string(page)?;
    ensure!(page.contains("may still contain misdirected requests"), "{page}");
    Ok(())
}

/// A conversation without TLS, whose frames say that they are of this link.
fn frames(link: u32) -> Vec<Frame> {
    let mut talk = Talk::open(80);
    talk.client("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    talk.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").close();
    talk.frames().into_iter().map(|frame| Frame { link: LinkType(link), ..frame }).collect()
}

#[test]
fn a_link_that_is_not_read_is_named_also_beside_one_that_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (unread, read) = (folder.path().join("usb.pcap"), folder.path().join("ip.pcap"));
    let frames = (frames(189), frames(101));
    let count = frames.0.len() as u64;
    fs::write(&unread, pcap(&frames.0)?)?;
    fs::write(&read, pcap(&frames.1)?)?;
    let warning = format!(
        "`{}`: packets of link type 189 (USB_LINUX) are not read: {count}",
        unread.display()
    );
    for files in [&[&unread][..], &[&read, &unread]] {
        for format in ["table", "json"] {
            let mut command = binary::command(&["analyze", "--format", format]);
            let output = command.args(["--fail-on", "unreadable"]).args(files).output()?;
            let (printed, said) =
                (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
            ensure!(said.contains(&warning), "{said}");
            ensure!(output.status.code() == Some(1), "{printed}");
            if format == "table" {
                let line = format!("  {count} packets of link types that are not read");
                ensure!(printed.lines().any(|printed| printed == line), "{printed}");
            } else {
                let report = Report::parse(printed.as_bytes())?;
                let counted = &report.summary["decode_errors"]["net.unsupported_link"];
                ensure!(*counted == count, "{:#}", report.summary);
                ensure!(report.exchanges.len() == files.len() - 1, "{printed}");
            }
        }
    }
    Ok(())
}
