//! ChaCha20-Poly1305 that can be entered in the middle (RFC 8439).

use chacha20::ChaCha20;
use cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};

/// The length of the keystream's block 0, which makes the Poly1305 key (RFC 8439 §2.6).
const KEY_BLOCK: u64 = 64;

/// XORs `text`, which stands at `offset` of the message, with the keystream.
pub(super) fn apply_keystream(
    key: &[u8; 32],
    nonce: &[u8; 12],
    offset: usize,
    text: &mut [u8],
) -> Option<()> {
    let mut stream = ChaCha20::new(key.into(), nonce.into());
    stream.try_seek(u64::try_from(offset).ok()?.checked_add(KEY_BLOCK)?).ok()?;
    stream.try_apply_keystream(text).ok()
}

/// Whether the tag fits (RFC 8439 §2.8). Nothing is decrypted.
pub(super) fn verify(
    key: &[u8; 32],
    nonce: &[u8; 12],
    additional: &[u8],
    text: &[u8],
    tag: &[u8],
) -> Option<()> {
    let mut once = [0; 32];
    ChaCha20::new(key.into(), nonce.into()).try_apply_keystream(&mut once).ok()?;
    let mut poly = Poly1305::new(&once.into());
    poly.update_padded(additional);
    poly.update_padded(text);
    let len = |bytes: &[u8]| u128::try_from(bytes.len()).ok();
    poly.update(&[(len(text)? << 64 | len(additional)?).to_le_bytes().into()]);
    // Not in constant time: the holder of the key log has nothing left to guess.
    (poly.finalize().as_slice() == tag).then_some(())
}
