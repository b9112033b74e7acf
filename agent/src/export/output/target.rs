//! A file, a pipe or a device that ends with a whole line, also after a write that failed halfway.

use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};

/// What bytes are written to.
pub(super) trait Medium: Send {
    /// Writes some of these bytes, and returns how many.
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Removes what is behind so many bytes. False where nothing can be removed, as from a pipe.
    fn cut(&mut self, length: u64) -> io::Result<bool>;
}

/// A medium, and how much of it is whole.
pub(super) struct OutputTarget {
    medium: Box<dyn Medium>,
    /// Bytes in it, up to the end of the last whole write.
    whole: u64,
    /// The last byte of a write that failed halfway.
    torn: Option<u8>,
}

/// A regular file that belongs to this output alone.
struct OwnFile(File);

/// Anything else: what was written stays.
struct Stream(File);

impl OutputTarget {
    /// A new or emptied file.
    pub(super) fn file(file: File) -> Self {
        Self::new(Box::new(OwnFile(file)))
    }

    /// Standard output, a pipe or a device.
    pub(super) fn stream(file: File) -> Self {
        Self::new(Box::new(Stream(file)))
    }

    pub(super) fn new(medium: Box<dyn Medium>) -> Self {
        Self { medium, whole: 0, torn: None }
    }

    /// How many bytes arrived.
    pub(super) fn whole(&self) -> u64 {
        self.whole
    }

    /// Writes whole lines. Where that fails halfway, the part that arrived is removed or, where that is impossible,
    /// ended with a line break, at the latest before the next write.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.mend()?;
        let mut done = 0;
        while let Some(rest) = lines.get(done..).filter(|rest| !rest.is_empty()) {
            let error = match self.medium.put(rest) {
                Ok(count) if count > 0 => {
                    done += count;
                    continue;
                }
                Ok(_) => ErrorKind::WriteZero.into(),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            self.torn = lines.get(..done).and_then(<[u8]>::last).copied();
            // What fails here is tried again before the next write.
            drop(self.mend());
            return Err(error);
        }
        self.whole += lines.len() as u64;
        Ok(())
    }

    /// Removes everything.
    pub(super) fn empty(&mut self) -> io::Result<()> {
        self.whole = 0;
        self.medium.cut(0).map(drop)
    }

    fn mend(&mut self) -> io::Result<()> {
        let Some(last) = self.torn else { return Ok(()) };
        if !self.medium.cut(self.whole)? && last != b'\n' {
            self.medium.put(b"\n")?;
        }
        self.torn = None;
        Ok(())
    }
}

impl Medium for OwnFile {
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<bool> {
        self.0.set_len(length)?;
        self.0.seek(SeekFrom::Start(length)).map(|_position| true)
    }
}

impl Medium for Stream {
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn cut(&mut self, _length: u64) -> io::Result<bool> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Disk;
    use super::*;

    #[test]
    fn a_line_that_did_not_fit_is_removed_from_a_file() {
        let disk = Disk::file(6);
        let mut target = OutputTarget::new(Box::new(disk.clone()));
        target.write(b"one\n").unwrap();
        let refused = target.write(b"two\n").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::StorageFull);
        assert_eq!((disk.text().as_str(), target.whole()), ("one\n", 4));
        disk.grow(100);
        target.write(b"three\n").unwrap();
        assert_eq!(disk.text(), "one\nthree\n");
    }

    #[test]
    fn a_line_that_did_not_fit_is_ended_in_a_stream() {
        let disk = Disk::stream(6);
        let mut target = OutputTarget::new(Box::new(disk.clone()));
        target.write(b"one\n").unwrap();
        target.write(b"two\n").unwrap_err();
        // There is no room for the line break either.
        target.write(b"three\n").unwrap_err();
        assert_eq!(disk.text(), "one\ntw");
        disk.grow(100);
        target.write(b"four\n").unwrap();
        assert_eq!(disk.text(), "one\ntw\nfour\n");
    }

    #[test]
    fn a_stream_that_stopped_at_the_end_of_a_line_has_no_empty_line() {
        let disk = Disk::stream(4);
        let mut target = OutputTarget::new(Box::new(disk.clone()));
        target.write(b"one\ntwo\n").unwrap_err();
        disk.grow(100);
        target.write(b"three\n").unwrap();
        assert_eq!(disk.text(), "one\nthree\n");
    }
}
