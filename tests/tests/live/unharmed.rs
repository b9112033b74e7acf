use anyhow::Result;
use wrongdoor_tests::live::fragile::{self, Fragile};
use wrongdoor_tests::live::{Agent, Ground, Software, kernel};

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

#[test]
fn peers_agree_to_be_restless_and_confined() -> Result<()> {
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    fragile::run(&ground, peer.port(), Fragile::Confined)?;
    fragile::run(&ground, peer.port(), Fragile::Restless)
}
