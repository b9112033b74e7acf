//! AES-GCM that can be entered in the middle (NIST SP 800-38D).
//!
//! Ours because the usual implementations decrypt a message whole or not at all. Built from the
//! block cipher and GHASH of RustCrypto, and checked against its `aes-gcm`.

use cipher::array::Array;
use cipher::consts::U16;
use cipher::{BlockCipherEncrypt, BlockSizeUser, KeyInit};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

/// How many counter blocks are encrypted at a time: what hardware AES keeps in flight.
const LANES: usize = 8;
const BLOCK: usize = 16;

pub(super) struct Gcm<C> {
    aes: C,
    ghash: GHash,
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit> Gcm<C> {
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        let aes = C::new_from_slice(key).ok()?;
        let mut subkey = Array::default();
        aes.encrypt_block(&mut subkey);
        Some(Self { aes, ghash: GHash::new(&subkey) })
    }

    /// Decrypts `text` in place; `None` (and `text` untouched) where the tag does not fit.
    pub(super) fn open(
        &self,
        nonce: &[u8; 12],
        additional: &[u8],
        text: &mut [u8],
        tag: &[u8],
    ) -> Option<()> {
        let expected = self.hash(additional, text)?;
        // Block 1 masks the tag; the keystream begins behind it. Small records need no other batch.
        let mut stream = [[0; BLOCK]; LANES];
        let blocks = self.counter_blocks(nonce, 1, 1 + text.len().div_ceil(BLOCK), &mut stream);
        let (mask, blocks) = blocks.split_first()?;
        if !fits(&expected, mask, tag) {
            return None;
        }
        let first = text.len().min(blocks.as_flattened().len());
        let (now, later) = text.split_at_mut(first);
        xor(now, blocks);
        self.apply_keystream(nonce, first, later);
        Some(())
    }

    /// Whether the tag fits. Nothing is decrypted.
    pub(super) fn verify(
        &self,
        nonce: &[u8; 12],
        additional: &[u8],
        text: &[u8],
        tag: &[u8],
    ) -> Option<()> {
        let expected = self.hash(additional, text)?;
        let mut stream = [[0; BLOCK]; LANES];
        let mask = self.counter_blocks(nonce, 1, 1, &mut stream).first()?;
        fits(&expected, mask, tag).then_some(())
    }

    /// GHASH of the additional data, the ciphertext and their lengths.
    fn hash(&self, additional: &[u8], text: &[u8]) -> Option<[u8; BLOCK]> {
        let mut ghash = self.ghash.clone();
        ghash.update_padded(additional);
        ghash.update_padded(text);
        let bits = |len: usize| Some(u128::try_from(len).ok()? * 8);
        let lengths = (bits(additional.len())? << 64 | bits(text.len())?).to_be_bytes();
        ghash.update(&[lengths.into()]);
        Some(ghash.finalize().into())
    }

    /// XORs `text`, which stands at `offset` of the message, with the keystream.
    pub(super) fn apply_keystream(&self, nonce: &[u8; 12], offset: usize, text: &mut [u8]) {
        let mut counter = u32::try_from(offset / BLOCK).unwrap_or(u32::MAX).wrapping_add(2);
        let mut stream = [[0; BLOCK]; LANES];
        let mut text = text;
        // Up to the first whole block.
        let skip = offset % BLOCK;
        if skip > 0 {
            let block = self.counter_blocks(nonce, counter, 1, &mut stream).as_flattened();
            let (now, later) = text.split_at_mut(text.len().min(BLOCK - skip));
            now.iter_mut().zip(block.iter().skip(skip)).for_each(|(byte, mask)| *byte ^= mask);
            text = later;
            counter = counter.wrapping_add(1);
        }
        while !text.is_empty() {
            let blocks =
                self.counter_blocks(nonce, counter, text.len().div_ceil(BLOCK), &mut stream);
            let (now, later) = text.split_at_mut(text.len().min(blocks.as_flattened().len()));
            xor(now, blocks);
            text = later;
            counter = counter.wrapping_add(LANES as u32);
        }
    }

    /// The encrypted counter blocks from `counter` on: as many as are wanted, and at most all lanes.
    fn counter_blocks<'a>(
        &self,
        nonce: &[u8; 12],
        counter: u32,
        wanted: usize,
        stream: &'a mut [[u8; BLOCK]; LANES],
    ) -> &'a [[u8; BLOCK]] {
        let blocks = stream.get_mut(..wanted.min(LANES)).unwrap_or_default();
        for (block, counter) in blocks.iter_mut().zip((0..).map(|at: u32| counter.wrapping_add(at)))
        {
            *block = counter_block(nonce, counter);
        }
        self.aes.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
        blocks
    }
}

/// Whether this is the tag. Not in constant time: the holder of the key log has nothing left to guess.
fn fits(expected: &[u8; BLOCK], mask: &[u8; BLOCK], tag: &[u8]) -> bool {
    tag.len() == BLOCK && expected.iter().zip(mask).zip(tag).all(|((a, b), tag)| a ^ b == *tag)
}

fn counter_block(nonce: &[u8; 12], counter: u32) -> [u8; BLOCK] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *nonce;
    let [w, x, y, z] = counter.to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l, w, x, y, z]
}

/// XORs the blocks onto `text`, which is not longer than they are.
fn xor(text: &mut [u8], blocks: &[[u8; BLOCK]]) {
    let (whole, rest) = text.as_chunks_mut::<BLOCK>();
    let mut masks = blocks.iter();
    for (chunk, mask) in whole.iter_mut().zip(masks.by_ref()) {
        *chunk = (u128::from_ne_bytes(*chunk) ^ u128::from_ne_bytes(*mask)).to_ne_bytes();
    }
    if let Some(mask) = masks.next() {
        rest.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}
