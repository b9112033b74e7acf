use anyhow::{Context, Result, ensure};
use wrongdoor_tests::binary;
use wrongdoor_tests::live::compare::Role;
use wrongdoor_tests::scenario::reproductions::{self, Subject};

use super::differences;

/// Plays and analyzes each; tells of all what is not as it happened.
fn as_it_happened(subject: Subject) -> Result<()> {
    let mut all = Vec::new();
    for reproduction in subject {
        let scene = reproduction.record().context(reproduction.name)?;
        let report = binary::analyze(&scene).context(reproduction.name)?;
        all.extend(differences(reproduction, &scene.ports, &report, Role::None));
    }
    ensure!(all.is_empty(), "{} differences\n{}", all.len(), all.join("\n\n"));
    Ok(())
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
