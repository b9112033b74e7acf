use super::*;
use chacha20poly1305::aead::{Aead, Payload};

const SECRET: [u8; 48] = [0x5a; 48];

/// Seals with the reference AEADs what `open` and `peek` must read.
fn seal13(suite: Suite, plain: &[u8], sequence: u64) -> ([u8; 5], Vec<u8>) {
    let (mut key, mut iv) = (vec![0; suite.key_len], [0; 12]);
    let secret = &SECRET[..suite.hash.size()];
    key_schedule::expand_label(suite.hash, secret, "key", &mut key).unwrap();
    key_schedule::expand_label(suite.hash, secret, "iv", &mut iv).unwrap();
    iv.iter_mut().skip(4).zip(sequence.to_be_bytes()).for_each(|(byte, mask)| *byte ^= mask);
    let tag_len = if suite.protection == Protection::Ccm(8) { 8 } else { 16 };
    let len = u16::try_from(plain.len() + tag_len).unwrap().to_be_bytes();
    let header = [23, 3, 3, len[0], len[1]];
    let payload = Payload { msg: plain, aad: &header };
    let nonce = &iv.into();
    let sealed = match (suite.protection, suite.key_len) {
        (Protection::Gcm, 16) => {
            aes_gcm::Aes128Gcm::new_from_slice(&key).unwrap().encrypt(nonce, payload)
        }
        (Protection::Gcm, _) => {
            aes_gcm::Aes256Gcm::new_from_slice(&key).unwrap().encrypt(nonce, payload)
        }
        (Protection::ChaCha20Poly1305, _) => {
            ChaCha20Poly1305::new_from_slice(&key).unwrap().encrypt(nonce, payload)
        }
        (Protection::Ccm(8), _) => {
            ccm::Ccm::<Aes128, U8, U12>::new_from_slice(&key).unwrap().encrypt(nonce, payload)
        }
        _ => ccm::Ccm::<Aes128, U16, U12>::new_from_slice(&key).unwrap().encrypt(nonce, payload),
    };
    (header, sealed.unwrap())
}

#[test]
fn every_tls13_suite_opens_and_refuses_what_was_changed() {
    for id in 0x1301..=0x1305 {
        let suite = Suite::from_id(id).unwrap();
        let cipher = RecordCipher::tls13(suite, &SECRET[..suite.hash.size()]).unwrap();
        for len in [0, 1, 15, 16, 17, 300, 5000] {
            let plain: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let (header, payload) = seal13(suite, &plain, 7);
            let (mut out, record) = (Vec::new(), Sealed { header, payload: &payload, sequence: 7 });
            assert!(cipher.open(&record, &mut out), "{id:#x} {len}");
            assert_eq!(out, plain);
            assert!(!cipher.open(&Sealed { sequence: 8, ..record }, &mut out));
            let mut changed = payload.clone();
            changed[len / 2] ^= 1;
            assert!(!cipher.open(&Sealed { payload: &changed, ..record }, &mut out));
            if cipher.can_peek() {
                assert!(cipher.verify(&record), "{id:#x} {len}");
                assert!(!cipher.verify(&Sealed { sequence: 8, ..record }));
                assert!(!cipher.verify(&Sealed { payload: &changed, ..record }));
                assert!(!cipher.verify(&Sealed { header: [23, 3, 1, 0, 0], ..record }));
            }
        }
    }
}

#[test]
fn peeking_anywhere_gives_the_same_bytes() {
    for id in [0x1301, 0x1302, 0x1303] {
        let suite = Suite::from_id(id).unwrap();
        let cipher = RecordCipher::tls13(suite, &SECRET[..suite.hash.size()]).unwrap();
        let plain: Vec<u8> = (0..700u32).map(|at| (at * 7 % 256) as u8).collect();
        let (header, payload) = seal13(suite, &plain, 1 << 33);
        let record = Sealed { header, payload: &payload, sequence: 1 << 33 };
        for (offset, len) in
            [(0, 9), (1, 16), (15, 2), (16, 700 - 16), (333, 100), (699, 1), (700, 0), (127, 130)]
        {
            let mut out = vec![0; len];
            cipher.peek(&record, offset, &mut out).unwrap();
            assert_eq!(out, plain[offset..offset + len], "{id:#x} {offset} {len}");
        }
        assert!(cipher.peek(&record, 695, &mut [0; 6]).is_none());
    }
}

#[test]
fn a_secret_of_the_wrong_length_is_refused() {
    assert!(RecordCipher::tls13(Suite::from_id(0x1302).unwrap(), &[1; 32]).is_none());
    assert!(
        Tls12Keys::derive(Suite::from_id(0xc02f).unwrap(), &[1; 32], &[0; 32], &[0; 32], false)
            .is_none()
    );
}
