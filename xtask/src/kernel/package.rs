//! A kernel from its Debian package, without installing it.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wrongdoor_tests::tools;

use crate::packages;

/// The newest of Debian's kernels of this version, in `folder`.
pub(super) fn kernel(folder: &Path, version: &str) -> Result<PathBuf> {
    match fetch(folder, version) {
        Ok(kernel) => Ok(kernel),
        Err(_old_lists) => {
            packages::update()?;
            fetch(folder, version)
        }
    }
}

fn fetch(folder: &Path, version: &str) -> Result<PathBuf> {
    let package = newest(version)?;
    let release = package.trim_start_matches("linux-image-");
    let kernel = folder.join(&package).join("boot").join(format!("vmlinuz-{release}"));
    if kernel.is_file() {
        return Ok(kernel);
    }
    let downloads = folder.join("downloads");
    // Not what an interrupted download left.
    let _none_there = fs::remove_dir_all(&downloads);
    fs::create_dir_all(&downloads)?;
    println!("downloading {package}");
    tools::output(
        tools::command("apt-get")?.current_dir(&downloads).args(["download", "-qq", &package]),
    )?;
    let file = fs::read_dir(&downloads)?.next().context("nothing was downloaded")??.path();
    tools::output(
        tools::command("dpkg-deb")?.arg("--extract").arg(file).arg(folder.join(&package)),
    )?;
    fs::remove_dir_all(&downloads)?;
    // Of its drivers none is needed.
    let _none_there = fs::remove_dir_all(folder.join(&package).join("lib"));
    anyhow::ensure!(kernel.is_file(), "{package} has no {}", kernel.display());
    Ok(kernel)
}

/// The newest package of this version for ordinary machines.
fn newest(version: &str) -> Result<String> {
    let names = tools::output(tools::command("apt-cache")?.args(["pkgnames", "linux-image-"]))?;
    let names = String::from_utf8(names)?;
    let beginning = format!("linux-image-{version}.");
    let is_wanted = |name: &&str| {
        name.starts_with(&beginning)
            && name
                .strip_suffix("-amd64")
                .is_some_and(|rest| !rest.ends_with("-cloud") && !rest.ends_with("-rt"))
    };
    let newest = names.lines().filter(is_wanted).max_by(|one, other| by_numbers(one, other));
    newest.map(str::to_owned).with_context(|| format!("Debian has no kernel {version} here"))
}

fn by_numbers(one: &str, other: &str) -> Ordering {
    let numbers = |name: &str| -> Vec<u64> {
        name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
    };
    numbers(one).cmp(&numbers(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let newest = ["linux-image-6.1.0-9-amd64", "linux-image-6.1.0-56-amd64"];
        assert_eq!(by_numbers(newest[0], newest[1]), Ordering::Less);
    }
}
