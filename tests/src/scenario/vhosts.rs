//! Scenes with one server and several names.

use anyhow::{Result, ensure};

use super::{Scene, Sent, Stage};
use crate::apache::VirtualHost;
use crate::curl::Http::{One, Two};
use crate::nginx::ServerBlock;
use crate::{apache, nginx, node, openssl};

/// Apache with a certificate for each of `a.test` (the default) and `b.test`: what agrees is
/// served, what does not is a 421, over both versions of HTTP; and one client finds its way.
pub fn apache_two_hosts() -> Result<Scene> {
    let mut stage = Stage::new()?;
    let port = enter_apache(&mut stage)?;
    stage.record()?;
    play_two_hosts(&mut stage, port)?;
    stage.finish()
}

/// Apache as before, and clients without SNI.
pub fn no_sni() -> Result<Scene> {
    let mut stage = Stage::new()?;
    let port = enter_apache(&mut stage)?;
    stage.record()?;
    for http in [One, Two] {
        stage.curl(port, None, "b.test", http, 421)?;
        stage.curl(port, None, "a.test", http, 200)?;
        stage.curl(port, None, "127.0.0.1", http, 200)?;
    }
    stage.finish()
}

/// Apache as before, and what no browser sends: a server name with a trailing dot, and a request
/// for a whole URL whose host is not its `Host`.
pub fn odd_requests() -> Result<Scene> {
    let mut stage = Stage::new()?;
    let port = enter_apache(&mut stage)?;
    stage.record()?;
    for (sni, target, host) in [("b.test.", "/", "b.test"), ("a.test", "https://b.test/", "a.test")]
    {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let status = openssl::send(port, &request, &stage.keylog(), &["-servername", sni])?;
        let sni = Some(sni.to_owned());
        let sent = Sent { sni, authority: "b.test".to_owned(), http: One, status };
        stage.note("openssl", sent, 421)?;
    }
    stage.finish()
}

/// nginx where `d.test` asks for client certificates and `c.test` (the default) does not: the
/// first refuses what came for another name, the second serves whatever comes.
pub fn client_certificates() -> Result<Scene> {
    let mut stage = Stage::new()?;
    let port = enter_nginx(&mut stage)?;
    stage.record()?;
    play_client_certificates(&mut stage, port)?;
    stage.finish()
}

/// One HTTP/2 connection, two names, one certificate that covers both: permitted, and refused by
/// Apache, which compares the certificates' files.
pub fn coalescing() -> Result<Scene> {
    let mut stage = Stage::new()?;
    let port = enter_coalescing(&mut stage)?;
    stage.record()?;
    play_coalescing(&mut stage, port)?;
    stage.finish()
}

/// All of it in one capture, with the steps said aloud. `watch` is called between the servers' start and the first
/// request.
pub fn demo(watch: impl FnOnce()) -> Result<Scene> {
    let mut stage = Stage::new()?.aloud();
    let apache = enter_apache(&mut stage)?;
    let nginx = enter_nginx(&mut stage)?;
    let shared = enter_coalescing(&mut stage)?;
    stage.record()?;
    watch();
    play_two_hosts(&mut stage, apache)?;
    stage.curl(apache, None, "b.test", One, 421)?;
    play_client_certificates(&mut stage, nginx)?;
    play_coalescing(&mut stage, shared)?;
    stage.finish()
}

fn enter_apache(stage: &mut Stage) -> Result<u16> {
    let a = stage.authority().issue("a", &["a.test"])?;
    let b = stage.authority().issue("b", &["b.test"])?;
    let hosts = [VirtualHost::new("a.test", &a), VirtualHost::new("b.test", &b)];
    let server = apache::start(stage.folder(), &hosts)?;
    Ok(stage.enter("Apache, a certificate each for a.test and b.test,", server))
}

fn play_two_hosts(stage: &mut Stage, port: u16) -> Result<()> {
    for http in [One, Two] {
        stage.curl(port, Some("a.test"), "a.test", http, 200)?;
        stage.curl(port, Some("a.test"), "b.test", http, 421)?;
        // The same request again, on a connection for its own name.
        stage.curl(port, Some("b.test"), "b.test", http, 200)?;
    }
    Ok(())
}

fn enter_nginx(stage: &mut Stage) -> Result<u16> {
    let c = stage.authority().issue("c", &["c.test"])?;
    let d = stage.authority().issue("d", &["d.test"])?;
    let root = stage.authority().root();
    let verify = format!("ssl_client_certificate {};\nssl_verify_client on;", root.display());
    let servers = [ServerBlock::new("c.test", &c), ServerBlock::new("d.test", &d).with(&verify)];
    let server = nginx::start(stage.folder(), "", &servers)?;
    Ok(stage.enter("nginx, d.test with client certificates, c.test without,", server))
}

fn play_client_certificates(stage: &mut Stage, port: u16) -> Result<()> {
    for http in [One, Two] {
        stage.curl(port, Some("c.test"), "c.test", http, 200)?;
        stage.curl(port, Some("c.test"), "d.test", http, 421)?;
        stage.curl(port, Some("c.test"), "e.test", http, 200)?;
    }
    Ok(())
}

fn enter_coalescing(stage: &mut Stage) -> Result<u16> {
    // The same names in two files.
    let one = stage.authority().issue("shared-f", &["f.test", "g.test"])?;
    let two = stage.authority().issue("shared-g", &["f.test", "g.test"])?;
    let hosts = [VirtualHost::new("f.test", &one), VirtualHost::new("g.test", &two)];
    let folder = stage.folder().join("shared");
    std::fs::create_dir_all(&folder)?;
    let server = apache::start(&folder, &hosts)?;
    Ok(stage.enter("Apache, certificates that cover both f.test and g.test,", server))
}

fn play_coalescing(stage: &mut Stage, port: u16) -> Result<()> {
    let authorities = [format!("f.test:{port}"), format!("g.test:{port}")];
    let [first, second] = authorities.each_ref().map(String::as_str);
    let root = stage.authority().root();
    let statuses =
        node::one_connection(port, "f.test", &root, &[first, second, first], &stage.keylog())?;
    ensure!(statuses.len() == 3, "three requests, but {statuses:?}");
    for ((authority, status), expected) in
        ["f.test", "g.test", "f.test"].into_iter().zip(statuses).zip([200, 421, 200])
    {
        let sni = Some("f.test".to_owned());
        let sent = Sent { sni, authority: authority.to_owned(), http: Two, status };
        stage.note("node, one connection", sent, expected)?;
    }
    Ok(())
}
