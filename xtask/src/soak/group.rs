//! A control group of its own, so that other programs on the machine are no part of what is measured.

use std::path::{Path, PathBuf};
use std::{fs, process};

use anyhow::{Context, Result};

/// This process, and those that it starts, are in it until it is dropped.
#[derive(Debug)]
pub(super) struct Group {
    root: PathBuf,
    name: String,
}

impl Group {
    pub(super) fn enter() -> Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let mut mounts = mounts.lines().map(|line| line.split(' '));
        let is_v2 = |mount: &[&str]| mount.get(2) == Some(&"cgroup2");
        let mount = mounts.find_map(|mount| {
            let mount: Vec<_> = mount.collect();
            is_v2(&mount).then(|| mount.get(1).map(PathBuf::from))?
        });
        let root = mount.context("no cgroup2 is mounted")?;
        let group = Self { root, name: format!("wrongdoor-soak-{}", process::id()) };
        let folder = group.root.join(&group.name);
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        join(&folder).with_context(|| format!("cannot enter {}", folder.display()))?;
        Ok(group)
    }

    /// What `--include` takes.
    pub(super) fn rule(&self) -> String {
        format!("cgroup=*/{}", self.name)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // An empty group that stays is not worth failing for.
        if join(&self.root).is_ok() {
            drop(fs::remove_dir(self.root.join(&self.name)));
        }
    }
}

fn join(group: &Path) -> std::io::Result<()> {
    fs::write(group.join("cgroup.procs"), process::id().to_string())
}
