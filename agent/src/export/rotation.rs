//! A file that is put aside when it is full: `FILE` is the newest, `FILE.1` the one before, and so on.

use crate::files::{OutputPath, create_new};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// How large its files get, and whose they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// So many bytes fill one. A longer line has one for itself.
    pub(crate) max_bytes: u64,
    /// So many are kept aside.
    pub(crate) keep: u32,
    /// The permissions of new ones.
    pub(crate) mode: u32,
}

/// The files of one output.
pub(super) struct Rotation {
    path: PathBuf,
    limits: Limits,
}

impl Rotation {
    /// Begins a new file. One that is there is put aside. None where it is no regular file: those have no size.
    pub(super) fn begin(path: &Path, limits: Limits) -> io::Result<(File, Option<Self>)> {
        let place = OutputPath::of(path)?;
        let there = fs::metadata(place.path());
        if there.as_ref().is_ok_and(|there| !there.is_file()) {
            return Ok((special(&place)?, None));
        }
        let rotation = Self { path: place.path().to_owned(), limits };
        let file = if there.is_ok_and(|there| there.len() > 0) {
            rotation.put_aside()?
        } else {
            place.create(limits.mode)?
        };
        Ok((file, Some(rotation)))
    }

    /// Whether a file that holds so many bytes has no room for so many more.
    pub(super) fn is_full(&self, holds: u64, more: usize) -> bool {
        holds > 0 && holds + more as u64 > self.limits.max_bytes
    }

    /// Puts the file aside. Gives the new one; an error where the old one cannot be put aside.
    ///
    /// The new file is made first: where that fails, nothing has moved.
    pub(super) fn put_aside(&self) -> io::Result<File> {
        let new = self.named(".new");
        // A run that was killed may have left one.
        if let Err(error) = fs::remove_file(&new)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let file = create_new(&new, self.limits.mode)?;
        let moved = self.shift().and_then(|()| fs::rename(&new, &self.path));
        if moved.is_err() {
            // It is empty, and in nobody's way.
            drop(fs::remove_file(&new));
        }
        moved.map(|()| file)
    }

    fn shift(&self) -> io::Result<()> {
        for number in (0..self.limits.keep).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        if number == 0 { self.path.clone() } else { self.named(&format!(".{number}")) }
    }

    fn named(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(suffix);
        name.into()
    }
}

/// A pipe or a device. A pipe that nobody reads is an error, and not waited for.
fn special(place: &OutputPath) -> io::Result<File> {
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let file = place.options(without_waiting).open(place.path())?;
    // From now on a slow reader is waited for, by a thread that has nothing else to do.
    let flags = fcntl_getfl(&file)?;
    fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Output;
    use std::os::unix::fs::PermissionsExt;

    fn limits(max_bytes: u64, keep: u32) -> Limits {
        Limits { max_bytes, keep, mode: 0o640 }
    }

    fn text(path: &Path, number: u32) -> Option<String> {
        let rotation = Rotation { path: path.to_owned(), limits: limits(1, 1) };
        fs::read_to_string(rotation.numbered(number)).ok()
    }

    fn write(path: &Path, max_bytes: u64, keep: u32, lines: &[&str]) {
        let mut output = Output::rotated(path, limits(max_bytes, keep)).unwrap();
        lines.iter().for_each(|line| output.write(line.as_bytes()).unwrap());
        output.flush().unwrap();
    }

    #[test]
    fn full_files_are_put_aside_at_whole_lines_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        write(&path, 8, 2, &["aaa\n", "bbb\n", "ccc\n", "a long line\n", "ddd\n", "eee\n", "f\n"]);
        let files: Vec<_> = (0..4).map(|number| text(&path, number)).collect();
        let expected = [Some("f\n"), Some("ddd\neee\n"), Some("a long line\n"), None];
        assert_eq!(files, expected.map(|text| text.map(str::to_owned)));
    }

    #[test]
    fn what_an_earlier_run_has_written_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        write(&path, 100, 1, &["first\n"]);
        write(&path, 100, 1, &["second\n"]);
        assert_eq!(
            (text(&path, 0), text(&path, 1)),
            (Some("second\n".into()), Some("first\n".into()))
        );
        write(&path, 100, 0, &["third\n"]);
        assert_eq!(
            (text(&path, 0), text(&path, 1)),
            (Some("third\n".into()), Some("first\n".into()))
        );
    }

    #[test]
    fn every_new_file_has_the_permissions_that_were_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        // What is left of a run that was killed, and a link in its place.
        std::os::unix::fs::symlink("elsewhere", folder.path().join("events.new")).unwrap();
        write(&path, 8, 2, &["aaa\n", "bbb\n", "ccc\n"]);
        for name in ["events", "events.1"] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o640, "{name}");
        }
        assert!(!folder.path().join("elsewhere").exists());
    }

    #[test]
    fn a_pipe_without_a_reader_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert!(Rotation::begin(&path, limits(1, 1)).is_err());
    }

    #[test]
    fn a_file_that_cannot_be_put_aside_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut output = Output::rotated(&path, limits(8, 1)).unwrap();
        output.write(b"aaa\nbbb\n").unwrap();
        // What stands in the way of the old file.
        fs::create_dir(folder.path().join("events.1")).unwrap();
        output.write(b"ccc\n").unwrap();
        output.flush().unwrap();
        assert_eq!(text(&path, 0).unwrap(), "ccc\n");
    }

    #[test]
    fn what_is_no_file_is_written_as_it_is() {
        let (_, rotation) = Rotation::begin(Path::new("/dev/null"), limits(1, 1)).unwrap();
        assert!(rotation.is_none());
    }
}
