//! A file that is there when it is whole.

use crate::error::Error;
use crate::files::{self, OutputPath};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file in the making, beside the place that it will have. Where it is not finished, it goes.
#[derive(Debug)]
pub(super) struct AtomicFile {
    target: PathBuf,
    file: File,
    /// Where it is made; nothing where the target is no file, as a pipe or a device: nothing can take its place.
    partial: Option<PathBuf>,
}

impl AtomicFile {
    /// Begins one. What could not be written in the end is refused now.
    pub(super) fn begin(target: &Path) -> Result<Self, Error> {
        let begun = OutputPath::of(target).and_then(|place| {
            let (file, partial) = open(&place)?;
            Ok(Self { target: place.path().to_owned(), file, partial })
        });
        begun.map_err(|source| failure(target, source))
    }

    /// Writes all of it, and puts it in its place.
    pub(super) fn finish(mut self, bytes: &[u8]) -> Result<(), Error> {
        self.publish(bytes).map_err(|source| failure(&self.target, source))
    }

    fn publish(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.flush()?;
        if let Some(partial) = &self.partial {
            fs::rename(partial, &self.target)?;
            self.partial = None;
        }
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // A name that nobody will look for; there is nothing else to be done about it.
            drop(fs::remove_file(partial));
        }
    }
}

fn open(place: &OutputPath) -> io::Result<(File, Option<PathBuf>)> {
    let target = place.path();
    match fs::metadata(target) {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => return Ok((place.options(0).open(target)?, None)),
        // As if it were written over: not, where that is not allowed.
        Ok(_) => drop(place.options(0).open(target)?),
        Err(_) => {}
    }
    let Some(name) = target.file_name() else { return Err(io::ErrorKind::IsADirectory.into()) };
    let mut partial = std::ffi::OsString::from(".");
    partial.push(name);
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = target.with_file_name(partial);
    Ok((files::create_new(&partial, files::PRIVATE)?, Some(partial)))
}

fn failure(target: &Path, source: io::Error) -> Error {
    Error::Output { name: format!("`{}`", target.display()), source }
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
