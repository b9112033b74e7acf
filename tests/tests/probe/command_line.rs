use std::io::Write;
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::json;
use wrongdoor_tests::binary;
use wrongdoor_tests::certs::Authority;
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::ports::Port;
use wrongdoor_tests::report::text;

use super::{Probed, field, probe, run};

const ONE: &str = "one.probe.test";

#[test]
fn names_come_from_files_and_standard_input() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cert = Authority::new(folder.path())?.issue("cert", &["*.probe.test"])?;
    let server = nginx::start(folder.path(), "", &[ServerBlock::new("_", &cert)])?;
    let at = format!("127.0.0.1:{}", server.port());
    let list = folder.path().join("names");
    std::fs::write(&list, "# both\none.probe.test\n\nTWO.probe.test.:8443 # odd\n")?;
    let common = ["--connect", &at, "--insecure", "--test", "own", "--protocol", "h2"];
    let at_list = format!("@{}", list.display());
    let expected = [(ONE, ONE, ONE), ("two.probe.test", "TWO.probe.test.:8443", "two.probe.test")];
    let check = |probed: &Probed| {
        let told = probed.of_type("probe");
        let told: Vec<_> = told
            .iter()
            .map(|line| {
                ["authority", "authority_raw", "sni"].map(|key| text(line, key).unwrap_or(""))
            })
            .collect();
        assert_eq!(told, expected.map(|(host, raw, sni)| [host, raw, sni]));
    };
    check(&probe(&[&common[..], &["--authority", &at_list]].concat())?);
    for dash in ["-", "@-"] {
        let arguments = [&["probe", "--format", "json", "--authority", dash], &common[..]].concat();
        let mut child =
            binary::command(&arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().context("its input")?.write_all(&std::fs::read(&list)?)?;
        check(&Probed::parse(&child.wait_with_output()?.stdout)?);
    }
    Ok(())
}

#[test]
fn every_line_has_its_shape() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cert = Authority::new(folder.path())?.issue("cert", &[ONE])?;
    let server = nginx::start(folder.path(), "", &[ServerBlock::new(ONE, &cert)])?;
    let at = format!("127.0.0.1:{}", server.port());
    let output = run(&[
        "--connect",
        &at,
        "--insecure",
        "--authority",
        ONE,
        "--test",
        "own",
        "--protocol",
        "h2",
        "--rate",
        "100/s",
        "--concurrency",
        "1",
        "--path",
        "/a?b=c",
        "--method",
        "get",
    ])?;
    let lines: Vec<_> = std::str::from_utf8(&output.stdout)?.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with("{\"type\":\"")), "{lines:#?}");
    let probed = Probed::parse(&output.stdout)?;
    assert_eq!(
        probed.lines,
        [
            json!({"type": "server", "server": at, "outcome": "connected", "error": null}),
            json!({"type": "probe", "test": "own", "server": at, "protocol": "h2", "sni": ONE,
                   "first_authority": null, "authority": ONE, "authority_raw": ONE,
                   "tls_version": "1.3", "alpn": "h2", "http_version": "2", "first_status": null,
                   "status": 200, "outcome": "served", "error": null, "certificate_names": [ONE],
                   "certificate_covers": true, "verification": "skipped"}),
            json!({"type": "summary", "servers": 1, "unreachable": 0, "probes": 1, "unanswered": 0, "misdirected": 0,
                   "hazards": 0, "disagreements": 0}),
        ]
    );
    Ok(())
}

#[test]
fn what_is_typed_wrong_is_64_with_a_remedy() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (list, none) = (folder.path().join("names"), folder.path().join("none"));
    std::fs::write(&list, "one.probe.test\nnot a name\u{1b}[2J\n")?;
    std::fs::write(&none, "# nothing\n")?;
    let (list, none) = (format!("@{}", list.display()), format!("@{}", none.display()));
    let hundred: Vec<String> = (0..400).map(|at| format!("n{at}.probe.test")).collect();
    let mut many = vec!["--connect", "127.0.0.1:1", "--insecure", "--authority"];
    many.extend(hundred.iter().map(String::as_str));
    let common = ["--connect", "127.0.0.1:1", "--insecure", "--authority", ONE];
    for (arguments, said) in [
        (vec!["--connect", "127.0.0.1", "--authority", ONE], "192.0.2.1:443"),
        (
            vec!["--connect", "127.0.0.1:1", "--authority", "https://one.probe.test/"],
            "www.example.com",
        ),
        (vec!["--connect", "127.0.0.1:1", "--authority", &list], "line 2"),
        (vec!["--connect", "127.0.0.1:1", "--authority", &none], "one a line"),
        (vec!["--connect", "127.0.0.1:1", "--authority", "-", "@-"], "standard input"),
        (many, "--protocol"),
        ([&common[..], &["--ca", "ca.pem"]].concat(), "--insecure"),
        ([&common[..], &["--path", "healthz"]].concat(), "/healthz"),
        ([&common[..], &["--rate", "fast"]].concat(), "20/s"),
        ([&common[..], &["--sni", "192.0.2.1"]].concat(), "--sni"),
        ([&common[..], &["--test", "fixed-sni"]].concat(), "--sni"),
        ([&common[..], &["--concurrency", "0"]].concat(), "1..=256"),
        ([&common[..], &["--fail-on", "422"]].concat(), "parity"),
    ] {
        let output = run(&arguments)?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{said}: {error}");
        assert!(error.contains(said) && !error.contains('\u{1b}'), "{said}: {error}");
        assert!(output.stdout.is_empty());
    }
    Ok(())
}

#[test]
fn inputs_that_are_not_there_are_66_and_outputs_74() -> Result<()> {
    let common = ["--connect", "127.0.0.1:1", "--authority"];
    for (more, code, said) in [
        (&["@/nonexistent/names", "--insecure"][..], 66, "/nonexistent/names"),
        (&[ONE, "--ca", "/nonexistent/ca.pem"], 66, "/nonexistent/ca.pem"),
        (&[ONE, "--insecure", "--output", "/nonexistent/out"], 74, "/nonexistent/out"),
    ] {
        let output = run(&[&common[..], more].concat())?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(said), "{error}");
    }
    Ok(())
}

#[test]
fn where_nobody_is_there_it_is_69_with_the_addresses() -> Result<()> {
    let nobody = Port::find()?;
    let at = format!("127.0.0.1:{}", nobody.number());
    let output = run(&["--connect", &at, "--insecure", "--authority", ONE, "--fail-on", "parity"])?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{error}");
    assert!(
        error.contains(&format!("{at} (connection_refused)")) && error.contains("firewall"),
        "{error}"
    );
    // What was found is written all the same.
    let probed = Probed::parse(&output.stdout)?;
    assert_eq!(field(&probed.lines[0], "outcome"), "connection_refused");
    let output = run(&["--connect", "nobody.invalid:443", "--insecure", "--authority", ONE])?;
    assert_eq!(output.status.code(), Some(69));
    Ok(())
}

#[test]
fn what_a_certificate_says_does_nothing_to_a_terminal() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cert = Authority::new(folder.path())?.issue("cert", &["a\u{1b}[2J\u{7}.probe.test"])?;
    let server = nginx::start(folder.path(), "", &[ServerBlock::new(ONE, &cert)])?;
    let at = format!("127.0.0.1:{}", server.port());
    let arguments = ["probe", "--connect", &at, "--insecure", "--authority", ONE];
    let output = binary::run(&arguments)?;
    let table = String::from_utf8(output.stdout)?;
    assert!(table.contains(".probe.test"), "{table}");
    assert!(!table.chars().any(|c| c.is_control() && c != '\n'), "{table:?}");
    Ok(())
}
