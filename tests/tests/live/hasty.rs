use anyhow::{Context, Result};
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::{Agent, Ground, Software, hasty, kernel};

#[test]
fn connections_that_say_nothing_take_nothing_from_later_ones() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    for software in Software::ALL {
        let ground = Ground::new()?;
        let peer = software.start(&ground)?;
        let agent = Agent::start(&turn)?;
        let truth = hasty::play(&ground, &peer, &["a.test", "b.test"].repeat(10))
            .with_context(|| format!("{software:?}"))?;
        let lines = agent.stop()?.exchanges;
        let told = compare(&truth, &lines, Role::Server, &[peer.port()]).require_all();
        told.with_context(|| format!("{software:?}"))?;
    }
    Ok(())
}

#[test]
fn peers_agree_to_be_hasty() -> Result<()> {
    for software in Software::ALL {
        let ground = Ground::new()?;
        let peer = software.start(&ground)?;
        hasty::play(&ground, &peer, &["a.test"]).with_context(|| format!("{software:?}"))?;
    }
    Ok(())
}
