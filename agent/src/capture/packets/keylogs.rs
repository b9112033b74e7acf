//! Key logs, followed as they grow.

use crate::capture::CaptureError;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The most bytes that are read of a file in one turn; the rest follows in the next.
const MAX_READ: usize = 1024 * 1024;
/// The longest line; a longer one is passed over.
const MAX_LINE: usize = 4096;

/// All that are followed.
#[derive(Debug, Default)]
pub(super) struct KeyLogs(Vec<Followed>);

/// A file that grows, and may be replaced, emptied, or not be there yet.
#[derive(Debug)]
struct Followed {
    path: PathBuf,
    open: Option<Open>,
    /// The beginning of a line whose end is still to come.
    rest: Vec<u8>,
    /// That it cannot be read was told.
    is_told: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Device and number.
    id: (u64, u64),
    /// What was read.
    offset: u64,
}

impl KeyLogs {
    /// Those at `paths`. One that is not there is waited for: whoever writes it makes it with the first connection.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, CaptureError> {
        let followed = paths.iter().map(|path| {
            let unreadable = |source| CaptureError::KeyLog { path: path.clone(), source };
            match fs::metadata(path) {
                Ok(metadata) if !metadata.is_file() => {
                    return Err(CaptureError::KeyLogNotAFile { path: path.clone() });
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let keylog = path.display().to_string();
                    tracing::warn!(keylog, "does not exist yet; the agent waits for it");
                }
                Err(source) => return Err(unreadable(source)),
            }
            let mut followed = Followed::new(path);
            followed.reopen().map_err(unreadable)?;
            Ok(followed)
        });
        Ok(Self(followed.collect::<Result<_, _>>()?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hands on the lines that were written since the last time.
    pub(super) fn read(&mut self, mut lines: impl FnMut(&[u8])) {
        for followed in &mut self.0 {
            match followed.read(&mut lines) {
                Ok(()) => followed.is_told = false,
                Err(error) if !followed.is_told => {
                    followed.is_told = true;
                    tracing::warn!(keylog = %followed.path.display(), "cannot be read: {error}");
                }
                Err(_) => {}
            }
        }
    }
}

impl Followed {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None, rest: Vec::new(), is_told: false }
    }

    fn read(&mut self, lines: &mut impl FnMut(&[u8])) -> io::Result<()> {
        self.read_on(lines)?;
        let now = match fs::metadata(&self.path) {
            Ok(now) => now,
            // Removed: the file that is open may still grow.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_same = self.open.as_ref().is_some_and(|open| open.is(&now));
        if !is_same {
            self.reopen()?;
            self.read_on(lines)?;
        }
        Ok(())
    }

    /// From the beginning of what is there now.
    fn reopen(&mut self) -> io::Result<()> {
        self.open = None;
        self.rest.clear();
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        if metadata.is_file() {
            self.open = Some(Open { file, id: (metadata.dev(), metadata.ino()), offset: 0 });
        }
        Ok(())
    }

    fn read_on(&mut self, lines: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let mut chunk = [0; 16 * 1024];
        let mut left = MAX_READ;
        while left > 0 {
            let count = open.file.read_at(&mut chunk, open.offset)?;
            let Some(read) = chunk.get(..count).filter(|read| !read.is_empty()) else { break };
            open.offset += count as u64;
            left = left.saturating_sub(count);
            self.rest.extend(read);
            let end = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            if let Some(whole) = self.rest.get(..end).filter(|whole| !whole.is_empty()) {
                lines(whole);
            }
            self.rest.drain(..end);
            if self.rest.len() > MAX_LINE {
                self.rest.clear();
            }
        }
        Ok(())
    }
}

impl Open {
    /// Whether the file there now is this one, with what was read of it.
    fn is(&self, now: &Metadata) -> bool {
        self.id == (now.dev(), now.ino()) && now.len() >= self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(logs: &mut KeyLogs) -> String {
        let mut text = Vec::new();
        logs.read(|lines| text.extend(lines));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn what_is_appended_is_read_once_and_by_whole_lines() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"one\ntw").unwrap();
        let mut logs = KeyLogs::open(&[file.path().to_owned()]).unwrap();
        assert_eq!(read(&mut logs), "one\n");
        assert_eq!(read(&mut logs), "");
        file.write_all(b"o\nthree\n").unwrap();
        assert_eq!(read(&mut logs), "two\nthree\n");
    }

    #[test]
    fn one_that_is_emptied_or_replaced_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let mut logs = KeyLogs::open(std::slice::from_ref(&path)).unwrap();
        assert_eq!(read(&mut logs), "");
        fs::write(&path, "first line\n").unwrap();
        assert_eq!(read(&mut logs), "first line\n");
        fs::write(&path, "2nd\n").unwrap();
        assert_eq!(read(&mut logs), "2nd\n");
        // The last of the old one is read before the new one.
        let mut old = File::options().append(true).open(&path).unwrap();
        fs::rename(&path, folder.path().join("keys.1")).unwrap();
        old.write_all(b"late\n").unwrap();
        fs::write(&path, "third\n").unwrap();
        assert_eq!(read(&mut logs), "late\nthird\n");
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&mut logs), "");
    }

    #[test]
    fn a_line_without_an_end_is_not_held() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'x'; 3 * MAX_READ]).unwrap();
        let mut logs = KeyLogs::open(&[file.path().to_owned()]).unwrap();
        for _ in 0..4 {
            assert_eq!(read(&mut logs), "");
            assert!(logs.0[0].rest.len() <= MAX_LINE);
        }
        file.write_all(b"\nlast\n").unwrap();
        assert!(read(&mut logs).ends_with("\nlast\n"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let failure = KeyLogs::open(&[folder.path().to_owned()]).unwrap_err();
        assert!(failure.to_string().contains("not a regular file"), "{failure}");
    }
}
