//! Private copies of OpenSSL, so that nothing else of the machine uses the same file.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::process::Running;
use crate::tools;

const MAPPER: &str = include_str!("scripts/mapper.py");

/// The libraries that `program` needs, where the loader finds them, the loader among them.
pub fn needed_by(program: &Path) -> Result<Vec<PathBuf>> {
    let output = tools::output(Command::new("ldd").arg(program))?;
    let text = String::from_utf8(output)?;
    let path = |line: &str| {
        line.split_ascii_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from)
    };
    Ok(text.lines().filter_map(path).collect())
}

/// Copies nginx's OpenSSL into `folder`, for `LD_LIBRARY_PATH`.
pub fn copy_openssl(folder: &Path) -> Result<()> {
    let mut copied = 0;
    for library in needed_by(&tools::path("nginx")?)? {
        let name = library.file_name().context("no name")?.to_string_lossy().into_owned();
        if name.starts_with("libssl.so") || name.starts_with("libcrypto.so") {
            fs::copy(&library, folder.join(&name))?;
            copied += 1;
        }
    }
    ensure!(copied == 2, "nginx uses no OpenSSL of its own");
    Ok(())
}

/// Replaces the copies in `folder` as a package manager does: by renaming new files over them.
pub fn replace_openssl(folder: &Path) -> Result<()> {
    let fresh = folder.join("fresh");
    fs::create_dir(&fresh)?;
    copy_openssl(&fresh)?;
    for entry in fs::read_dir(&fresh)? {
        let entry = entry?;
        fs::rename(entry.path(), folder.join(entry.file_name()))?;
    }
    Ok(fs::remove_dir(&fresh)?)
}

/// Which files called like `name` the process has mapped.
pub fn mapped(pid: u32, name: &str) -> Result<Vec<String>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let mut found: Vec<String> = maps
        .lines()
        .filter_map(|line| line.find('/').and_then(|at| line.get(at..)))
        .filter(|path| path.contains(name))
        .map(ToOwned::to_owned)
        .collect();
    found.dedup();
    Ok(found)
}

/// A process that has `path` mapped for execution as a loader maps a library, until its input ends.
pub fn map(path: &Path) -> Result<Running> {
    let mut command = tools::command("python3")?;
    command.args(["-c", MAPPER]).arg(path).stdin(Stdio::piped());
    let mut process = Running::spawn(&mut command)?;
    process.wait_until_it_says("mapped")?;
    Ok(process)
}

/// Whether the code that a process has mapped of `path` is not the file's: traps are written into it. That a page is its
/// own says less: one that had a trap stays so where the kernel no longer holds the file's page.
pub fn is_trapped(pid: u32, path: &str) -> Result<bool> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let code: Vec<_> = maps
        .lines()
        .filter(|line| line.ends_with(path) && line.contains(" r-xp "))
        .map(|line| mapping(line).with_context(|| format!("no mapping: {line}")))
        .collect::<Result<_>>()?;
    ensure!(!code.is_empty(), "{pid} has no code of {path}:\n{maps}");
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let file = fs::read(path)?;
    for (addresses, offset) in code {
        let length = usize::try_from(addresses.end - addresses.start)?;
        let mut mapped = vec![0; length];
        memory.read_exact_at(&mut mapped, addresses.start)?;
        let original = file.get(offset..).context("beyond the file")?;
        if mapped.iter().zip(original).any(|(now, before)| now != before) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where a line of `maps` is in memory, and from where in the file.
fn mapping(line: &str) -> Option<(Range<u64>, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    let offset = usize::from_str_radix(words.nth(1)?, 16).ok()?;
    Some((address(start)?..address(end)?, offset))
}

/// The processes that `pid` has begun and that still run.
pub fn children(pid: u32) -> Result<Vec<u32>> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    text.split_ascii_whitespace().map(|pid| Ok(pid.parse()?)).collect()
}
