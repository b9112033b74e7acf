//! Standard output or a file, and the errors of either.

use crate::failure::Failure;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

const BUFFER: usize = 256 * 1024;

/// Where output goes.
pub(crate) struct Output {
    name: String,
    writer: BufWriter<Box<dyn Write + Send>>,
    is_terminal: bool,
}

impl Output {
    /// A new or emptied file, or standard output.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            let stdout = io::stdout();
            let is_terminal = stdout.is_terminal();
            let writer: Box<dyn Write + Send> = Box::new(stdout);
            let name = "standard output".to_owned();
            return Ok(Self {
                name,
                writer: BufWriter::with_capacity(BUFFER, writer),
                is_terminal,
            });
        };
        let name = format!("`{}`", path.display());
        match File::create(path) {
            Ok(file) => {
                let writer: Box<dyn Write + Send> = Box::new(file);
                Ok(Self {
                    name,
                    writer: BufWriter::with_capacity(BUFFER, writer),
                    is_terminal: false,
                })
            }
            Err(source) => Err(Failure::Output { name, source }),
        }
    }

    /// Whether a person reads it in colour (<https://no-color.org>).
    pub(crate) fn wants_colour(&self) -> bool {
        self.is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
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
