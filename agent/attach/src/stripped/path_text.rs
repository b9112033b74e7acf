//! Paths of source files, as compilers put them beside each error that a source file raises.

use std::ops::{ControlFlow, Range};

use memchr::memmem::Finder;

use crate::elf::Elf;
use crate::reader::BoundedReader;
use crate::refusal::Reason;

/// The longest path.
const MAX_PATH_BYTES: usize = 512;
/// The most copies of one library in a file, each of which has a path.
const MAX_PATHS: usize = 8;

/// The addresses at which a path that ends with `name`, or with it and one `c` more (`.c`, `.cc`), can be referred to:
/// from its first byte to the first of the file's name, since linkers merge texts that end alike.
pub(super) fn addresses(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    name: &str,
) -> Result<Vec<Range<u64>>, Reason> {
    let finder = Finder::new(name);
    let mut found: Vec<Range<u64>> = Vec::new();
    for segment in &elf.segments {
        reader.walk(segment.offset, segment.size, MAX_PATH_BYTES, |begins, piece| {
            for at in finder.find_iter(piece) {
                let behind = piece.get(at + name.len()..).unwrap_or_default();
                if !matches!(behind, [0, ..] | [b'c', 0, ..]) {
                    continue;
                }
                let before = piece.get(..at).unwrap_or_default();
                let is_text = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
                let length =
                    before.iter().rev().take(MAX_PATH_BYTES / 2).take_while(|b| is_text(b));
                let address = |at: usize| segment.address.wrapping_add(begins + at as u64);
                let path = address(at - length.count())..address(at).saturating_add(1);
                // In the overlap of two pieces it is found twice, perhaps with less in front the second time.
                if !found.iter().any(|other| other.end == path.end) && found.len() < MAX_PATHS {
                    found.push(path);
                }
            }
            ControlFlow::<()>::Continue(())
        })?;
    }
    Ok(found)
}
