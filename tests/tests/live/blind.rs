use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Result, ensure};
use wrongdoor_tests::live::agent::TIMEOUT;
use wrongdoor_tests::live::{Agent, kernel};
use wrongdoor_tests::{tools, wait};

const WARNING: &str = "the TLS of this program cannot be seen";

/// A program that waits, with what stands in stripped programs that have BoringSSL linked in, and as large as those.
fn stand_in(folder: &Path, name: &str) -> Result<PathBuf> {
    let mut bytes = fs::read(tools::path("sleep")?)?;
    bytes.extend_from_slice(b"../../external/boringssl/src/ssl/ssl_lib.cc\0");
    bytes.resize(2 << 20, 0);
    let path = folder.join(name);
    fs::write(&path, bytes)?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Ends with this.
struct Waiting(Child);

impl Waiting {
    fn start(program: &Path) -> Result<Self> {
        Ok(Self(Command::new(program).arg("3600").stdin(Stdio::null()).spawn()?))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The warnings of this program.
fn warnings(agent: &Agent, program: &Path) -> Vec<String> {
    let file = program.display().to_string();
    let log = agent.log();
    let lines = log.lines().filter(|line| line.contains(WARNING) && line.contains(&file));
    lines.map(str::to_owned).collect()
}

fn unseen(agent: &Agent) -> Result<f64> {
    Ok(agent
        .metrics()?
        .sum("wrongdoor_tls_processes", &[("visibility", "unseen"), ("library", "boringssl")]))
}

/// What a machine runs beside the test may come and go: only what the processes at hand add and take is certain.
#[test]
fn a_program_with_linked_in_tls_is_counted_while_it_runs_and_warned_of_once() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    // A name of this test's own: what else runs on the machine is not counted.
    let name = format!("edge-{}", std::process::id());
    let edge = stand_in(folder.path(), &name)?;
    // One that runs before the agent, one that begins later.
    let earlier = Waiting::start(&edge)?;
    let mut agent = Agent::start_with(&turn, &["--include", &format!("command={name}")])?;
    let wait_for = |agent: &Agent, count: f64| {
        wait::within(TIMEOUT, &format!("{count} to be counted"), || {
            Ok(((unseen(agent)? - count).abs() < f64::EPSILON).then_some(()))
        })
    };
    wait_for(&agent, 1.0)?;
    let later = Waiting::start(&edge)?;
    wait_for(&agent, 2.0)?;
    let said = warnings(&agent, &edge);
    ensure!(said.len() == 1, "{said:?}");
    let command = format!("command=\"{name}\"");
    for part in ["WARN", &command, "BoringSSL or AWS-LC without symbols", "instead="] {
        ensure!(said.iter().all(|line| line.contains(part)), "no {part} in {said:?}");
    }
    drop(earlier);
    wait_for(&agent, 1.0)?;
    drop(later);
    wait_for(&agent, 0.0)?;
    agent.require_well()?;
    agent.end()
}
