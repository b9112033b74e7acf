use anyhow::{Result, ensure};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Peer, Truth, kernel, library, scene};

/// One request to `peer`, as the server saw it.
fn ask(ground: &Ground, peer: &Peer) -> Result<Vec<Truth>> {
    let before = peer.seen()?.len();
    let ask = Ask::new(Some("a.test"), &["a.test", "d.test"], Http::Two);
    Ok(scene::play_one(ground, peer, Client::Curl, &ask, before)?.server)
}

/// nginx with the copy of OpenSSL that is in `ground` now.
fn server(ground: &Ground, name: &str) -> Result<Peer> {
    let libraries = ground.subfolder("libraries")?;
    let peer = Peer::nginx_with(ground, name, &[("LD_LIBRARY_PATH", &libraries)])?;
    let mapped = library::mapped(peer.pid(), "libssl.so")?;
    let own = mapped.iter().all(|path| path.starts_with(&*libraries.to_string_lossy()));
    ensure!(!mapped.is_empty() && own, "not the copy: {mapped:?}");
    Ok(peer)
}

#[test]
fn a_library_upgraded_under_a_running_server_is_told_before_and_after() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    library::copy_openssl(&ground.subfolder("libraries")?)?;
    let old = server(&ground, "old")?;
    let mut agent = Agent::start(&turn)?;
    let mut of_old = ask(&ground, &old)?;
    library::replace_openssl(&ground.subfolder("libraries")?)?;
    of_old.extend(ask(&ground, &old)?);
    let new = server(&ground, "new")?;
    // Examining the new file takes the time that it takes.
    let mut of_new = ask(&ground, &new)?;
    let port = new.port();
    let mut told_from = of_new.len();
    wrongdoor_tests::wait::until("the new library to be traced", || {
        let lines = agent.lines()?.exchanges;
        let seen = compare(&of_new, &lines, Role::Server, &[port]).right > 0;
        if !seen {
            told_from = of_new.len();
            of_new.extend(ask(&ground, &new)?);
        }
        Ok(seen.then_some(()))
    })?;
    of_new.extend(ask(&ground, &new)?);
    agent.require_well()?;
    let lines = agent.stop()?.exchanges;
    compare(&of_old, &lines, Role::Server, &[old.port()]).require_all()?;
    let outcome = compare(&of_new, &lines, Role::Server, &[port]);
    outcome.require_nothing_wrong()?;
    let late = of_new.get(told_from..).unwrap_or_default();
    ensure!(late.iter().all(|row| !outcome.missing.contains(row)), "{:#?}", outcome.missing);
    Ok(())
}

#[test]
fn peers_agree_with_a_library_of_their_own() -> Result<()> {
    let ground = Ground::new()?;
    library::copy_openssl(&ground.subfolder("libraries")?)?;
    let old = server(&ground, "old")?;
    library::replace_openssl(&ground.subfolder("libraries")?)?;
    let mapped = library::mapped(old.pid(), "libssl.so")?;
    ensure!(mapped.iter().all(|path| path.ends_with("(deleted)")), "{mapped:?}");
    let new = server(&ground, "new")?;
    ensure!(ask(&ground, &old)?.len() == 2 && ask(&ground, &new)?.len() == 2);
    Ok(())
}
