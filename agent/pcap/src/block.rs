//! The frame of a pcapng block: type, length, body, length again.

use super::endian::Endian;
use super::report::DamageKind;

/// Type, length and its repetition at the end: the shortest block.
const FRAME_BYTES: usize = 12;

/// The type of a section header, the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;

/// The shortest section header: its frame, byte order mark, version and section length.
const SECTION_HEADER_BYTES: u32 = 28;

/// The type and length of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockHead {
    pub(super) kind: u32,
    pub(super) length: u32,
    /// That of the section, which a section header declares itself.
    pub(super) endian: Endian,
}

// === impl BlockHead ===

impl BlockHead {
    /// Reads the front of a block; `None` where more bytes are needed to tell.
    #[inline]
    pub(super) fn read(bytes: &[u8], section: Endian) -> Result<Option<Self>, DamageKind> {
        let Some([kind, length]) = section.words(bytes) else { return Ok(None) };
        let mut head = Self { kind, length, endian: section };
        let mut shortest = FRAME_BYTES as u32;
        if kind == SECTION_HEADER {
            let Some(&[_, _, _, _, a, b, c, d, e, f, g, h]) = bytes.first_chunk::<12>() else {
                return Ok(None);
            };
            head.endian = match [e, f, g, h] {
                [0x4d, 0x3c, 0x2b, 0x1a] => Endian::Little,
                [0x1a, 0x2b, 0x3c, 0x4d] => Endian::Big,
                _ => return Err(DamageKind::ByteOrder),
            };
            head.length = head.endian.u32([a, b, c, d]);
            shortest = SECTION_HEADER_BYTES;
        }
        if head.length < shortest {
            return Err(DamageKind::BlockLength(head.length));
        }
        Ok(Some(head))
    }

    /// The bytes in front of the length at the end.
    pub(super) fn without_trailer(self) -> u64 {
        u64::from(self.length).saturating_sub(4)
    }

    /// The whole block at the front of `bytes`, its two lengths compared; `None` where it is not
    /// all there.
    #[inline]
    pub(super) fn block<'a>(&self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, DamageKind> {
        let Some(block) = bytes.get(..self.length as usize) else { return Ok(None) };
        if let Some(trailer) = block.last_chunk() {
            self.check(self.endian.u32(*trailer))?;
        }
        Ok(Some(block))
    }

    /// Compares the length at the end of a block with that at its start.
    #[inline]
    pub(super) fn check(&self, trailer: u32) -> Result<(), DamageKind> {
        if trailer == self.length {
            return Ok(());
        }
        Err(DamageKind::Trailer { length: self.length, trailer })
    }
}
