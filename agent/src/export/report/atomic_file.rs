//! A file that is there when it is whole.

use crate::export::OutputError;
use crate::files::{OutputPath, PRIVATE};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file in the making. Where it is not finished, nothing is left of it.
#[derive(Debug)]
pub(super) struct AtomicFile {
    target: PathBuf,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Written beside the target, and then put in its place.
    Beside(NamedTempFile),
    /// A pipe or a device, which nothing can take the place of.
    Inside(File),
}

impl AtomicFile {
    /// Begins one. A target that could not be written in the end is refused now.
    pub(super) fn begin(target: &Path) -> Result<Self, OutputError> {
        let begun = OutputPath::of(target).and_then(|path| {
            let state = State::open(&path)?;
            Ok(Self { target: path.path().to_owned(), state })
        });
        begun.map_err(|source| OutputError::of_file(target, source))
    }

    /// Writes all of it, and puts it in its place.
    pub(super) fn finish(self, bytes: &[u8]) -> Result<(), OutputError> {
        let Self { target, state } = self;
        state.publish(bytes, &target).map_err(|source| OutputError::of_file(&target, source))
    }
}

impl State {
    fn open(path: &OutputPath) -> io::Result<Self> {
        let target = path.path();
        match fs::metadata(target) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                return Ok(Self::Inside(path.options(0).open(target)?));
            }
            // A file that may not be written over is not replaced either.
            Ok(_) => drop(path.options(0).open(target)?),
            Err(_) => {}
        }
        let Some(name) = target.file_name() else { return Err(io::ErrorKind::IsADirectory.into()) };
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".partial").permissions(Permissions::from_mode(PRIVATE));
        builder.tempfile_in(folder.unwrap_or_else(|| Path::new("."))).map(Self::Beside)
    }

    fn publish(self, bytes: &[u8], target: &Path) -> io::Result<()> {
        match self {
            Self::Beside(mut file) => {
                file.write_all(bytes)?;
                file.persist(target)?;
            }
            Self::Inside(mut file) => file.write_all(bytes)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_is_there_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let target = folder.path().join("report.html");
        drop(AtomicFile::begin(&target).unwrap());
        assert_eq!(names(), 0);
        let atomic_file = AtomicFile::begin(&target).unwrap();
        assert!(!target.exists());
        atomic_file.finish(b"one").unwrap();
        AtomicFile::begin(&target).unwrap().finish(b"two").unwrap();
        assert_eq!((fs::read(&target).unwrap(), names()), (b"two".to_vec(), 1));
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("report.html"));
        std::os::unix::fs::symlink("report.html", &link).unwrap();
        AtomicFile::begin(&link).unwrap().finish(b"one").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"one");
    }

    #[test]
    fn what_cannot_be_written_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for target in [folder.path().to_owned(), folder.path().join("no/such/folder.html")] {
            let refused = AtomicFile::begin(&target).unwrap_err();
            assert!(refused.to_string().contains(&target.display().to_string()), "{refused}");
        }
    }

    #[test]
    fn a_device_stays_one() {
        AtomicFile::begin(Path::new("/dev/null")).unwrap().finish(b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
