use anyhow::{Context, Result, ensure};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::agent::TIMEOUT;
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::hostile::{Silent, Trap, Trapped};
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Peer, Software, kernel, scene};
use wrongdoor_tests::wait;

#[test]
fn files_that_are_no_libraries_are_refused_once_and_the_rest_is_told() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let set = |trap| Ok((trap, Trapped::set(&ground, trap)?));
    let trapped: Vec<(Trap, Trapped)> = Trap::ALL.into_iter().map(set).collect::<Result<_>>()?;
    // All of them are there when it starts, and again when it already runs.
    let mut agent = Agent::start(&turn)?;
    agent.require_well()?;
    let later = Ground::new()?;
    let set = |trap| Trapped::set(&later, trap);
    let more: Vec<Trapped> = Trap::ALL.into_iter().map(set).collect::<Result<_>>()?;
    let ask = Ask::new(Some("a.test"), &["a.test", "d.test"], Http::Two);
    let played = scene::play_one(&ground, &peer, Client::Curl, &ask, 0)?;
    for (trap, trapped) in trapped.iter().filter(|(trap, _)| trap.is_refused()) {
        let path = trapped.path.display().to_string();
        let folder = format!("trap-{trap:?}");
        wait::until(&format!("the refusal of {path} in the log"), || {
            let said = agent.log();
            let times = said.lines().filter(|line| line.contains(&folder) && line.contains(&path));
            let times = times.count();
            ensure!(times <= 1, "{path} is refused {times} times:\n{said}");
            Ok((times == 1).then_some(()))
        })
        .with_context(|| agent.log())?;
    }
    agent.require_well()?;
    let lines = agent.stop()?.exchanges;
    compare(&played.server, &lines, Role::Server, &[peer.port()]).require_all()?;
    for trapped in trapped.into_iter().map(|(_, trapped)| trapped).chain(more) {
        trapped.release()?;
    }
    Ok(())
}

#[test]
fn a_file_system_that_never_answers_holds_nothing_up() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let first = Silent::set(&ground, "silent-1")?;
    let mut agent = Agent::start(&turn)?;
    let second = Silent::set(&ground, "silent-2")?;
    for silent in [&first, &second] {
        let path = silent.path.display().to_string();
        wait::within(TIMEOUT, &format!("the refusal of {path} in the log"), || {
            // Whatever it is at, it answers.
            agent.require_well()?;
            Ok(agent.log().contains(&path).then_some(()))
        })
        .with_context(|| agent.log())?;
    }
    // A process that begins now is looked at behind those that hang, if they do.
    let later = Peer::nginx_with(&ground, "later", &[])?;
    let ask = Ask::new(Some("a.test"), &["a.test", "d.test"], Http::Two);
    let mut played = scene::play_one(&ground, &peer, Client::Curl, &ask, 0)?.server;
    played.extend(scene::play_one(&ground, &later, Client::Curl, &ask, 0)?.server);
    agent.require_well()?;
    let log = agent.log();
    for silent in [first, second] {
        let path = silent.path.display().to_string();
        let refusals: Vec<_> = log.lines().filter(|line| line.contains(&path)).collect();
        ensure!(refusals.len() == 1 && refusals.iter().all(|line| line.contains("fuse")), "{log}");
        silent.release()?;
    }
    let lines = agent.stop()?.exchanges;
    compare(&played, &lines, Role::Server, &[peer.port(), later.port()]).require_all()
}

#[test]
fn peers_agree_to_map_what_never_answers() -> Result<()> {
    let ground = Ground::new()?;
    Silent::set(&ground, "silent")?.release()
}

#[test]
fn peers_agree_to_map_what_is_no_library() -> Result<()> {
    let ground = Ground::new()?;
    for trap in Trap::ALL {
        Trapped::set(&ground, trap).with_context(|| format!("{trap:?}"))?.release()?;
    }
    Ok(())
}
