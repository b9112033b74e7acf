use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wrongdoor_core::wire::tls::handshake::MessageType;
use wrongdoor_tests::apache::{self, VirtualHost};
use wrongdoor_tests::curl::{Curl, Http};
use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::scenario::{Scene, Stage};
use wrongdoor_tests::wire::{self, Found, Told, observe, scripts};
use wrongdoor_tests::{binary, openssl, tools};

const ASK: &str = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

fn found(scene: &Scene) -> Result<Found> {
    let found = observe(&wire::read(&scene.capture())?, &fs::read(scene.keylog())?);
    assert!(found.counters.decode_errors.is_empty(), "{:?}", found.counters);
    assert!(found.connections.iter().all(|it| it.decryption == "keylog"), "{found:#?}");
    Ok(found)
}

/// Requests for a.test where a.test is the server name, one a connection, all answered with 200.
#[track_caller]
fn all_match(found: &Found, version: &str, count: usize) {
    let is_right = |told: &Told| {
        (told.verdict, told.status, told.stream, told.tls_version)
            == ("match", Some(200), 1, Some(version))
    };
    assert!(found.exchanges.iter().all(is_right), "{:#?}", found.exchanges);
    assert_eq!(found.exchanges.len(), count, "{:#?}", found.connections);
}

/// nginx for a.test with more directives.
fn stage(directives: &str) -> Result<(Stage, u16)> {
    let mut stage = Stage::new()?;
    let cert = stage.authority().issue("a", &["a.test"])?;
    let block = ServerBlock::new("a.test", &cert).with(directives);
    let server = nginx::start(stage.folder(), "", &[block])?;
    let port = stage.enter("nginx", server);
    Ok((stage, port))
}

/// One request with `s_client`.
fn ask(stage: &Stage, port: u16, request: &str, options: &[&str]) -> Result<()> {
    let options = [&["-servername", "a.test"], options].concat();
    let status = openssl::send(port, request, &stage.keylog(), &options)?;
    ensure!(status == 200, "answered with {status}");
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a plain path")
}

#[test]
fn a_retry_request_is_followed() -> Result<()> {
    let (mut stage, port) = stage("ssl_ecdh_curve X25519;")?;
    stage.record()?;
    ask(&stage, port, ASK, &["-tls1_3", "-groups", "P-256:X25519"])?;
    let scene = stage.finish()?;
    let frames = wire::read(&scene.capture())?;
    let hellos = scripts(&frames)?.remove(0).said_by_server.bytes;
    // The server said hello twice: a record of its own each.
    let is_hello = |at: &[u8]| matches!(at, [22, 3, 3, _, _, kind, ..] if *kind == MessageType::SERVER_HELLO.0);
    assert!(hellos.windows(6).filter(|at| is_hello(at)).count() >= 2);
    all_match(&found(&scene)?, "1.3", 1);
    Ok(())
}

#[test]
fn resumed_sessions_are_followed() -> Result<()> {
    let ways = [
        ("-tls1_2", "1.2", "on"),
        ("-tls1_2", "1.2", "off"),
        ("-tls1_3", "1.3", "on"),
        ("-tls1_3", "1.3", "off"),
    ];
    for (option, version, tickets) in ways {
        let (mut stage, port) =
            stage(&format!("ssl_session_cache shared:s:1m;\nssl_session_tickets {tickets};"))?;
        stage.record()?;
        let session = stage.folder().join("session");
        let session = text(&session)?;
        ask(&stage, port, ASK, &[option, "-sess_out", session])?;
        ask(&stage, port, ASK, &[option, "-sess_in", session])?;
        let found = found(&stage.finish()?)?;
        all_match(&found, version, 2);
        // The second one shows no certificate: it was resumed.
        let certificates: Vec<_> =
            found.connections.iter().map(|it| it.certificate_names.is_some()).collect();
        assert_eq!(certificates, [true, false], "{version}, tickets {tickets}");
    }
    Ok(())
}

/// Plays early data at a server that accepts it or does not; the session is from one that does.
fn early_data(is_accepted: bool) -> Result<Found> {
    let mut stage = Stage::new()?;
    let cert = stage.authority().issue("a", &["a.test"])?;
    // Both know each other's tickets.
    let key = stage.folder().join("ticket.key");
    fs::write(&key, (0..80).collect::<Vec<u8>>())?;
    let tickets = format!("ssl_session_ticket_key {};", key.display());
    let mut ports: Vec<u16> = Vec::new();
    for (folder, early) in [("first", "on"), ("second", if is_accepted { "on" } else { "off" })] {
        let block = ServerBlock::new("a.test", &cert).with(&tickets);
        let block = block.with(&format!("ssl_early_data {early};"));
        let folder = stage.folder().join(folder);
        fs::create_dir_all(&folder)?;
        let server = nginx::start(&folder, "", &[block])?;
        ports.push(stage.enter("nginx", server));
    }
    let [first, second] = ports.try_into().ok().context("two servers")?;
    stage.record()?;
    let (session, early) = (stage.folder().join("session"), stage.folder().join("early"));
    fs::write(&early, ASK)?;
    let (session, early) = (text(&session)?, text(&early)?);
    ask(&stage, first, ASK, &["-tls1_3", "-sess_out", session])?;
    // What is rejected, the client says again.
    let again = if is_accepted { "" } else { ASK };
    ask(&stage, second, again, &["-tls1_3", "-sess_in", session, "-early_data", early])?;
    found(&stage.finish()?)
}

#[test]
fn accepted_early_data_counts() -> Result<()> {
    all_match(&early_data(true)?, "1.3", 2);
    Ok(())
}

#[test]
fn rejected_early_data_is_no_exchange_and_takes_no_number() -> Result<()> {
    all_match(&early_data(false)?, "1.3", 2);
    Ok(())
}

/// Apache asks for the client's certificate only when it knows the path: it renegotiates, or asks
/// after the handshake (RFC 8446, section 4.6.2).
#[test]
fn a_certificate_asked_for_later_is_seen_through() -> Result<()> {
    for version in ["1.2", "1.3"] {
        let mut stage = Stage::new()?;
        let cert = stage.authority().issue("a", &["a.test"])?;
        let client = stage.authority().issue("client", &["client.test"])?;
        let root = stage.authority().root();
        let directives = format!(
            "SSLCACertificateFile {}\n<Location />\nSSLVerifyClient require\n</Location>",
            root.display()
        );
        let host = VirtualHost::new("a.test", &cert).with(&directives);
        let server = apache::start(stage.folder(), &[host])?;
        let port = stage.enter("Apache", server);
        stage.record()?;
        let curl = Curl::new(&format!("https://a.test:{port}/"), Http::One)?;
        let curl = curl.trust(&root).keylog(&stage.keylog()).arg("--tls-max").arg(version);
        let curl = curl.arg("--cert").arg(&client.chain).arg("--key").arg(&client.key);
        assert_eq!(curl.status()?, 200);
        all_match(&found(&stage.finish()?)?, version, 1);
    }
    Ok(())
}

/// A Decryption Secrets Block in front of the packets, and behind them.
#[test]
fn secrets_in_the_capture_open_it_wherever_they_stand() -> Result<()> {
    let golden = Golden::all()?.into_iter().find(|golden| golden.name() == "apache-two-hosts");
    let golden = golden.context("a committed capture")?;
    let folder = tempfile::tempdir()?;
    let (keys, in_front) = (folder.path().join("keys"), folder.path().join("in-front.pcapng"));
    let behind = folder.path().join("behind.pcapng");
    fs::write(&keys, golden.keys())?;
    let mut editcap = tools::command("editcap")?;
    editcap.args(["--inject-secrets", &format!("tls,{}", keys.display())]);
    tools::output(editcap.arg(&golden.capture).arg(&in_front))?;
    let (packets, secrets) = split_secrets(&fs::read(&in_front)?);
    fs::write(&behind, [&packets[..], &secrets].concat())?;
    let expected = golden.analyze(&binary::path())?;
    // Far behind: the connections are over, and the packets long gone, when their secrets come.
    let far = folder.path().join("far.pcapng");
    fs::write(&far, [packets, filler(), filler(), secrets].concat())?;
    tools::output(Command::new("gzip").arg("--keep").arg(&far))?;
    let packed = folder.path().join("far.pcapng.gz");
    for capture in [in_front, behind, far.clone(), packed.clone()] {
        let alone = Golden { capture: capture.clone() };
        assert_eq!(alone.analyze(&binary::path())?, expected, "{}", capture.display());
    }
    for capture in [far, packed] {
        let mut streamed = binary::command(&["analyze", "--format", "json", "-"]);
        let output = tools::output(streamed.stdin(fs::File::open(&capture)?))?;
        assert_eq!(String::from_utf8(output)?, expected, "{} as a stream", capture.display());
    }
    Ok(())
}

/// A block of no known type, longer than what is read at a time.
fn filler() -> Vec<u8> {
    const LEN: u32 = 6 * 1024 * 1024;
    let mut block = [0x0bad_u32, LEN].map(u32::to_le_bytes).concat();
    block.resize(LEN as usize - 4, 0);
    block.extend(LEN.to_le_bytes());
    block
}

/// The blocks of a pcapng file, those that hold secrets apart.
fn split_secrets(file: &[u8]) -> (Vec<u8>, Vec<u8>) {
    const SECRETS: [u8; 4] = 10_u32.to_le_bytes();
    let (mut others, mut secrets, mut rest) = (Vec::new(), Vec::new(), file);
    while let Some((&[a, b, c, d, e, f, g, h], _)) = rest.split_first_chunk::<8>() {
        let len = usize::try_from(u32::from_le_bytes([e, f, g, h])).expect("a length");
        let (block, behind) = rest.split_at(len);
        if [a, b, c, d] == SECRETS { &mut secrets } else { &mut others }.extend_from_slice(block);
        rest = behind;
    }
    assert!(!secrets.is_empty(), "no secrets in it");
    (others, secrets)
}
