//! Message bodies: passed over (RFC 9112 §6, §7.1).

use crate::http_facts::Sniff;
use crate::layer::Demand;

/// The longest chunk-size or trailer line.
const MAX_LINE: usize = 8 * 1024;

/// How a message's body ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// After so many bytes.
    Length(u64),
    /// After the last chunk and the trailers.
    Chunked(Chunk),
    /// With the connection.
    UntilClose,
}

/// The place within a chunked body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the line that says the size; what was read of it.
    Size(Vec<u8>),
    /// In the data, with so many bytes to come, its CRLF included.
    Data(u64),
    /// In a trailer line; how long it is so far.
    Trailer(usize),
}

/// What reading some of a body came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyProgress {
    /// All bytes were the body's.
    More,
    /// The body ended; so many of the bytes were its.
    EndedExchange(usize),
    /// The chunking is broken: where the next message begins cannot be told.
    Malformed,
}

impl Body {
    pub(super) fn demand(&self) -> Demand {
        match self {
            Self::Length(left) | Self::Chunked(Chunk::Data(left)) => Demand::Skip(*left),
            Self::Chunked(_) => Demand::Take(64),
            Self::UntilClose => Demand::Skip(u64::MAX),
        }
    }

    /// Passes over bytes of data; true where the body ended with them.
    pub(super) fn skip(&mut self, len: u64) -> bool {
        match self {
            Self::Length(left) => {
                *left = left.saturating_sub(len);
                *left == 0
            }
            Self::Chunked(chunk) => {
                if let Chunk::Data(left) = chunk {
                    *left = left.saturating_sub(len);
                    if *left == 0 {
                        *chunk = Chunk::Size(Vec::new());
                    }
                }
                false
            }
            Self::UntilClose => false,
        }
    }

    /// How many bytes may be missing here without the place being lost.
    pub(super) fn can_miss(&self) -> u64 {
        match self {
            Self::Length(left) | Self::Chunked(Chunk::Data(left)) => *left,
            Self::Chunked(_) => 0,
            Self::UntilClose => u64::MAX,
        }
    }

    /// How much of the next `len` bytes is data: the line end behind a chunk is not.
    fn data_in(&self, len: usize) -> usize {
        match self {
            Self::Chunked(Chunk::Data(left)) => {
                len.min(usize::try_from(left.saturating_sub(2)).unwrap_or(usize::MAX))
            }
            _ => len,
        }
    }

    /// Reads on.
    ///
    /// What is data is shown to `sniff` too.
    pub(super) fn read(&mut self, bytes: &[u8], sniff: Option<&mut Sniff>) -> BodyProgress {
        let mut sniff = sniff;
        let mut used = 0;
        while let Some((&byte, _)) = bytes.get(used..).and_then(<[u8]>::split_first) {
            match self {
                Self::Length(left) | Self::Chunked(Chunk::Data(left)) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - used);
                    if let Some(sniff) = &mut sniff {
                        let data = self.data_in(here);
                        sniff.take(bytes.get(used..used + data).unwrap_or_default());
                    }
                    used += here;
                    if self.skip(here as u64) {
                        return BodyProgress::EndedExchange(used);
                    }
                    continue;
                }
                Self::UntilClose => {
                    if let Some(sniff) = &mut sniff {
                        sniff.take(bytes);
                    }
                    return BodyProgress::More;
                }
                Self::Chunked(Chunk::Size(line)) if byte == b'\n' => match chunk_size(line) {
                    Some(0) => *self = Self::Chunked(Chunk::Trailer(0)),
                    Some(size) => *self = Self::Chunked(Chunk::Data(size.saturating_add(2))),
                    None => return BodyProgress::Malformed,
                },
                Self::Chunked(Chunk::Size(line)) => {
                    if line.len() >= MAX_LINE {
                        return BodyProgress::Malformed;
                    }
                    line.push(byte);
                }
                Self::Chunked(Chunk::Trailer(len)) => match byte {
                    b'\n' if *len == 0 => return BodyProgress::EndedExchange(used + 1),
                    b'\n' => *len = 0,
                    b'\r' => {}
                    _ if *len >= MAX_LINE => return BodyProgress::Malformed,
                    _ => *len += 1,
                },
            }
            used += 1;
        }
        BodyProgress::More
    }
}

/// Hexadecimal digits up to an extension or the end of the line.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_ends_at_the_same_place_however_it_is_cut() {
        let body = b"5;x=y\r\nhello\r\n00A\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\nHTTP/1.1";
        let end = body.len() - 8;
        for cut in 0..body.len() {
            let mut state = Body::Chunked(Chunk::Size(Vec::new()));
            let ended = match state.read(&body[..cut], None) {
                BodyProgress::More => match state.read(&body[cut..], None) {
                    BodyProgress::EndedExchange(used) => cut + used,
                    other => panic!("{other:?}"),
                },
                BodyProgress::EndedExchange(used) => used,
                BodyProgress::Malformed => panic!("malformed"),
            };
            assert_eq!(ended, end, "{cut}");
        }
    }

    #[test]
    fn broken_chunking_is_told() {
        for body in [&b"zz\r\n"[..], b"\r\n", b"+5\r\n", b"5 5\r\n"] {
            assert_eq!(
                Body::Chunked(Chunk::Size(Vec::new())).read(body, None),
                BodyProgress::Malformed,
                "{body:?}"
            );
        }
    }
}
