use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::live::clients::Load;
use wrongdoor_tests::live::fragile::{self, Fragile};
use wrongdoor_tests::live::kernel::{self, Turn};
use wrongdoor_tests::live::{Agent, Ground, Software};

/// How often an agent attaches to every server.
const ATTACHES: usize = 100;
/// How many agents do so at once: most of the time each of them rests between the files that it searches.
const AT_ONCE: usize = 4;

fn survives(fragile: Fragile) -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let mut agent = Agent::start(&turn)?;
    fragile::run(&ground, peer.port(), fragile)?;
    agent.require_well()?;
    agent.stop()?;
    Ok(())
}

#[test]
fn a_process_that_loads_unloads_forks_and_execs_is_unharmed() -> Result<()> {
    survives(Fragile::Restless)
}

#[test]
fn a_process_under_a_seccomp_filter_is_unharmed() -> Result<()> {
    survives(Fragile::Confined)
}

/// Handshakes and requests, until there was enough of them. Every request must be answered.
fn keep_asking(port: u16, is_enough: &AtomicBool) -> Result<()> {
    let load = Load {
        sni: "a.test",
        authority: "a.test",
        requests: 100,
        connections: 5,
        concurrent: 2,
        rate: Some(10),
    };
    while !is_enough.load(Ordering::Relaxed) {
        let answers = load.run(port)?;
        ensure!(answers.total() == load.requests, "{answers:?}");
    }
    Ok(())
}

/// Agents attach to every server, all at once, and go.
fn attach_and_go(turn: &Turn) -> Result<()> {
    let agents: Result<Vec<_>> = (0..AT_ONCE).map(|_| Agent::start_silent(turn, &[])).collect();
    let agents = agents?;
    for agent in &agents {
        Software::ALL.into_iter().try_for_each(|software| agent.wait_for_server(software))?;
    }
    agents.into_iter().enumerate().try_for_each(|(number, agent)| {
        // Half of them end as when the kernel is out of memory.
        if number % 2 == 0 { agent.end() } else { agent.kill() }
    })
}

/// A uprobe in a wrong place kills the process. The clients, all of one library, are attached to as well.
#[test]
fn servers_under_load_survive_a_hundred_attaches() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let mut peers = Vec::new();
    for software in Software::ALL {
        peers.push((software, software.start(&ground)?));
    }
    let is_enough = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients = peers.iter().map(|(software, peer)| {
            (software, scope.spawn(|| keep_asking(peer.port(), &is_enough)))
        });
        let clients: Vec<_> = clients.collect();
        let attached = (0..ATTACHES / AT_ONCE).try_for_each(|_| attach_and_go(&turn));
        is_enough.store(true, Ordering::Relaxed);
        for (software, client) in clients {
            let asked = client.join().unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked")));
            asked.with_context(|| format!("{software:?}"))?;
        }
        attached
    })
}

#[test]
fn peers_agree_to_be_restless_and_confined() -> Result<()> {
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    fragile::run(&ground, peer.port(), Fragile::Confined)?;
    fragile::run(&ground, peer.port(), Fragile::Restless)
}
