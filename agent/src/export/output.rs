//! Standard output or a file, and the errors of either.

use super::rotation::Rotation;
use crate::failure::Failure;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Seek, Write};
use std::path::Path;

const BUFFER: usize = 256 * 1024;

/// Where output goes.
pub(crate) struct Output {
    name: String,
    writer: BufWriter<Box<dyn Write + Send>>,
    is_terminal: bool,
    rotation: Option<Rotation>,
    /// The same file as the writer's, where there is a rotation.
    file: Option<File>,
}

impl Output {
    /// A new or emptied file, or standard output.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            let stdout = io::stdout();
            let is_terminal = stdout.is_terminal();
            let output = Self::new("standard output".to_owned(), stdout);
            return Ok(Self { is_terminal, ..output });
        };
        let name = format!("`{}`", path.display());
        match File::create(path) {
            Ok(file) => Ok(Self::new(name, file)),
            Err(source) => Err(Failure::Output { name, source }),
        }
    }

    /// A new file, which is put aside and begun anew when it has so many bytes.
    pub(crate) fn rotated(path: &Path, max_bytes: u64, keep: u32) -> Result<Self, Failure> {
        let name = format!("`{}`", path.display());
        match Rotation::begin(path, max_bytes, keep) {
            Ok((file, rotation)) => match file.try_clone() {
                Ok(same) => Ok(Self { rotation, file: Some(same), ..Self::new(name, file) }),
                Err(source) => Err(Failure::Output { name, source }),
            },
            Err(source) => Err(Failure::Output { name, source }),
        }
    }

    fn new(name: String, writer: impl Write + Send + 'static) -> Self {
        let writer: Box<dyn Write + Send> = Box::new(writer);
        let writer = BufWriter::with_capacity(BUFFER, writer);
        Self { name, writer, is_terminal: false, rotation: None, file: None }
    }

    /// Whether a person reads it in colour (<https://no-color.org>).
    pub(crate) fn wants_colour(&self) -> bool {
        self.is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Appends bytes: a whole line, where files are put aside.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if let Some(next) = self.rotation.as_mut().and_then(|rotation| rotation.line(bytes.len())) {
            self.flush()?;
            match next {
                Ok(file) => {
                    self.file = file.try_clone().ok();
                    let file: Box<dyn Write + Send> = Box::new(file);
                    self.writer = BufWriter::with_capacity(BUFFER, file);
                }
                // The bound holds all the same, and the run goes on.
                Err(error) => {
                    let file = &self.name;
                    tracing::error!(file, "cannot be put aside, and is begun anew: {error}");
                    let emptied = self.file.as_mut().map_or(Ok(()), empty);
                    emptied.map_err(|source| self.failure(source))?;
                }
            }
        }
        let written = self.writer.write_all(bytes);
        written.map_err(|source| self.failure(source))
    }

    /// Makes sure that everything has arrived.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.writer.flush();
        flushed.map_err(|source| self.failure(source))
    }

    fn failure(&self, source: io::Error) -> Failure {
        Failure::Output { name: self.name.clone(), source }
    }
}

/// Both descriptors of a file share one place in it.
fn empty(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()
}
