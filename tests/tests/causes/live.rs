use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::live::compare::Role;
use wrongdoor_tests::live::kernel::{self, Turn};
use wrongdoor_tests::live::{Agent, Residents, scale};
use wrongdoor_tests::scenario::reproductions::{self, Reproduction, Subject};

use super::differences;

/// So many of a subject are played where not all are asked for.
const USUAL: usize = 2;

/// Plays each before a new agent; tells of all, at either end, what is not as it happened.
fn as_it_happened(subject: Subject) -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let turn = Rc::new(turn);
    let _residents = Residents::start()?;
    let mut all = Vec::new();
    let seen = subject.iter().filter(|reproduction| reproduction.is_for_probes());
    // From captures all of them are held against what happened; each agent here takes seconds to begin.
    for reproduction in seen.take(scale::of(USUAL, usize::MAX)) {
        all.extend(watched(reproduction, &turn).context(reproduction.name)?);
    }
    ensure!(all.is_empty(), "{} differences\n{}", all.len(), all.join("\n\n"));
    Ok(())
}

fn watched(reproduction: &Reproduction, turn: &Rc<Turn>) -> Result<Vec<String>> {
    let agent = Rc::new(RefCell::new(None));
    let (theirs, turn) = (Rc::clone(&agent), Rc::clone(turn));
    // The servers run by then: what is first met while it talks is a subject of its own.
    let watch = Box::new(move |_: &[u16]| {
        *theirs.borrow_mut() = Some(Agent::start(&turn)?);
        Ok(())
    });
    reproduction.watch(watch, |stage| {
        let report = agent.take().context("nothing was watched")?.stop()?;
        let at = |role| differences(reproduction, stage.ports(), &report, role);
        Ok([Role::Client, Role::Server].into_iter().flat_map(at).collect())
    })
}

#[test]
fn virtual_hosts() -> Result<()> {
    as_it_happened(reproductions::VIRTUAL_HOSTS)
}

#[test]
fn policies() -> Result<()> {
    as_it_happened(reproductions::POLICIES)
}

#[test]
fn resets() -> Result<()> {
    as_it_happened(reproductions::RESETS)
}

#[test]
fn servers_that_compare() -> Result<()> {
    as_it_happened(reproductions::COMPARING)
}

#[test]
fn applications() -> Result<()> {
    as_it_happened(reproductions::APPLICATIONS)
}

#[test]
fn shared_connections() -> Result<()> {
    as_it_happened(reproductions::SHARING)
}

#[test]
fn chains() -> Result<()> {
    as_it_happened(reproductions::CHAINS)
}

#[test]
fn hops_apart() -> Result<()> {
    as_it_happened(reproductions::APART)
}

#[test]
fn pools() -> Result<()> {
    as_it_happened(reproductions::POOLS)
}

#[test]
fn retries() -> Result<()> {
    as_it_happened(reproductions::RETRIES)
}

#[test]
fn a_browser() -> Result<()> {
    as_it_happened(reproductions::BROWSER)
}
