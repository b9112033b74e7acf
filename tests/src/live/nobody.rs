//! The agent as a user who owns nothing, with a few capabilities.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{binary, tools};

/// Debian's `nobody`.
const NOBODY: u32 = 65_534;

/// A command for `wrongdoor`, to which arguments are to be added. The folder becomes nobody's, and a copy of the
/// program is put there: where it was built others may not be able to go.
pub fn command(folder: &Path, capabilities: &[&str]) -> Result<Command> {
    let program = folder.join("wrongdoor");
    fs::copy(binary::path(), &program)?;
    fs::set_permissions(&program, Permissions::from_mode(0o755))?;
    chown(folder, Some(NOBODY), Some(NOBODY))?;
    let added: String = capabilities.iter().map(|name| format!(",+{name}")).collect();
    let set = format!("-all{added}");
    let nobody = NOBODY.to_string();
    let mut command = tools::command("setpriv")?;
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
    for kind in ["--inh-caps", "--ambient-caps", "--bounding-set"] {
        command.args([kind, &set]);
    }
    command.arg("--").arg(program);
    Ok(command)
}
