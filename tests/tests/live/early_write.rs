use anyhow::{Context, Result};
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::{Agent, Ground, Residents, Software, early_write, kernel};

#[test]
fn connections_that_say_nothing_take_nothing_from_later_ones() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    for software in Software::ALL {
        let ground = Ground::new()?;
        let peer = software.start(&ground)?;
        let agent = Agent::start(&turn)?;
        agent.wait_for_server(software)?;
        let truth = early_write::play(&ground, &peer, &["a.test", "b.test"].repeat(10))
            .with_context(|| format!("{software:?}"))?;
        let lines = agent.stop()?.exchanges;
        let told = compare(&truth, &lines, Role::Server, &[peer.port()]).require_all();
        told.with_context(|| format!("{software:?}"))?;
    }
    Ok(())
}

#[test]
fn what_a_first_write_said_is_not_taken_from_the_second() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    let truth = early_write::write(&ground, &peer, &["a.test", "d.test", "b.test"])?;
    let lines = agent.stop()?.exchanges;
    compare(&truth, &lines, Role::Server, &[peer.port()]).require_all()?;
    // The probes were not told of the first request: of the client's end nothing is told that is not so.
    let own: Vec<_> = truth.iter().map(|row| row.from_other_end(None)).collect();
    compare(&own, &lines, Role::Client, &[peer.port()]).require_nothing_wrong()
}

#[test]
fn peers_agree_on_early_writes() -> Result<()> {
    for software in Software::ALL {
        let ground = Ground::new()?;
        let peer = software.start(&ground)?;
        early_write::play(&ground, &peer, &["a.test"]).with_context(|| format!("{software:?}"))?;
    }
    Ok(())
}
