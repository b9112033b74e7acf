use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::certs::{Authority, Cert};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::report::text;
use wrongdoor_tests::server::Server;
use wrongdoor_tests::tools;

use super::{Probed, field, probe, run};

const ONE: &str = "one.probe.test";
const TWO: &str = "two.probe.test";

#[test]
fn a_certificate_that_is_refused_is_an_outcome_and_its_names_are_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(folder.path())?;
    let cert = authority.issue("cert", &[ONE, "192.0.2.1"])?;
    let server = nginx::start(folder.path(), "", &[ServerBlock::new(ONE, &cert)])?;
    let at = format!("127.0.0.1:{}", server.port());
    let elsewhere = tempfile::tempdir()?;
    let other = Authority::new(elsewhere.path())?.root();
    let (root, leaf) = (authority.root(), cert.chain);
    let [root, other, leaf] = [&root, &other, &leaf].map(|path| path.to_str().expect("plain"));
    for (trust, name, outcome, verification) in [
        (&["--ca", root][..], ONE, "served", "valid"),
        (&["--ca", root], "192.0.2.1", "served", "valid"),
        (&["--ca", root], TWO, "certificate_name_mismatch", "certificate_name_mismatch"),
        (&["--ca", root], "192.0.2.2", "certificate_name_mismatch", "certificate_name_mismatch"),
        (&["--ca", leaf], ONE, "certificate_unknown_issuer", "certificate_unknown_issuer"),
        // An authority of the same name.
        (&["--ca", other], ONE, "certificate_bad_signature", "certificate_bad_signature"),
        (&["--insecure"], TWO, "served", "skipped"),
    ] {
        let probed =
            probe(&[&["--connect", &at, "--authority", name, "--test", "own"], trust].concat())?;
        for protocol in ["h2", "http/1.1"] {
            let line = probed.the(&[("protocol", json!(protocol))])?;
            assert_eq!(text(line, "outcome"), Some(outcome), "{line:#}");
            assert_eq!(text(line, "verification"), Some(verification));
            assert_eq!(field(line, "certificate_names"), &json!(["192.0.2.1", ONE]));
            assert_eq!(
                field(line, "certificate_covers"),
                &json!(name == ONE || name == "192.0.2.1")
            );
            assert_eq!(field(line, "status").is_null(), outcome != "served");
        }
    }
    Ok(())
}

#[test]
fn a_pipeline_does_not_pass_where_nothing_could_be_asked() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cert = Authority::new(folder.path())?.issue("cert", &[ONE])?;
    let server = nginx::start(folder.path(), "", &[ServerBlock::new(ONE, &cert)])?;
    let at = format!("127.0.0.1:{}", server.port());
    let leaf = cert.chain.to_str().expect("plain");
    let asked = ["--connect", &at, "--ca", leaf, "--authority", ONE];
    let output = run(&[&asked[..], &["--fail-on", "hazard"]].concat())?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(69), "{said}");
    assert!(said.contains("certificate_unknown_issuer") && said.contains("--insecure"), "{said}");
    assert_eq!(Probed::parse(&output.stdout)?.summary("unanswered"), Some(4));
    Ok(())
}

#[test]
fn a_client_certificate_that_is_missing_is_the_handshakes_in_both_protocols() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(folder.path())?;
    let cert = authority.issue("cert", &[ONE])?;
    // TLS 1.3: it is refused when the client takes the handshake for done.
    let server = openssl_server(folder.path(), &cert, &authority.root())?;
    let at = format!("127.0.0.1:{}", server.port());
    let probed = probe(&["--connect", &at, "--insecure", "--authority", ONE, "--test", "own"])?;
    for protocol in ["h2", "http/1.1"] {
        let line = probed.the(&[("protocol", json!(protocol))])?;
        assert_eq!(text(line, "outcome"), Some("certificate_required"), "{line:#}");
        assert_eq!(text(line, "tls_version"), Some("1.3"));
    }
    Ok(())
}

/// One that asks for client certificates, and takes no handshake without.
fn openssl_server(folder: &Path, cert: &Cert, root: &Path) -> Result<Server> {
    Server::start("openssl", folder, |port| {
        let mut command = tools::command("openssl")?;
        command.args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-quiet"]);
        command.arg("-cert").arg(&cert.chain).arg("-key").arg(&cert.key);
        command.args(["-alpn", "h2,http/1.1", "-Verify", "1", "-CAfile"]).arg(root);
        Ok(command)
    })
}

#[test]
fn a_rejected_handshake_is_named_by_its_alert() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(folder.path())?;
    let cert = authority.issue("cert", &[ONE])?;
    let blocks = [
        ServerBlock::new("_", &cert).with("ssl_reject_handshake on;"),
        ServerBlock::new(ONE, &cert),
    ];
    let server = nginx::start(folder.path(), "", &blocks)?;
    let at = format!("127.0.0.1:{}", server.port());
    let root = authority.root();
    let probed = probe(&[
        "--connect",
        &at,
        "--ca",
        root.to_str().expect("plain"),
        "--authority",
        ONE,
        TWO,
        "--sni",
        "three.probe.test",
        "--protocol",
        "h2",
    ])?;
    let outcome = |test: &str, authority: &str| -> Result<String> {
        let line = probed.the(&[("test", json!(test)), ("authority", json!(authority))])?;
        Ok(text(line, "outcome").unwrap_or_default().to_owned())
    };
    assert_eq!(outcome("own", ONE)?, "served");
    assert_eq!(outcome("own", TWO)?, "unrecognized_name");
    assert_eq!(outcome("no_sni", ONE)?, "unrecognized_name");
    assert_eq!(outcome("fixed_sni", ONE)?, "unrecognized_name");
    let fixed = probed.the(&[("test", json!("fixed_sni")), ("authority", json!(TWO))])?;
    assert_eq!(field(fixed, "sni"), "three.probe.test");
    Ok(())
}

#[test]
fn without_sni_the_default_host_is_asked_and_its_names_are_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(folder.path())?;
    let (one, two) = (authority.issue("one", &[ONE])?, authority.issue("two", &[TWO])?);
    let blocks = [ServerBlock::new(ONE, &one), ServerBlock::new(TWO, &two)];
    let server = nginx::start(folder.path(), "", &blocks)?;
    let at = format!("127.0.0.1:{}", server.port());
    let root = authority.root();
    let root = root.to_str().expect("plain");
    let probed = probe(&["--connect", &at, "--ca", root, "--authority", TWO, "--test", "no-sni"])?;
    for (protocol, alpn, version) in [("h2", "h2", "2"), ("http/1.1", "http/1.1", "1.1")] {
        let line = probed.the(&[("protocol", json!(protocol))])?;
        // Issued by whom it should be, for somebody else: such clients do not look.
        assert_eq!(text(line, "verification"), Some("valid"));
        assert_eq!(field(line, "certificate_names"), &json!([ONE]));
        assert_eq!(field(line, "certificate_covers"), &json!(false));
        assert_eq!((field(line, "sni"), field(line, "status")), (&json!(null), &json!(200)));
        assert_eq!((text(line, "alpn"), text(line, "http_version")), (Some(alpn), Some(version)));
        assert_eq!(text(line, "tls_version"), Some("1.3"));
    }
    Ok(())
}

#[test]
fn what_does_not_speak_the_protocol_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cert = Authority::new(folder.path())?.issue("cert", &[ONE])?;
    let mut only_one = ServerBlock::new(ONE, &cert);
    only_one.http2 = false;
    let server = nginx::start(folder.path(), "", &[only_one])?;
    let inner = folder.path().join("inner");
    std::fs::create_dir_all(&inner)?;
    let clear = nginx::start(&inner, "", &[ServerBlock::cleartext(ONE)])?;
    let of = |port: u16, protocol: &str| -> Result<String> {
        let at = format!("127.0.0.1:{port}");
        let probed = probe(&[
            "--connect",
            &at,
            "--insecure",
            "--authority",
            ONE,
            "--test",
            "own",
            "--protocol",
            protocol,
        ])?;
        Ok(text(probed.the(&[])?, "outcome").unwrap_or_default().to_owned())
    };
    assert_eq!(of(server.port(), "http/1.1")?, "served");
    // nginx refuses what it does not speak, others go on without.
    assert_eq!(of(server.port(), "h2")?, "no_application_protocol");
    assert_eq!(of(clear.port(), "h2")?, "not_tls");
    Ok(())
}

#[test]
fn who_does_not_answer_is_given_up() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let at = listener.local_addr()?.to_string();
    // Reads, and says nothing.
    thread::spawn(move || {
        let mut streams: Vec<_> = listener.incoming().filter_map(Result::ok).take(2).collect();
        streams.iter_mut().for_each(|stream| drop(stream.read_to_end(&mut Vec::new())));
    });
    let probed = probe(&[
        "--connect",
        &at,
        "--insecure",
        "--authority",
        ONE,
        "--test",
        "own",
        "--protocol",
        "h2",
        "--timeout",
        "1s",
    ])?;
    let line = probed.the(&[])?;
    assert_eq!(text(line, "outcome"), Some("handshake_timeout"));
    assert_eq!(text(line, "error"), Some("nothing within 1s"));
    Ok(())
}
