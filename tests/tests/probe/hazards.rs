use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use tempfile::TempDir;
use wrongdoor_tests::apache::{self, VirtualHost};
use wrongdoor_tests::certs::Authority;
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::report::text;
use wrongdoor_tests::server::Server;

use super::{Probed, field, probe, run};

const ONE: &str = "one.probe.test";
const TWO: &str = "two.probe.test";

fn ask(server: &Server, folder: &Path, more: &[&str]) -> Result<Probed> {
    let (at, ca) = (format!("127.0.0.1:{}", server.port()), folder.join("ca.pem"));
    let ca = ca.to_str().expect("a plain path");
    let common = ["--connect", &at, "--ca", ca, "--authority", ONE, "--authority", TWO];
    probe(&[&common[..], more].concat())
}

fn statuses(probed: &Probed, test: &str, protocol: &str) -> Result<Value> {
    let facts = [("test", json!(test)), ("protocol", json!(protocol)), ("authority", json!(TWO))];
    Ok(field(probed.the(&facts)?, "status").clone())
}

/// Apache with a certificate file for each of both names.
fn apache(first: &[&str], second: &[&str]) -> Result<(TempDir, Server)> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(folder.path())?;
    let first = authority.issue("first", first)?;
    let second = authority.issue("second", second)?;
    let hosts = [VirtualHost::new(ONE, &first), VirtualHost::new(TWO, &second)];
    let server = apache::start(folder.path(), &hosts)?;
    Ok((folder, server))
}

#[test]
fn certificates_that_cover_both_names_in_two_files_are_hazards_to_apache() -> Result<()> {
    for names in [&[ONE, TWO][..], &["*.probe.test"]] {
        let (folder, server) = apache(names, names)?;
        let probed = ask(&server, folder.path(), &[])?;
        for protocol in ["h2", "http/1.1"] {
            assert_eq!(statuses(&probed, "own", protocol)?, 200);
            assert_eq!(statuses(&probed, "reuse", protocol)?, 421);
            assert_eq!(statuses(&probed, "cross", protocol)?, 421);
        }
        // Both ways, and over HTTP/2 only.
        let hazards = probed.of_type("hazard");
        let pairs: Vec<_> = hazards
            .iter()
            .map(|hazard| (text(hazard, "first_authority"), text(hazard, "authority")))
            .collect();
        assert_eq!(pairs, [(Some(ONE), Some(TWO)), (Some(TWO), Some(ONE))]);
        for hazard in hazards {
            assert_eq!(field(hazard, "hazard"), "misdirected");
            assert_eq!(
                (field(hazard, "status"), field(hazard, "own_status")),
                (&json!(421), &json!(200))
            );
            assert_eq!(field(hazard, "certificate_names"), &json!(names));
        }
        assert_eq!(probed.summary("hazards"), Some(2));
    }
    Ok(())
}

#[test]
fn one_file_for_both_is_none() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let both = Authority::new(folder.path())?.issue("both", &[ONE, TWO])?;
    let hosts = [VirtualHost::new(ONE, &both), VirtualHost::new(TWO, &both)];
    let server = apache::start(folder.path(), &hosts)?;
    let probed = ask(&server, folder.path(), &[])?;
    for (test, protocol) in [("own", "h2"), ("reuse", "h2"), ("reuse", "http/1.1")] {
        assert_eq!(statuses(&probed, test, protocol)?, 200);
    }
    assert_eq!((probed.summary("hazards"), probed.summary("misdirected")), (Some(0), Some(0)));
    Ok(())
}

#[test]
fn certificates_that_do_not_cover_each_other_are_none_and_the_421_is_told() -> Result<()> {
    let (folder, server) = apache(&[ONE], &[TWO])?;
    let probed = ask(&server, folder.path(), &[])?;
    assert_eq!(statuses(&probed, "reuse", "h2")?, 421);
    assert_eq!(statuses(&probed, "no_sni", "h2")?, 421);
    let reuse = probed.the(&[
        ("test", json!("reuse")),
        ("protocol", json!("h2")),
        ("authority", json!(TWO)),
    ])?;
    assert_eq!(field(reuse, "certificate_covers"), &json!(false));
    assert_eq!(field(reuse, "first_status"), &json!(200));
    assert_eq!(probed.summary("hazards"), Some(0));
    // Two pairs on connections of another's, each first and later, and one name without SNI; twice.
    assert_eq!(probed.summary("misdirected"), Some(10));
    Ok(())
}

#[test]
fn client_certificates_are_a_hazard_to_nginx_one_way() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(folder.path())?;
    let both = authority.issue("both", &[ONE, TWO])?;
    let verify =
        format!("ssl_client_certificate {};\nssl_verify_client on;", authority.root().display());
    let blocks = [ServerBlock::new(ONE, &both), ServerBlock::new(TWO, &both).with(&verify)];
    let server = nginx::start(folder.path(), "", &blocks)?;
    let probed = ask(&server, folder.path(), &["--protocol", "h2"])?;
    // Without a certificate of the client's: an answer, but not of the same kind.
    assert_eq!(statuses(&probed, "own", "h2")?, 400);
    assert_eq!(statuses(&probed, "reuse", "h2")?, 421);
    let hazards = probed.of_type("hazard");
    assert_eq!(hazards.len(), 1, "{hazards:#?}");
    assert_eq!(text(hazards[0], "authority"), Some(TWO));
    Ok(())
}

#[test]
fn errors_and_redirects_on_a_shared_connection_are_told_apart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let both = Authority::new(folder.path())?.issue("both", &[ONE, TWO])?;
    for (status, kind) in [(404, "refused"), (302, "different")] {
        // Decides by the name in the handshake, as what routes by it does.
        let wrong = format!("if ($ssl_server_name != $host) {{ return {status}; }}");
        let blocks =
            [ServerBlock::new(ONE, &both).with(&wrong), ServerBlock::new(TWO, &both).with(&wrong)];
        let server = nginx::start(folder.path(), "", &blocks)?;
        let probed = ask(&server, folder.path(), &["--protocol", "h2", "--test", "reuse"])?;
        let hazards = probed.of_type("hazard");
        assert_eq!(hazards.len(), 2, "{hazards:#?}");
        for hazard in hazards {
            assert_eq!(field(hazard, "hazard"), kind);
            assert_eq!(field(hazard, "status"), &json!(status));
        }
    }
    Ok(())
}

#[test]
fn the_first_names_page_for_the_second_is_the_silent_kind() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let both = Authority::new(folder.path())?.issue("both", &["*.probe.test"])?;
    let page = "location / { return 200 \"this is $ssl_server_name\\n\"; }";
    let block = ServerBlock::new("_", &both).with(page);
    let server = nginx::start(folder.path(), "", &[block])?;
    let probed = ask(&server, folder.path(), &["--method", "GET"])?;
    let kinds: Vec<_> = probed.of_type("hazard").iter().map(|line| field(line, "hazard")).collect();
    assert_eq!(kinds, ["wrong_host", "wrong_host"]);
    assert_eq!(probed.summary("misdirected"), Some(0));
    Ok(())
}

#[test]
fn a_server_that_ends_the_connection_leaves_nothing_to_reuse() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let both = Authority::new(folder.path())?.issue("both", &[ONE, TWO])?;
    let blocks = [
        ServerBlock::new(ONE, &both).with("keepalive_timeout 0;"),
        ServerBlock::new(TWO, &both).with("keepalive_timeout 0;"),
    ];
    let server = nginx::start(folder.path(), "", &blocks)?;
    let probed = ask(&server, folder.path(), &["--protocol", "http/1.1", "--test", "reuse"])?;
    for line in probed.of_type("probe") {
        let expected =
            if text(line, "test") == Some("own") { "served" } else { "connection_closed" };
        assert_eq!(text(line, "outcome"), Some(expected), "{line:#}");
    }
    Ok(())
}

#[test]
fn pipelines_stop_at_what_they_ask_for() -> Result<()> {
    let (folder, server) = apache(&["*.probe.test"], &["*.probe.test"])?;
    let (at, ca) = (format!("127.0.0.1:{}", server.port()), folder.path().join("ca.pem"));
    let common = ["--connect", &at, "--ca", ca.to_str().expect("a plain path")];
    let both = ["--authority", ONE, TWO];
    for (names, more, code) in [
        (&both[..], &["--fail-on", "hazard"][..], 1),
        (&both, &["--fail-on", "421"], 1),
        (&both, &["--fail-on", "parity"], 0),
        (&both, &["--fail-on", "parity,hazard"], 1),
        (&both, &["--fail-on", "421", "--test", "own"], 0),
        (&both, &["--fail-on", "hazard", "--protocol", "http/1.1"], 0),
        (&["--authority", ONE], &["--fail-on", "hazard", "--fail-on", "421"], 0),
    ] {
        let output = run(&[&common[..], names, more].concat())?;
        assert_eq!(output.status.code(), Some(code), "{names:?} {more:?}");
        // Everything is written, whatever the end.
        assert!(!Probed::parse(&output.stdout)?.of_type("summary").is_empty());
    }
    Ok(())
}
