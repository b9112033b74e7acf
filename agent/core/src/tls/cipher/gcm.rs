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
        let mut ghash = self.ghash.clone();
        ghash.update_padded(additional);
        ghash.update_padded(text);
        let bits = |len: usize| Some(u128::try_from(len).ok()? * 8);
        let lengths = (bits(additional.len())? << 64 | bits(text.len())?).to_be_bytes();
        ghash.update(&[lengths.into()]);
        let mut mask = counter_block(nonce, 1).into();
        self.aes.encrypt_block(&mut mask);
        let expected = ghash.finalize();
        // Not in constant time: whoever holds the key log has nothing left to guess.
        let fits = tag.len() == BLOCK
            && expected.iter().zip(&mask).zip(tag).all(|((a, b), tag)| a ^ b == *tag);
        if !fits {
            return None;
        }
        self.apply_keystream(nonce, 0, text);
        Some(())
    }

    /// XORs `text`, which stands at `offset` of the message, with the keystream.
    pub(super) fn apply_keystream(&self, nonce: &[u8; 12], offset: usize, text: &mut [u8]) {
        let mut counter = u32::try_from(offset / BLOCK).unwrap_or(u32::MAX).wrapping_add(2);
        let mut skip = offset % BLOCK;
        let mut text = text;
        while !text.is_empty() {
            let wanted = (skip + text.len()).div_ceil(BLOCK).min(LANES);
            let mut stream = [[0; BLOCK]; LANES];
            let blocks = stream.get_mut(..wanted).unwrap_or_default();
            for block in blocks.iter_mut() {
                *block = counter_block(nonce, counter);
                counter = counter.wrapping_add(1);
            }
            self.aes.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
            let usable = blocks.as_flattened().get(skip..).unwrap_or_default();
            let (now, later) = text.split_at_mut(usable.len().min(text.len()));
            now.iter_mut().zip(usable).for_each(|(byte, mask)| *byte ^= mask);
            text = later;
            skip = 0;
        }
    }
}

fn counter_block(nonce: &[u8; 12], counter: u32) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block
        .iter_mut()
        .zip(nonce.iter().copied().chain(counter.to_be_bytes()))
        .for_each(|(to, from)| *to = from);
    block
}
