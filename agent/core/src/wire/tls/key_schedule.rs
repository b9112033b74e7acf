//! From a key log's secrets to keys: HKDF-Expand-Label (RFC 8446 §7.1) and the TLS 1.2 PRF (RFC 5246 §5).

use super::suite::Hash;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384};

/// Fills `out` with `HKDF-Expand-Label(secret, label, "", out.len())`.
///
/// `None` where the secret is shorter than the hash: then it is not one of this suite's.
pub fn expand_label(hash: Hash, secret: &[u8], label: &str, out: &mut [u8]) -> Option<()> {
    let length = u16::try_from(out.len()).ok()?.to_be_bytes();
    let label_len = [u8::try_from(label.len() + 6).ok()?];
    let info: [&[u8]; 5] = [&length, &label_len, b"tls13 ", label.as_bytes(), &[0]];
    match hash {
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret).ok()?.expand_multi_info(&info, out).ok(),
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret).ok()?.expand_multi_info(&info, out).ok(),
    }
}

/// Fills `out` with `PRF(secret, label, seed)` of TLS 1.2.
pub fn prf(hash: Hash, secret: &[u8], label: &str, seed: &[&[u8]], out: &mut [u8]) -> Option<()> {
    match hash {
        Hash::Sha256 => p_hash::<Hmac<Sha256>>(secret, label, seed, out),
        Hash::Sha384 => p_hash::<Hmac<Sha384>>(secret, label, seed, out),
    }
}

fn p_hash<M: Mac + KeyInit>(
    secret: &[u8],
    label: &str,
    seed: &[&[u8]],
    out: &mut [u8],
) -> Option<()> {
    let feed_seed = |mut mac: M| {
        mac.update(label.as_bytes());
        seed.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()
    };
    let keyed = || <M as KeyInit>::new_from_slice(secret).ok();
    let mut a = feed_seed(keyed()?);
    let size = a.len();
    for chunk in out.chunks_mut(size) {
        let mut mac = keyed()?;
        mac.update(&a);
        let block = feed_seed(mac);
        chunk.copy_from_slice(block.get(..chunk.len())?);
        let mut next = keyed()?;
        next.update(&a);
        a = next.finalize().into_bytes();
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn expand_label_agrees_with_rfc_8448() {
        // RFC 8448 §3: the server's handshake traffic secret and its write key and IV.
        let secret = bytes("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        expand_label(Hash::Sha256, &secret, "key", &mut key).unwrap();
        expand_label(Hash::Sha256, &secret, "iv", &mut iv).unwrap();
        assert_eq!(key.to_vec(), bytes("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(iv.to_vec(), bytes("5d313eb2671276ee13000b30"));
    }

    #[test]
    fn the_prf_agrees_with_the_ietf_test_vector() {
        // The P_SHA256 vector of the IETF TLS mailing list (June 2009).
        let mut out = [0; 100];
        let secret = bytes("9bbe436ba940f017b17652849a71db35");
        let seed = bytes("a0ba9f936cda311827a6f796ffd5198c");
        prf(Hash::Sha256, &secret, "test label", &[&seed], &mut out).unwrap();
        assert_eq!(out[..16].to_vec(), bytes("e3f229ba727be17b8d122620557cd453"));
        // The second block on depends on every step before it.
        assert_ne!(out[32..64], out[64..96]);
    }
}
