//! Standard output or a file, and the errors of either.

mod error;
mod target;
#[cfg(test)]
pub(super) mod testing;

pub(crate) use error::OutputError;

use super::rotation::{Limits, Rotation};
use crate::files::{self, OutputPath};
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::Path;
use target::OutputTarget;

/// So many bytes wait before they are written.
const BUFFER: usize = 256 * 1024;

/// Where output goes.
pub(crate) struct Output {
    name: String,
    target: OutputTarget,
    is_terminal: bool,
    rotation: Option<Rotation>,
    buffer: Vec<u8>,
    /// Writes that are in the buffer.
    pending: u64,
    /// Writes that failed.
    lost: u64,
}

impl Output {
    /// A new or emptied file, or standard output.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, OutputError> {
        let (name, opened) = match path {
            Some(path) => (format!("`{}`", path.display()), open_file(path)),
            None => ("standard output".to_owned(), standard_output()),
        };
        match opened {
            Ok(target) => {
                let is_terminal = path.is_none() && io::stdout().is_terminal();
                Ok(Self { is_terminal, ..Self::new(name, target) })
            }
            Err(source) => Err(OutputError::Failed { name, source }),
        }
    }

    /// A new file, which is put aside and begun anew when it is full.
    pub(crate) fn rotated(path: &Path, limits: Limits) -> Result<Self, OutputError> {
        let name = format!("`{}`", path.display());
        match Rotation::begin(path, limits) {
            Ok((file, Some(rotation))) => {
                Ok(Self { rotation: Some(rotation), ..Self::new(name, OutputTarget::file(file)) })
            }
            Ok((file, None)) => Ok(Self::new(name, OutputTarget::stream(file))),
            Err(source) => Err(OutputError::Failed { name, source }),
        }
    }

    fn new(name: String, target: OutputTarget) -> Self {
        let (rotation, buffer) = (None, Vec::new());
        Self { name, target, is_terminal: false, rotation, buffer, pending: 0, lost: 0 }
    }

    /// One that goes to this disk.
    #[cfg(test)]
    pub(super) fn to_disk(disk: testing::Disk) -> Self {
        Self::new("`disk`".to_owned(), OutputTarget::new(Box::new(disk)))
    }

    /// Whether a person reads it in colour (<https://no-color.org>).
    pub(crate) fn wants_colour(&self) -> bool {
        self.is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Appends bytes: a whole line, where there is more than one write. Where that fails, they are lost, and so are
    /// those that waited.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        let room = self.make_room(bytes.len());
        if room.is_ok() {
            self.buffer.extend_from_slice(bytes);
            self.pending += 1;
        } else {
            self.lost += 1;
        }
        room
    }

    fn make_room(&mut self, more: usize) -> Result<(), OutputError> {
        if self.is_full(more) {
            self.flush()?;
            self.begin_next()
        } else if self.buffer.len() + more > BUFFER {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Whether a file that is put aside when it is full is.
    fn is_full(&self, more: usize) -> bool {
        let holds = self.target.whole() + self.buffer.len() as u64;
        self.rotation.as_ref().is_some_and(|rotation| rotation.is_full(holds, more))
    }

    /// Makes sure that everything has arrived. What did not is lost.
    pub(crate) fn flush(&mut self) -> Result<(), OutputError> {
        let written = self.target.write(&self.buffer);
        self.buffer.clear();
        let pending = std::mem::take(&mut self.pending);
        written.map_err(|source| {
            self.lost += pending;
            self.failure(source)
        })
    }

    /// Writes that did not arrive.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Puts the file aside.
    fn begin_next(&mut self) -> Result<(), OutputError> {
        match self.rotation.as_ref().map(Rotation::put_aside) {
            Some(Ok(file)) => self.target = OutputTarget::file(file),
            // The bound holds all the same, and the run goes on.
            Some(Err(error)) => {
                let file = &self.name;
                tracing::error!(file, "cannot be rotated, and is overwritten: {error}");
                self.target.empty().map_err(|source| self.failure(source))?;
            }
            None => {}
        }
        Ok(())
    }

    fn failure(&self, source: io::Error) -> OutputError {
        OutputError::Failed { name: self.name.clone(), source }
    }
}

fn open_file(path: &Path) -> io::Result<OutputTarget> {
    let file = OutputPath::of(path)?.create(files::PRIVATE)?;
    Ok(if file.metadata()?.is_file() {
        OutputTarget::file(file)
    } else {
        OutputTarget::stream(file)
    })
}

/// Without the buffer of the standard library, which keeps what it could not write.
fn standard_output() -> io::Result<OutputTarget> {
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    Ok(OutputTarget::stream(File::from(stdout)))
}

#[cfg(test)]
mod tests {
    use super::testing::Disk;
    use super::*;

    #[test]
    fn writes_that_failed_are_counted_and_later_ones_arrive() {
        let disk = Disk::file(10);
        let mut output = Output::to_disk(disk.clone());
        for line in ["one\n", "two\n"] {
            output.write(line.as_bytes()).unwrap();
        }
        output.flush().unwrap();
        output.write(b"three\n").unwrap();
        output.write(b"four\n").unwrap();
        let failure = output.flush().unwrap_err();
        assert!(matches!(failure, OutputError::Failed { .. }), "{failure}");
        assert_eq!(output.lost(), 2);
        disk.grow(100);
        output.write(b"five\n").unwrap();
        output.flush().unwrap();
        assert_eq!((disk.text().as_str(), output.lost()), ("one\ntwo\nfive\n", 2));
    }

    #[test]
    fn a_full_buffer_that_cannot_be_written_is_lost_and_leaves_room() {
        let disk = Disk::stream(0);
        let mut output = Output::to_disk(disk.clone());
        let long = [&vec![b'x'; BUFFER - 1][..], b"\n"].concat();
        output.write(&long).unwrap();
        output.write(b"next\n").unwrap_err();
        assert_eq!(output.lost(), 2);
        disk.grow(100);
        output.write(b"last\n").unwrap();
        output.flush().unwrap();
        assert_eq!((disk.text().as_str(), output.lost()), ("last\n", 2));
    }
}
