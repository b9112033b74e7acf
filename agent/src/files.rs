//! Files that the agent writes: readable by their owner only, and never behind a symbolic link of another user.

use rustix::process::geteuid;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

/// The permissions of a new file: what is in it names hosts, clients and processes.
pub(crate) const PRIVATE: u32 = 0o600;
/// The most symbolic links in one path, as the kernel has it.
const MAX_LINKS: usize = 40;
/// Where the kernel's own links are, as that of an open descriptor.
const KERNEL_LINKS: &str = "/proc";

/// A path without symbolic links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputPath {
    path: PathBuf,
    /// The last part is a link of the kernel's, which has no path: `/dev/stdout`, `/dev/fd/3`.
    is_descriptor: bool,
}

impl OutputPath {
    /// The place that a path leads to. An error where a symbolic link on the way belongs neither to root nor to the user of
    /// this process: in a folder that others write to, it leads where they want.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Self::trusting(path, &[0, geteuid().as_raw()])
    }

    fn trusting(path: &Path, users: &[u32]) -> io::Result<Self> {
        let mut place = PathBuf::new();
        let mut left = parts(path);
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            match Path::new(&part).components().next() {
                Some(Component::Normal(name)) => place.push(name),
                Some(Component::ParentDir) if place.file_name().is_some() => {
                    place.pop();
                    continue;
                }
                Some(Component::ParentDir) if place.has_root() => continue,
                Some(Component::CurDir) | None => continue,
                Some(part) => {
                    place.push(part);
                    continue;
                }
            }
            // What cannot be looked at cannot be opened either, and that says why.
            let Some(link) = fs::symlink_metadata(&place).ok().filter(fs::Metadata::is_symlink)
            else {
                continue;
            };
            if !users.contains(&link.uid()) {
                let (place, user) = (place.display(), link.uid());
                let what =
                    format!("`{place}` is a symbolic link that belongs to another user ({user})");
                return Err(io::Error::new(ErrorKind::PermissionDenied, what));
            }
            if left.is_empty() && place.starts_with(KERNEL_LINKS) {
                return Ok(Self { path: place, is_descriptor: true });
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(rustix::io::Errno::LOOP.into());
            }
            let target = fs::read_link(&place)?;
            place.pop();
            for part in parts(&target).into_iter().rev() {
                left.push_front(part);
            }
        }
        Ok(Self { path: place, is_descriptor: false })
    }

    /// The path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How to open it for writing, with these flags too: a link that has appeared there since is not followed.
    pub(crate) fn options(&self, flags: i32) -> OpenOptions {
        let no_links = if self.is_descriptor { 0 } else { libc::O_NOFOLLOW };
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(flags | no_links);
        options
    }

    /// A new file with these permissions, or the one that is there, emptied, with those that it has.
    pub(crate) fn create(&self, mode: u32) -> io::Result<File> {
        match create_new(&self.path, mode) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // Created if it has gone since. Asking for that also lets the kernel protect files of others (protected_regular).
                self.options(0).create(true).truncate(true).mode(mode).open(&self.path)
            }
            created => created,
        }
    }
}

/// A file that was not there before, with exactly these permissions.
pub(crate) fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components().map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A user that is not the one of the tests.
    const STRANGER: u32 = 4_000_000;

    fn own() -> u32 {
        geteuid().as_raw()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn links_of_the_same_user_are_followed_and_those_of_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(folder.join("real")).unwrap();
        symlink("real", folder.join("folder")).unwrap();
        symlink("../folder/./target", folder.join("real/file")).unwrap();
        for path in ["folder/file", "real/file", "folder/../real/target"] {
            let found = OutputPath::trusting(&folder.join(path), &[own()]).unwrap();
            assert_eq!(found.path(), folder.join("real/target"), "{path}");
        }
        for (path, link) in [("folder/file", "folder"), ("real/file", "real/file")] {
            let refused = OutputPath::trusting(&folder.join(path), &[STRANGER]).unwrap_err();
            let named = format!("`{}`", folder.join(link).display());
            assert!(refused.to_string().contains(&named), "{refused}");
        }
        let found = OutputPath::trusting(&folder.join("real/target"), &[STRANGER]).unwrap();
        assert_eq!(found.path(), folder.join("real/target"));
    }

    #[test]
    fn relative_paths_stay_relative() {
        for (path, expected) in [("a", "a"), ("./a", "a"), ("../a", "../a"), ("../../a", "../../a")]
        {
            assert_eq!(OutputPath::of(Path::new(path)).unwrap().path(), Path::new(expected));
        }
        assert_eq!(OutputPath::of(Path::new("/../a")).unwrap().path(), Path::new("/a"));
    }

    #[test]
    fn links_that_lead_to_themselves_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("link", &link).unwrap();
        let refused = OutputPath::of(&link).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ELOOP));
    }

    #[test]
    fn a_descriptor_is_what_it_is() {
        let file = tempfile::tempfile().unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let place = OutputPath::of(Path::new(&path)).unwrap();
        assert!(place.is_descriptor);
        place.create(PRIVATE).unwrap();
    }

    #[test]
    fn new_files_are_private_and_old_ones_keep_their_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let place = OutputPath::of(&path).unwrap();
        place.create(PRIVATE).unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        place.create(PRIVATE).unwrap();
        assert_eq!(mode(&path), 0o644);
        fs::remove_file(&path).unwrap();
        place.create(0o660).unwrap();
        assert_eq!(mode(&path), 0o660);
    }

    #[test]
    fn a_link_that_appears_later_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("file"), folder.path().join("target"));
        let place = OutputPath::of(&path).unwrap();
        symlink(&target, &path).unwrap();
        assert!(place.create(PRIVATE).is_err() && !target.exists());
    }
}
