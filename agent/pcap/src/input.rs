//! Opening: everything that can go wrong before a byte is read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::compression::{Compression, unpack};
use super::error::CaptureOpenError;
use super::mapped::{CaptureMapping, MappedCapture};
use super::source::CaptureBytes;
use super::stream::CaptureStream;

/// An input that is open and unread.
pub(super) enum Input {
    /// A regular file with content.
    File(File),
    /// Anything that can only be read once, front to back.
    Stream(Box<dyn Read + Send>),
}

// === impl Input ===

impl Input {
    /// Opens `path`, `-` being standard input; with its size where that is known.
    pub(super) fn open(path: &Path, name: &str) -> Result<(Self, Option<u64>), CaptureOpenError> {
        if path.as_os_str() == "-" {
            return Ok((Self::Stream(Box::new(io::stdin())), None));
        }
        let refused = |source| CaptureOpenError::Refused { name: name.to_owned(), source };
        let file = File::open(path).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if metadata.is_dir() {
            return Err(CaptureOpenError::Directory { name: name.to_owned() });
        }
        // Files of /proc call themselves regular and empty, and have content.
        if metadata.is_file() && metadata.len() > 0 {
            return Ok((Self::File(file), Some(metadata.len())));
        }
        Ok((Self::Stream(Box::new(file)), None))
    }

    /// Begins reading. `count` follows the bytes read where a stream is read.
    pub(super) fn start(
        self,
        count: Arc<AtomicU64>,
    ) -> io::Result<(CaptureBytes, Option<Compression>)> {
        let raw = match self {
            Self::Stream(raw) => raw,
            Self::File(file) => match plain(file) {
                Ok(mapping) => {
                    return Ok((CaptureBytes::Mapped(MappedCapture::new(mapping)), None));
                }
                Err(file) => Box::new(file),
            },
        };
        let (reader, compression) = unpack(raw, count)?;
        Ok((CaptureBytes::Stream(CaptureStream::new(reader)), compression))
    }
}

/// Maps a file that needs no unpacking; gives it back where it does, or cannot be mapped.
fn plain(file: File) -> Result<CaptureMapping, File> {
    let mapping = CaptureMapping::new(file)?;
    match Compression::of(mapping.start()) {
        None => Ok(mapping),
        Some(_) => Err(mapping.into_file()),
    }
}
