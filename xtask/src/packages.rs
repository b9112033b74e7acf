//! Debian's packages: what is missing is installed.

use std::process::Command;

use anyhow::{Context, Result, bail};
use wrongdoor_tests::tools::{self, Need, Tool};

/// Installs what `need` lacks; false if it lacks nothing.
pub(crate) fn ensure(need: Need) -> Result<bool> {
    let missing = tools::missing(need);
    if missing.is_empty() {
        return Ok(false);
    }
    for Tool { program, package, why, .. } in &missing {
        println!("will install {package} for {program}: {why}");
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    install(&packages)?;
    if let Some(tool) = tools::missing(need).first() {
        bail!("{} is still missing after {} was installed", tool.program, tool.package);
    }
    Ok(true)
}

/// Packages of servers start them. While this script runs, a policy forbids that; whatever ends
/// the script takes the policy away again, and one that an administrator made stays as it is.
const SCRIPT: &str = r#"
set -eu
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
[ $# -eq 0 ] || apt-get install -y -qq --no-install-recommends "$@"
"#;

/// Installs packages; of none, only asks what there are.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if tools::find("apt-get").is_none() {
        bail!("this is no Debian: install the equivalents of {} by hand", packages.join(", "));
    }
    let mut command = shell_of_root().ok_or_else(|| not_root(packages))?;
    // Debian's daemons of other packages that need a restart are not asked about either.
    command.env("NEEDRESTART_MODE", "l");
    command.args(["-c", SCRIPT, "setup"]).args(packages);
    let status = command.status().context("cannot run sh")?;
    if !status.success() && !tools::is_root() {
        return Err(not_root(packages));
    }
    anyhow::ensure!(status.success(), "apt-get failed: {status}");
    Ok(())
}

/// Fetches the lists of packages anew; only root can.
pub(crate) fn update() -> Result<()> {
    let mut command =
        shell_of_root().context("the lists of packages are old; run as root: apt-get update")?;
    crate::cargo::run_to_end(command.args(["-c", "apt-get update -qq"]))
}

/// A shell that may do everything.
fn shell_of_root() -> Option<Command> {
    if tools::is_root() {
        return Some(Command::new("sh"));
    }
    let mut sudo = tools::command("sudo").ok()?;
    sudo.args(["-n", "sh"]);
    Some(sudo)
}

fn not_root(packages: &[&str]) -> anyhow::Error {
    anyhow::anyhow!(
        "packages cannot be installed without root; run this as root, or first: \
         sudo apt-get install --no-install-recommends {}",
        packages.join(" ")
    )
}
