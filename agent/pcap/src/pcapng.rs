//! The blocks of a pcapng file, section after section.

use wrongdoor_core::time::Timestamp;

use super::block::BlockHead;
use super::endian::Endian;
use super::headers::{Interface, SecretsBlock, interface, secrets, section_is_foreign};
use super::limits::{
    MAX_BLOCK_BYTES, MAX_INTERFACES, MAX_PACKET_BYTES, MAX_SECRETS_BYTES, MAX_SECRETS_TOTAL_BYTES,
    SECRETS_OVERHEAD_BYTES,
};
use super::packet_block::PacketFields;
use super::report::{DamageKind, Tally};
use super::walk::{Findings, Stop, WalkEnd};
use super::window::PacketEntry;

pub(super) use super::block::SECTION_HEADER;

pub(super) const INTERFACE_DESCRIPTION: u32 = 1;
pub(super) const DECRYPTION_SECRETS: u32 = 10;

/// A walk over blocks, and what the current section declared.
#[derive(Debug)]
pub(super) struct PcapngWalk {
    endian: Endian,
    /// `None` for a description that could not be read: the ones after it keep their numbers.
    interfaces: Vec<Option<Interface>>,
    /// The time of the packet before, for blocks that have none.
    clock: Timestamp,
    /// The block being passed over, of which the length at its end is still to be compared.
    passing: Option<BlockHead>,
    secrets: SecretsBudget,
}

/// What may still be kept of Decryption Secrets Blocks.
#[derive(Debug)]
pub(super) struct SecretsBudget {
    left: usize,
    wanted: bool,
}

// === impl PcapngWalk ===

impl PcapngWalk {
    pub(super) fn new() -> Self {
        Self {
            endian: Endian::Little,
            interfaces: Vec::new(),
            clock: Timestamp::default(),
            passing: None,
            secrets: SecretsBudget::new(),
        }
    }

    /// Leaves secrets where they are from now on.
    pub(super) fn without_secrets(&mut self) {
        self.secrets.wanted = false;
    }

    /// How much of the block in `passing` went by.
    pub(super) fn passed(&self) -> u64 {
        self.passing.map_or(0, BlockHead::without_trailer)
    }

    /// Goes over whole blocks.
    pub(super) fn walk(&mut self, bytes: &[u8], want: usize, to: &mut Findings<'_>) -> WalkEnd {
        let mut used = 0;
        let stop = loop {
            if used >= want {
                break Stop::Full;
            }
            let rest = bytes.get(used..).unwrap_or_default();
            match self.step(rest, used, to) {
                Ok(length) => used += length,
                Err(stop) => break stop,
            }
        };
        WalkEnd { used, stop }
    }

    /// Goes over the block at the front of `rest`, which is `at` bytes into the window, and
    /// returns its length.
    #[inline]
    fn step(&mut self, rest: &[u8], at: usize, to: &mut Findings<'_>) -> Result<usize, Stop> {
        if let Some(passed) = self.passing {
            let Some(trailer) = rest.first_chunk() else { return Err(Stop::Short) };
            passed.check(passed.endian.u32(*trailer)).map_err(Stop::Damaged)?;
            self.passing = None;
            to.tally.oversized += u64::from(PacketFields::is_packet(passed.kind));
            return Ok(trailer.len());
        }
        let head = BlockHead::read(rest, self.endian).map_err(Stop::Damaged)?.ok_or(Stop::Short)?;
        if head.length as usize > MAX_BLOCK_BYTES {
            return Err(self.pass_over(head, to.tally));
        }
        let block = head.block(rest).map_err(Stop::Damaged)?.ok_or(Stop::Short)?;
        if PacketFields::is_packet(head.kind) {
            self.packet(head, block, at, to)?;
        } else {
            self.other(head, block, to).map_err(Stop::Damaged)?;
        }
        Ok(block.len())
    }

    #[inline]
    fn packet(
        &mut self,
        head: BlockHead,
        block: &[u8],
        at: usize,
        to: &mut Findings<'_>,
    ) -> Result<(), Stop> {
        let Some(fields) = PacketFields::read(head, block, &self.interfaces) else {
            to.tally.unreadable += 1;
            return Ok(());
        };
        if fields.captured > MAX_PACKET_BYTES {
            to.tally.oversized += 1;
            return Ok(());
        }
        if let Some(ticks) = fields.ticks {
            self.clock = fields.interface.clock.at(ticks);
        }
        let start = at + fields.data_at;
        let range = start..start + fields.captured;
        let link = fields.interface.link;
        let entry = PacketEntry::new(range, fields.original, self.clock, link).ok_or(Stop::Full)?;
        to.batch.packets.push(entry);
        to.tally.packet(entry.link);
        Ok(())
    }

    fn other(
        &mut self,
        head: BlockHead,
        block: &[u8],
        to: &mut Findings<'_>,
    ) -> Result<(), DamageKind> {
        match head.kind {
            SECTION_HEADER => {
                if let Some(version) = section_is_foreign(block) {
                    return Err(DamageKind::Version(version));
                }
                self.endian = head.endian;
                self.interfaces.clear();
            }
            INTERFACE_DESCRIPTION => self.describe(interface(block, head.endian), to.tally),
            DECRYPTION_SECRETS => match self.secrets.key_log(head, block) {
                Ok(Some(text)) => to.batch.secrets.push(text.to_vec()),
                Ok(None) => {}
                Err(Skipped) => to.tally.secrets_skipped += 1,
            },
            _ => {}
        }
        Ok(())
    }

    fn describe(&mut self, interface: Option<Interface>, tally: &mut Tally) {
        if interface.is_none() {
            tally.unreadable += 1;
        }
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(interface);
        } else {
            tally.interfaces_skipped += 1;
        }
    }

    /// A block too long to hold: all but the length at its end goes by unseen.
    fn pass_over(&mut self, head: BlockHead, tally: &mut Tally) -> Stop {
        match head.kind {
            SECTION_HEADER => return Stop::Damaged(DamageKind::BlockLength(head.length)),
            INTERFACE_DESCRIPTION => self.describe(None, tally),
            DECRYPTION_SECRETS => tally.secrets_skipped += u64::from(self.secrets.wanted),
            // Packets are counted when the end of their block proves the length.
            _ => {}
        }
        self.passing = Some(head);
        Stop::Skip(head.without_trailer())
    }
}

// === impl SecretsBudget ===

/// Secrets that are malformed or beyond the limits.
pub(super) struct Skipped;

impl SecretsBudget {
    pub(super) fn new() -> Self {
        Self { left: MAX_SECRETS_TOTAL_BYTES, wanted: true }
    }

    /// The key log in a whole Decryption Secrets Block, if it holds one that is wanted.
    pub(super) fn key_log<'a>(
        &mut self,
        head: BlockHead,
        block: &'a [u8],
    ) -> Result<Option<&'a [u8]>, Skipped> {
        if !self.wanted {
            return Ok(None);
        }
        if block.len() > MAX_BLOCK_BYTES {
            return Err(Skipped);
        }
        match secrets(block, head.endian) {
            SecretsBlock::KeyLog(text)
                if text.len() <= MAX_SECRETS_BYTES
                    && text.len() + SECRETS_OVERHEAD_BYTES <= self.left =>
            {
                self.left = self.left.saturating_sub(text.len() + SECRETS_OVERHEAD_BYTES);
                Ok(Some(text))
            }
            SecretsBlock::KeyLog(_) | SecretsBlock::Malformed => Err(Skipped),
            SecretsBlock::OfAnotherKind => Ok(None),
        }
    }
}
