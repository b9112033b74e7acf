//! What a stream is packed in, told by its content.

use std::fmt;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::zstd::ZstdFrames;

/// Bytes asked of the operating system at a time.
const READ_BYTES: usize = 256 << 10;

/// How a capture is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// One or more gzip members.
    Gzip,
    /// One or more zstd frames.
    Zstd,
}

/// Counts the bytes that come through: the progress on disk, whatever they unpack to.
struct Counting<R> {
    reader: R,
    count: Arc<AtomicU64>,
}

/// The uncompressed content of `raw`; `count` follows how much of `raw` was read.
pub(super) fn unpack(
    raw: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
) -> io::Result<(Box<dyn Read + Send>, Option<Compression>)> {
    let mut buffered = BufReader::with_capacity(READ_BYTES, Counting { reader: raw, count });
    // A pipe may give fewer bytes than there are: ask until there are enough to tell.
    let mut start = Vec::new();
    (&mut buffered).take(4).read_to_end(&mut start)?;
    let compression = Compression::of(&start);
    let whole = Cursor::new(start).chain(buffered);
    let reader: Box<dyn Read + Send> = match compression {
        None => Box::new(whole),
        Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(whole)),
        Some(Compression::Zstd) => Box::new(ZstdFrames::new(whole)),
    };
    Ok((reader, compression))
}

// === impl Compression ===

impl Compression {
    /// How something that begins with `start` is compressed, if it is.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // A frame, or one of the sixteen kinds of frames to skip, which may come first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

// === impl Counting ===

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
