use anyhow::Result;
use serde_json::json;
use tempfile::TempDir;
use wrongdoor_tests::binary;
use wrongdoor_tests::certs::Authority;
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::ports::Port;
use wrongdoor_tests::report::text;
use wrongdoor_tests::server::Server;

use super::{Probed, field, run};

const ONE: &str = "one.probe.test";

/// Two servers, and what they are given differs as `second` does from nothing.
struct Tiers {
    folder: TempDir,
    servers: [Server; 2],
}

fn tiers(second: &str, second_names: &[&str]) -> Result<Tiers> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(folder.path())?;
    let start = |name: &str, names: &[&str], directives: &str| {
        let cert = authority.issue(name, names)?;
        let inner = folder.path().join(name);
        std::fs::create_dir_all(&inner)?;
        nginx::start(&inner, "", &[ServerBlock::new(ONE, &cert).with(directives)])
    };
    let servers = [start("first", &[ONE], "")?, start("second", second_names, second)?];
    Ok(Tiers { folder, servers })
}

impl Tiers {
    fn ask(&self, more: &[&str]) -> Result<(Option<i32>, Probed)> {
        let [first, second] =
            self.servers.each_ref().map(|server| format!("127.0.0.1:{}", server.port()));
        let ca = self.folder.path().join("ca.pem");
        let common = ["--connect", &first, "--connect", &second, "--authority", ONE];
        let ca = ["--ca", ca.to_str().expect("a plain path"), "--fail-on", "parity"];
        let output = run(&[&common[..], &ca, more].concat())?;
        Ok((output.status.code(), Probed::parse(&output.stdout)?))
    }
}

#[test]
fn servers_that_say_the_same_do_not_disagree() -> Result<()> {
    let (code, probed) = tiers("", &[ONE])?.ask(&[])?;
    assert_eq!(code, Some(0), "{:#?}", probed.lines);
    // Each server by itself: two protocols, with and without SNI.
    assert_eq!(probed.summary("probes"), Some(8));
    assert_eq!((probed.summary("servers"), probed.summary("disagreements")), (Some(2), Some(0)));
    Ok(())
}

#[test]
fn other_answers_are_told_for_every_request() -> Result<()> {
    let tiers = tiers("location / { return 503; }", &[ONE])?;
    let (code, probed) = tiers.ask(&["--test", "own"])?;
    assert_eq!(code, Some(1));
    let found = probed.of_type("disagreement");
    assert_eq!(found.len(), 2, "{found:#?}");
    let [first, second] =
        tiers.servers.each_ref().map(|server| format!("127.0.0.1:{}", server.port()));
    for (line, protocol) in found.into_iter().zip(["h2", "http/1.1"]) {
        assert_eq!((text(line, "about"), text(line, "protocol")), (Some("answer"), Some(protocol)));
        assert_eq!((text(line, "sni"), text(line, "authority")), (Some(ONE), Some(ONE)));
        let side = |outcome, class, server| {
            json!({"outcome": outcome, "status_class": class, "certificate_names": null,
                   "verification": null, "servers": [server]})
        };
        let sides = [side("served", 200, &first), side("failed", 500, &second)];
        assert_eq!(field(line, "sides"), &json!(sides));
    }
    Ok(())
}

#[test]
fn another_certificate_is_told_once_for_a_handshake() -> Result<()> {
    let tiers = tiers("", &[ONE, "two.probe.test"])?;
    let (code, probed) = tiers.ask(&["--protocol", "h2"])?;
    assert_eq!(code, Some(1));
    // With and without SNI.
    let found = probed.of_type("disagreement");
    let about: Vec<_> = found.iter().map(|line| (text(line, "about"), text(line, "sni"))).collect();
    assert_eq!(about, [(Some("handshake"), Some(ONE)), (Some("handshake"), None)]);
    Ok(())
}

#[test]
fn who_is_not_there_is_one_disagreement() -> Result<()> {
    let tiers = tiers("", &[ONE])?;
    let nobody = Port::find()?;
    let nobody = format!("127.0.0.1:{}", nobody.number());
    let (code, probed) = tiers.ask(&["--connect", &nobody])?;
    assert_eq!(code, Some(1));
    let found = probed.of_type("disagreement");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(text(found[0], "about"), Some("reachability"));
    let servers = probed.of_type("server");
    let outcomes: Vec<_> = servers.iter().map(|line| text(line, "outcome")).collect();
    assert_eq!(outcomes, [Some("connected"), Some("connected"), Some("connection_refused")]);
    assert_eq!(probed.summary("unreachable"), Some(1));
    Ok(())
}

#[test]
fn the_table_names_both_sides() -> Result<()> {
    let tiers = tiers("location / { return 503; }", &[ONE])?;
    let [first, second] =
        tiers.servers.each_ref().map(|server| format!("127.0.0.1:{}", server.port()));
    let output = binary::run(&[
        "probe",
        "--insecure",
        "--connect",
        &first,
        &second,
        "--authority",
        ONE,
        "--test",
        "own",
    ])?;
    let table = String::from_utf8(output.stdout)?;
    for expected in [
        format!("HTTP/2 and HTTP/1.1 at {first}: "),
        format!("HTTP/2 and HTTP/1.1 at {second}: "),
        format!("{first}: 2xx"),
        format!("{second}: 5xx"),
        "2 addresses, 4 probes: 0 answered with 421, 0 not answered, 0 coalescing hazards, 2 disagreements."
            .to_owned(),
    ] {
        assert!(table.contains(&expected), "no {expected} in {table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    Ok(())
}
