//! A file that is put aside when it is full: `FILE` is the newest, `FILE.1` the one before, and so on.

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The files of one output.
pub(super) struct Rotation {
    path: PathBuf,
    /// So many bytes fill one. A longer line has one for itself.
    max_bytes: u64,
    /// So many are kept aside.
    keep: u32,
    written: u64,
}

impl Rotation {
    /// Begins a new file. One that is there is put aside. None where it is no regular file: those have no size.
    pub(super) fn begin(
        path: &Path,
        max_bytes: u64,
        keep: u32,
    ) -> io::Result<(File, Option<Self>)> {
        let there = fs::metadata(path);
        if there.as_ref().is_ok_and(|there| !there.is_file()) {
            return Ok((special(path)?, None));
        }
        let rotation = Self { path: path.to_owned(), max_bytes, keep, written: 0 };
        let file = if there.is_ok_and(|there| there.len() > 0) {
            rotation.put_aside()?
        } else {
            File::create(path)?
        };
        Ok((file, Some(rotation)))
    }

    /// Takes a line into account. Gives the new file, where it is to go into one; an error where the old one cannot
    /// be put aside.
    pub(super) fn line(&mut self, length: usize) -> Option<io::Result<File>> {
        let length = length as u64;
        let is_full = self.written > 0 && self.written + length > self.max_bytes;
        self.written = if is_full { length } else { self.written + length };
        is_full.then(|| self.put_aside())
    }

    /// The new file is made first: where that fails, nothing has moved.
    fn put_aside(&self) -> io::Result<File> {
        let new = self.named(".new");
        let file = File::create(&new)?;
        let moved = self.shift().and_then(|()| fs::rename(&new, &self.path));
        if moved.is_err() {
            // It is empty, and in nobody's way.
            drop(fs::remove_file(&new));
        }
        moved.map(|()| file)
    }

    fn shift(&self) -> io::Result<()> {
        for number in (0..self.keep).rev() {
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
fn special(path: &Path) -> io::Result<File> {
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().write(true).custom_flags(without_waiting).open(path)?;
    // From now on a slow reader is waited for, by a thread that has nothing else to do.
    let flags = fcntl_getfl(&file)?;
    fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Output;

    fn text(path: &Path, number: u32) -> Option<String> {
        let rotation = Rotation { path: path.to_owned(), max_bytes: 1, keep: 1, written: 0 };
        fs::read_to_string(rotation.numbered(number)).ok()
    }

    fn write(path: &Path, max_bytes: u64, keep: u32, lines: &[&str]) {
        let mut output = Output::rotated(path, max_bytes, keep).unwrap();
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
    fn a_pipe_without_a_reader_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert!(Rotation::begin(&path, 1, 1).is_err());
    }

    #[test]
    fn a_file_that_cannot_be_put_aside_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut output = Output::rotated(&path, 8, 1).unwrap();
        output.write(b"aaa\nbbb\n").unwrap();
        // What stands in the way of the old file.
        fs::create_dir(folder.path().join("events.1")).unwrap();
        output.write(b"ccc\n").unwrap();
        output.flush().unwrap();
        assert_eq!(text(&path, 0).unwrap(), "ccc\n");
    }

    #[test]
    fn what_is_no_file_is_written_as_it_is() {
        let (_, rotation) = Rotation::begin(Path::new("/dev/null"), 1, 1).unwrap();
        assert!(rotation.is_none());
    }
}
