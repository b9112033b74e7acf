//! Compressed certificates (RFC 8879): what browsers and large sites agree on.

use super::handshake::MAX_MESSAGE;
use crate::wire::reader::Reader;
use ruzstd::decoding::FrameDecoder;
use std::io::Read;

const ZLIB: u16 = 1;
const BROTLI: u16 = 2;
const ZSTD: u16 = 3;
/// The largest zstd window that is allocated: what its strongest ordinary level asks for.
const MAX_WINDOW: u64 = 8 * 1024 * 1024;

/// The body of the Certificate message inside; `None` where it is not what it says.
pub(super) fn decompress(body: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(body);
    let algorithm = reader.u16()?;
    let len = usize::try_from(reader.u24()?).ok().filter(|len| *len <= MAX_MESSAGE)?;
    let compressed = reader.vec24()?;
    let message = match algorithm {
        ZLIB => miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(compressed, len).ok()?,
        BROTLI => {
            let mut message = Vec::new();
            // One byte more than there may be, so that too much is seen to be too much.
            let limit = u64::try_from(len).ok()?.saturating_add(1);
            let mut decompressor =
                brotli_decompressor::Decompressor::new(compressed, 4096).take(limit);
            decompressor.read_to_end(&mut message).ok()?;
            message
        }
        ZSTD => {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(MAX_WINDOW);
            let mut message = vec![0; len];
            let written = decoder.decode_all(compressed, &mut message).ok()?;
            message.truncate(written);
            message
        }
        _ => return None,
    };
    (message.len() == len).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(algorithm: u16, len: usize, compressed: &[u8]) -> Vec<u8> {
        let u24 = |len: usize| (len as u32).to_be_bytes()[1..].to_vec();
        [algorithm.to_be_bytes().to_vec(), u24(len), u24(compressed.len()), compressed.to_vec()]
            .concat()
    }

    /// `"hello"` as each format stores it without compressing.
    const STORED: [(u16, &[u8]); 3] = [
        (ZLIB, b"\x78\x01\x01\x05\x00\xfa\xffhello\x06\x2c\x02\x15"),
        (BROTLI, b"\x0b\x02\x80hello\x03"),
        (ZSTD, b"\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00hello"),
    ];

    #[test]
    fn every_algorithm_gives_the_message() {
        for (algorithm, compressed) in STORED {
            let message = decompress(&message(algorithm, 5, compressed));
            assert_eq!(message.as_deref(), Some(&b"hello"[..]), "{algorithm}");
        }
    }

    #[test]
    fn what_is_not_as_long_as_it_says_is_refused() {
        for (algorithm, compressed) in STORED {
            for len in [0, 4, 6, MAX_MESSAGE + 1] {
                assert_eq!(
                    decompress(&message(algorithm, len, compressed)),
                    None,
                    "{algorithm} {len}"
                );
            }
            for end in 0..compressed.len() - 1 {
                drop(decompress(&message(algorithm, 5, &compressed[..end])));
            }
        }
        assert_eq!(decompress(&message(9, 5, b"hello")), None);
    }
}
