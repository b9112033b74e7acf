//! A file that is there when it is whole.

use crate::failure::Failure;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file in the making, beside the place that it will have. Where it is not finished, it goes.
#[derive(Debug)]
pub(super) struct Draft {
    target: PathBuf,
    file: File,
    /// Where it is made; nothing where the target is no file, as a pipe or a device: nothing can take its place.
    partial: Option<PathBuf>,
}

impl Draft {
    /// Begins one. What could not be written in the end is refused now.
    pub(super) fn begin(target: &Path) -> Result<Self, Failure> {
        let target = target.to_owned();
        match open(&target) {
            Ok((file, partial)) => Ok(Self { target, file, partial }),
            Err(source) => Err(failure(&target, source)),
        }
    }

    /// Writes all of it, and puts it in its place.
    pub(super) fn finish(mut self, bytes: &[u8]) -> Result<(), Failure> {
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

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // A name that nobody will look for; there is nothing else to be done about it.
            drop(fs::remove_file(partial));
        }
    }
}

fn open(target: &Path) -> io::Result<(File, Option<PathBuf>)> {
    match fs::metadata(target) {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => {
            return Ok((OpenOptions::new().write(true).open(target)?, None));
        }
        // As if it were written over: not, where that is not allowed.
        Ok(_) => drop(OpenOptions::new().write(true).open(target)?),
        Err(_) => {}
    }
    let Some(name) = target.file_name() else { return Err(io::ErrorKind::IsADirectory.into()) };
    let mut partial = std::ffi::OsString::from(".");
    partial.push(name);
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = target.with_file_name(partial);
    let file = OpenOptions::new().write(true).create_new(true).open(&partial)?;
    Ok((file, Some(partial)))
}

fn failure(target: &Path, source: io::Error) -> Failure {
    Failure::Output { name: format!("`{}`", target.display()), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let target = folder.path().join("report.html");
        drop(Draft::begin(&target).unwrap());
        assert_eq!(names(), 0);
        let draft = Draft::begin(&target).unwrap();
        assert!(!target.exists());
        draft.finish(b"one").unwrap();
        Draft::begin(&target).unwrap().finish(b"two").unwrap();
        assert_eq!((fs::read(&target).unwrap(), names()), (b"two".to_vec(), 1));
    }

    #[test]
    fn what_cannot_be_written_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for target in [folder.path().to_owned(), folder.path().join("no/such/folder.html")] {
            let refused = Draft::begin(&target).unwrap_err();
            assert!(refused.to_string().contains(&target.display().to_string()), "{refused}");
        }
    }

    #[test]
    fn a_device_stays_one() {
        Draft::begin(Path::new("/dev/null")).unwrap().finish(b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
