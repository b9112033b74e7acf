//! Whether the checksums of a capture can be relied upon.

use super::ip::Checksum;

/// A wrong checksum is damage where it comes with so many right ones for each wrong one: captures of changed
/// addresses, and of cards that fill checksums in later, have wrong ones throughout.
const RIGHT_FOR_EACH_WRONG: u64 = 8;

/// How many headers had a right and a wrong checksum.
#[derive(Debug, Default)]
pub(super) struct Trust {
    right: u64,
    wrong: u64,
}

impl Trust {
    /// Whether a header with this checksum was changed on its way.
    pub(super) fn is_damage(&mut self, checksum: Checksum) -> bool {
        match checksum {
            Checksum::None => return false,
            Checksum::Right => self.right += 1,
            Checksum::Wrong => self.wrong += 1,
        }
        checksum == Checksum::Wrong && self.right >= self.wrong * RIGHT_FOR_EACH_WRONG
    }
}
