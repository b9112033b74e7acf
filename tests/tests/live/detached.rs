use std::fs;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::live::{Agent, Ground, kernel, library};
use wrongdoor_tests::wait;

#[test]
fn a_library_that_nobody_uses_any_more_loses_its_traps() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    kernel::require_no_others(None)?;
    let ground = Ground::new()?;
    let folder = ground.subfolder("libraries")?;
    library::copy_openssl(&folder)?;
    let path = fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.to_string_lossy().contains("libssl.so"))
        .context("no copy")?;
    let name = path.to_string_lossy().into_owned();
    let first = library::map(&path)?;
    // Hardly any waiting for users who may come back.
    let agent = Agent::start_with(&turn, &["--detach-delay", "1s"])?;
    ensure!(library::is_trapped(first.pid(), &name)?, "it never was:\n{}", agent.log());
    // The first of two goes: nothing changes for the other.
    let second = library::map(&path)?;
    wait::within(wrongdoor_tests::live::agent::TIMEOUT, "the second to be trapped", || {
        Ok(library::is_trapped(second.pid(), &name)?.then_some(()))
    })?;
    first.finish()?;
    ensure!(library::is_trapped(second.pid(), &name)?, "it is not while somebody uses it");
    second.finish()?;
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path)?);
    wait::within(wrongdoor_tests::live::agent::TIMEOUT, "the agent to let go of it", || {
        Ok((!holds(agent.pid(), inode)?).then_some(()))
    })
    .with_context(|| agent.log())?;
    // The kernel would put traps into whoever maps a file that has some; the halted agent could not.
    agent.halt()?;
    let third = library::map(&path)?;
    if library::is_trapped(third.pid(), &name)? {
        kernel::require_no_others(Some(agent.pid()))?;
        ensure!(!library::is_trapped(third.pid(), &name)?, "it has traps:\n{}", agent.log());
    }
    agent.resume()?;
    wait::within(wrongdoor_tests::live::agent::TIMEOUT, "it to be trapped again", || {
        Ok(library::is_trapped(third.pid(), &name)?.then_some(()))
    })
    .with_context(|| agent.log())?;
    third.finish()?;
    agent.stop()?;
    Ok(())
}

/// Whether a process has a file of this inode open.
fn holds(pid: u32, inode: u64) -> Result<bool> {
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let path = entry?.path();
        // It may be closed meanwhile.
        let Ok(file) = fs::metadata(&path) else { continue };
        if file.is_file() && std::os::unix::fs::MetadataExt::ino(&file) == inode {
            return Ok(true);
        }
    }
    Ok(false)
}
