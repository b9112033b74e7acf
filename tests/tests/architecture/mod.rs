//! The structure of the code: which module may import which, and what is kept out of the core.
//!
//! Each table lists the modules of one crate from the top down. A module may import the modules in its row, all of which
//! are below it, and nothing else of its crate.

mod directions;
mod doors;
mod imports;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

/// What the core must never depend on, however indirectly: it has no I/O and no threads.
const FOREIGN_TO_CORE: [&str; 7] = ["tokio", "aya", "h2", "mio", "socket2", "rustix", "memmap2"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_core_has_no_io_in_its_tree() -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command.args(["tree", "--locked", "--offline", "--package", "wrongdoor-core"]);
    command.args(["--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let output = wrongdoor_tests::tools::output(&mut command)?;
    let tree = String::from_utf8(output)?;
    ensure!(tree.starts_with("wrongdoor-core "), "not the core's tree: {tree}");
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        assert!(!FOREIGN_TO_CORE.contains(&name), "the core depends on {name}");
    }
    Ok(())
}
