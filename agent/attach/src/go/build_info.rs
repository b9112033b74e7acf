//! Which Go built a program: `.go.buildinfo` begins with a magic, and since Go 1.18 has the version in it.

use crate::elf::Elf;
use crate::reader::BoundedReader;

const MAGIC: &[u8] = b"\xff Go buildinf:";
const VERSION_AT: usize = 32;
/// Set where the texts are in the section itself.
const IS_INLINE: u8 = 2;
/// `go1.27.3` and what a distribution adds.
const MAX_BYTES: usize = 64;

/// As the linker wrote it, `go1.27.3`.
pub(super) fn version(elf: &Elf, reader: &BoundedReader<'_>) -> Option<String> {
    let section = elf.section(b".go.buildinfo")?;
    let length = (VERSION_AT + 1 + MAX_BYTES) as u64;
    let info = reader.read_up_to(section.offset, length.min(section.size)).ok()?;
    if !info.starts_with(MAGIC) || info.get(15)? & IS_INLINE == 0 {
        return None;
    }
    // Its length is a variable-length number, of one byte for what is so short.
    let length = usize::from(*info.get(VERSION_AT)?);
    let begins = VERSION_AT + 1;
    let bytes = info.get(begins..begins + length.min(MAX_BYTES))?;
    let version = String::from_utf8(bytes.to_vec()).ok()?;
    version.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ').then_some(version)
}
