//! `/proc/PID/mountinfo`: what is mounted where.

use super::Device;
use super::read::read_bounded;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// The most that is read of one. Nodes with hundreds of containers have thousands of mounts.
pub const MAX_BYTES: u64 = 8 << 20;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The file system, as in the maps of processes.
    pub device: Device,
    /// What part of it is mounted; above our own control group this begins with `/..`.
    pub root: PathBuf,
    /// Where it is mounted.
    pub point: PathBuf,
    /// What it is: `ext4`, `cgroup2`, `fuse.sshfs` …
    pub kind: String,
}

impl Mount {
    /// Whether it shows the control groups of the whole machine. Where this process sees all groups the root of such a
    /// mount is `/`, and in a control group namespace of its own as many steps up as there are.
    pub fn is_whole(&self, sees_all: bool) -> bool {
        let mut parts = self.root.components().skip(1).peekable();
        match parts.peek() {
            None => sees_all,
            Some(_) => !sees_all && parts.all(|part| part == Component::ParentDir),
        }
    }
}

/// The mounts, in the order in which they were made.
pub fn parse(text: &[u8]) -> impl Iterator<Item = Mount> {
    text.split(|byte| *byte == b'\n').filter_map(line)
}

/// Where the control groups of the unified hierarchy are: on hybrid hosts beside those of the others.
pub fn cgroup2(mountinfo: &Path) -> Option<PathBuf> {
    let text = read_bounded(mountinfo, MAX_BYTES).ok()?;
    // Of several mounts the one that shows all groups.
    let mut mounts: Vec<Mount> = parse(&text).filter(|mount| mount.kind == "cgroup2").collect();
    mounts.sort_by_key(|mount| mount.root != Path::new("/"));
    mounts.into_iter().next().map(|mount| mount.point)
}

fn line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = std::str::from_utf8(fields.nth(2)?).ok()?;
    let (major, minor) = device.split_once(':')?;
    let device = Device { major: major.parse().ok()?, minor: minor.parse().ok()? };
    let path = |field| PathBuf::from(OsString::from_vec(unescape(field)));
    let root = path(fields.next()?);
    let point = path(fields.next()?);
    // Any number of optional fields, ended by a dash.
    fields.find(|field| *field == b"-")?;
    let kind = String::from_utf8_lossy(fields.next()?).into_owned();
    Some(Mount { device, root, point, kind })
}

/// Blanks, line feeds and backslashes are written as `\` and three octal digits.
fn unescape(path: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match escaped {
            Some(byte) if *first == b'\\' => {
                whole.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            _ => {
                whole.push(*first);
                rest = behind;
            }
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_and_without_optional_fields() {
        let text = b"\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
41 31 0:38 / /sys/fs/cgroup/unified rw shared:4 master:2 - cgroup2 cgroup2 rw
50 27 0:50 / /mnt/with\\040blank rw - fuse.sshfs host:/ rw
nonsense
1 2 3 4 5 6
";
        let mounts: Vec<_> =
            parse(text).map(|m| format!("{} {} {}", m.device, m.point.display(), m.kind)).collect();
        assert_eq!(
            mounts,
            [
                "254:0 / ext4",
                "0:38 /sys/fs/cgroup/unified cgroup2",
                "0:50 /mnt/with blank fuse.sshfs"
            ]
        );
    }
}
