//! TLS 1.3 made by hand: a handshake with whatever is in it, sealed with secrets of our choice.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Nonce};
use anyhow::{Context, Result};
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::tls::key_schedule::expand_label;
use wrongdoor_core::wire::tls::suite::Hash;

use super::{Talk, tls};

/// A TLS 1.3 session in the making, on a TCP conversation.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// What carries it.
    pub talk: Talk,
    random: [u8; 32],
    client: Keys,
    server: Keys,
}

/// What a session is about.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The server name in the ClientHello.
    pub sni: Option<&'a str>,
    /// The protocol that the server chooses.
    pub alpn: &'a str,
    /// The names in the server's certificate.
    pub certificate: &'a [&'a str],
}

#[derive(Clone, Debug)]
struct Keys {
    handshake: Vec<u8>,
    traffic: Vec<u8>,
    /// The secret in use, and how many records were sealed with it.
    now: Vec<u8>,
    sequence: u64,
}

// ===== impl Sealed =====

impl Sealed {
    /// A whole handshake on `talk`. Sessions with different seeds share no secret.
    pub fn open(mut talk: Talk, seed: u8, names: Names<'_>) -> Result<Self> {
        let random = [seed; 32];
        talk.client(tls::record(22, &tls::client_hello_13(random, names.sni)));
        talk.server(tls::record(22, &tls::server_hello_13([seed ^ 0xff; 32])));
        let keys = |nth: u8| {
            let handshake = vec![seed ^ nth; 32];
            let now = handshake.clone();
            Keys { handshake, traffic: vec![seed ^ nth ^ 1; 32], now, sequence: 0 }
        };
        let mut sealed = Self { talk, random, client: keys(0x10), server: keys(0x20) };
        let certificate = certificate(names.certificate)?;
        let flight = [
            tls::encrypted_extensions(names.alpn),
            tls::certificate_13(certificate.der()),
            tls::message(20, &[0; 32]),
        ];
        sealed.seal(Side::Server, 22, &flight.concat())?;
        sealed.use_secret(Side::Server);
        sealed.seal(Side::Client, 22, &tls::message(20, &[0; 32]))?;
        sealed.use_secret(Side::Client);
        Ok(sealed)
    }

    /// Application data.
    pub fn say(&mut self, side: Side, bytes: impl AsRef<[u8]>) -> Result<&mut Self> {
        for piece in bytes.as_ref().chunks(16_384) {
            self.seal(side, 23, piece)?;
        }
        Ok(self)
    }

    /// An alert: its level and its number.
    pub fn alert(&mut self, side: Side, content: [u8; 2]) -> Result<&mut Self> {
        self.seal(side, 21, &content)?;
        Ok(self)
    }

    /// New keys for one direction (RFC 8446 §4.6.3).
    pub fn update_keys(&mut self, side: Side) -> Result<&mut Self> {
        self.seal(side, 22, &tls::message(24, &[0]))?;
        let keys = self.keys(side);
        let mut next = vec![0; 32];
        expand_label(Hash::Sha256, &keys.now, "traffic upd", &mut next).context("a secret")?;
        (keys.now, keys.sequence) = (next, 0);
        Ok(self)
    }

    /// The key log: of each line, those that `wanted` picks by its label.
    pub fn keys_log(&self, wanted: impl Fn(&str) -> bool) -> Vec<u8> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let lines = [
            ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", &self.client.handshake),
            ("SERVER_HANDSHAKE_TRAFFIC_SECRET", &self.server.handshake),
            ("CLIENT_TRAFFIC_SECRET_0", &self.client.traffic),
            ("SERVER_TRAFFIC_SECRET_0", &self.server.traffic),
        ];
        let lines = lines.into_iter().filter(|(label, _)| wanted(label));
        let line = |(label, secret): (&str, &Vec<u8>)| {
            format!("{label} {} {}\n", hex(&self.random), hex(secret))
        };
        lines.map(line).collect::<String>().into_bytes()
    }

    fn use_secret(&mut self, side: Side) {
        let keys = self.keys(side);
        (keys.now, keys.sequence) = (keys.traffic.clone(), 0);
    }

    fn keys(&mut self, side: Side) -> &mut Keys {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn seal(&mut self, side: Side, kind: u8, content: &[u8]) -> Result<()> {
        let keys = self.keys(side);
        let (mut key, mut nonce) = ([0; 16], [0; 12]);
        expand_label(Hash::Sha256, &keys.now, "key", &mut key).context("a secret")?;
        expand_label(Hash::Sha256, &keys.now, "iv", &mut nonce).context("a secret")?;
        let sequence = keys.sequence.to_be_bytes();
        nonce.iter_mut().rev().zip(sequence.iter().rev()).for_each(|(byte, other)| *byte ^= other);
        keys.sequence += 1;
        let plain = [content, &[kind]].concat();
        let len = u16::try_from(plain.len() + 16)?.to_be_bytes();
        let header = [&[23, 3, 3][..], &len].concat();
        let payload = Payload { msg: &plain, aad: &header };
        let cipher = Aes128Gcm::new(&key.into());
        let sealed = cipher.encrypt(&Nonce::from(nonce), payload).ok().context("sealed")?;
        self.talk.say(side, &[header, sealed].concat());
        Ok(())
    }
}

/// Of hosts, and of workloads where a name is a URI.
pub fn certificate(names: &[&str]) -> Result<rcgen::Certificate> {
    let is_uri = |name: &&str| name.contains("://");
    let hosts: Vec<_> =
        names.iter().filter(|name| !is_uri(name)).map(|&name| name.into()).collect();
    let mut params = rcgen::CertificateParams::new(hosts)?;
    for uri in names.iter().filter(|name| is_uri(name)) {
        params.subject_alt_names.push(rcgen::SanType::URI(uri.to_string().try_into()?));
    }
    Ok(params.self_signed(&rcgen::KeyPair::generate()?)?)
}
