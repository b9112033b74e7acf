//! Keys: which secret is wanted when, and what is done where it is missing.

use super::flow::{PROTOCOL, Session, Turn};
use super::handshake::HandshakeProgress;
use super::record_reader::{Epoch, Protection, RecordDecrypter};
use crate::layer::Gap;
use crate::observation::Context;
use crate::side::{PerSide, Side};
use crate::wire::tls::cipher::{RecordCipher, Tls12Keys, version_is_supported};
use crate::wire::tls::keylog::{Label, Secret};
use crate::wire::tls::suite::Suite;

/// How many records are passed over that do not open with keys that are not known to be in use yet:
/// rejected early data, or a handshake whose own keys are not in the key log.
const MAX_FOREIGN_RECORDS: u32 = 256;

impl Session {
    /// A ChangeCipherSpec: nothing in TLS 1.3; before it, the next record is protected.
    pub(super) fn change_cipher_spec(&mut self, side: Side, cx: &mut Context<'_>) -> Turn {
        if self.handshake.server.is_none() || self.handshake.client_random.is_none() {
            // The other direction's hello may still come, unless it is lost. In TLS 1.3 with early data,
            // this comes before the ServerHello.
            let missing = if self.handshake.server.is_none() { Side::Server } else { Side::Client };
            // A server's own hello cannot be in front any more: this one goes with a retry request
            // (RFC 8446 appendix D.4), and the hello comes behind it.
            if missing == side {
                return Turn::Done;
            }
            if !self.halves.get(missing).is_lost() {
                return Turn::Wait;
            }
        }
        if self.handshake.is_tls13() {
            return Turn::Done;
        }
        *self.handshake.progress.get_mut(side) = HandshakeProgress::Changed;
        if self.handshake.next.get(side).is_none() {
            match self.tls12_keys(cx) {
                Ok(keys) => {
                    self.handshake.next =
                        PerSide { client: Some(keys.client), server: Some(keys.server) };
                }
                Err(Missing::NotYet) => {
                    *self.handshake.progress.get_mut(side) = HandshakeProgress::Negotiating;
                    return Turn::Wait;
                }
                Err(Missing::Never(reason)) => {
                    // Both directions are lost to us, but what the other one still says in the clear is not.
                    self.halves.get_mut(side).protection = Protection::Unknown;
                    if !std::mem::replace(&mut self.failure_told, true) {
                        cx.counters.error(PROTOCOL, reason);
                    }
                    return Turn::Done;
                }
            }
        }
        if let Some(cipher) = self.handshake.next.get_mut(side).take() {
            self.set_keys(side, RecordDecrypter::new(cipher, Epoch::Tls12, None));
        }
        Turn::Done
    }

    fn tls12_keys(&self, cx: &Context<'_>) -> Result<Tls12Keys, Missing> {
        let (Some(client_random), Some(server)) =
            (&self.handshake.client_random, &self.handshake.server)
        else {
            return Err(Missing::Never("hello_unseen"));
        };
        let suite = self.suite()?;
        let master = self.secret(Label::Master, cx)?;
        Tls12Keys::derive(
            suite,
            master.as_bytes(),
            client_random,
            &server.random,
            server.encrypt_then_mac,
        )
        .ok_or(Missing::Never("wrong_keys"))
    }

    fn suite(&self) -> Result<Suite, Missing> {
        let server = self.handshake.server.as_ref().ok_or(Missing::Never("hello_unseen"))?;
        if !version_is_supported(server.version) {
            return Err(Missing::Never("unsupported_version"));
        }
        Suite::from_id(server.cipher_suite).ok_or(Missing::Never("unsupported_suite"))
    }

    fn secret(&self, label: Label, cx: &Context<'_>) -> Result<Secret, Missing> {
        let random = self.handshake.client_random.as_ref().ok_or(Missing::Never("hello_unseen"))?;
        if self.only_hellos {
            return Err(Missing::Never("no_keys"));
        }
        match cx.keys.secrets(random).and_then(|secrets| secrets.get(label)) {
            Some(secret) => Ok(*secret),
            None if cx.keys_may_come => Err(Missing::NotYet),
            None => Err(Missing::Never("no_keys")),
        }
    }

    /// TLS 1.3: brings a side's first keys into use. False: it is too early to say which they are.
    pub(super) fn protect(&mut self, side: Side, cx: &mut Context<'_>) -> bool {
        let other = self.halves.get(side.other());
        let handshake = &self.handshake;
        if handshake.server.is_none() || handshake.client_random.is_none() {
            let missing = if handshake.server.is_none() { Side::Server } else { Side::Client };
            if missing != side && !other.is_lost() {
                return false;
            }
            self.fail("hello_unseen", cx);
            return true;
        }
        if !handshake.is_tls13() {
            // Application data in the clear has never been TLS 1.2.
            self.fail("unexpected_record", cx);
            return true;
        }
        if side == Side::Client && handshake.offers_early_data {
            match handshake.early_data {
                // The server says it in its EncryptedExtensions, if those can be read.
                None if other.protection.is_clear() && !other.is_lost() => return false,
                None if matches!(&other.protection, Protection::Known(opener) if opener.stage == Epoch::Handshake) =>
                {
                    return false;
                }
                Some(true) => return self.use_keys(side, Label::ClientEarly, Epoch::Early, cx),
                // Rejected early data does not open with the handshake's keys, and is passed over.
                Some(false) => {}
                // It cannot be told, so requests may be missing.
                None => self.inner_gap(side, Gap::Unknown, cx),
            }
        }
        self.use_keys(side, handshake_label(side), Epoch::Handshake, cx)
    }

    /// A part of the handshake's protected messages is lost, perhaps the last: the next record that opens
    /// is the first of the content.
    pub(super) fn expect_traffic(&mut self, side: Side, cx: &mut Context<'_>) {
        match self.opener(traffic_label(side), Epoch::Application, cx) {
            Ok(opener) => {
                self.set_keys(side, RecordDecrypter { may_fail: MAX_FOREIGN_RECORDS, ..opener })
            }
            Err(_) => self.fail_side(side, "no_keys", cx),
        }
    }

    pub(super) fn use_handshake_keys(&mut self, side: Side, cx: &mut Context<'_>) {
        self.use_keys(side, handshake_label(side), Epoch::Handshake, cx);
    }

    pub(super) fn use_traffic_keys(&mut self, side: Side, cx: &mut Context<'_>) {
        self.use_keys(side, traffic_label(side), Epoch::Application, cx);
    }

    /// False: the secret may still come.
    fn use_keys(&mut self, side: Side, label: Label, stage: Epoch, cx: &mut Context<'_>) -> bool {
        // A key log that is read while it is written may have the first secrets of a session and not yet the others.
        let later = (stage != Epoch::Application).then(|| self.secret(traffic_label(side), cx));
        if let Some(Err(Missing::NotYet)) = later {
            return false;
        }
        let made = self.opener(label, stage, cx);
        // A key log without handshake secrets still opens what follows: its first record is the one
        // that opens.
        let made = match made {
            Err(Missing::Never("no_keys")) if stage != Epoch::Application => {
                if stage == Epoch::Early {
                    // Early requests came before whatever can be read.
                    self.inner_gap(side, Gap::Unknown, cx);
                }
                let traffic = self.opener(traffic_label(side), Epoch::Application, cx);
                traffic.map(|opener| RecordDecrypter { may_fail: MAX_FOREIGN_RECORDS, ..opener })
            }
            made => made,
        };
        match made {
            Ok(mut opener) => {
                let after_early_data = side == Side::Client && self.handshake.offers_early_data;
                let accepted = self.handshake.early_data == Some(true);
                if stage == Epoch::Handshake && after_early_data && !accepted {
                    opener.may_fail = MAX_FOREIGN_RECORDS;
                }
                self.set_keys(side, opener);
                true
            }
            Err(Missing::NotYet) => {
                // The first keys are not used before later ones are there.
                if stage == Epoch::Application {
                    self.fail("no_keys", cx);
                }
                stage == Epoch::Application
            }
            Err(Missing::Never(reason)) => {
                // The other direction may have its keys: a log can hold one side's only.
                self.fail_side(side, reason, cx);
                true
            }
        }
    }

    fn opener(
        &self,
        label: Label,
        stage: Epoch,
        cx: &Context<'_>,
    ) -> Result<RecordDecrypter, Missing> {
        let suite = self.suite()?;
        let secret = self.secret(label, cx)?;
        let cipher =
            RecordCipher::tls13(suite, secret.as_bytes()).ok_or(Missing::Never("wrong_keys"))?;
        Ok(RecordDecrypter::new(cipher, stage, Some(secret)))
    }

    /// The sender's next generation of keys (RFC 8446 §4.6.3).
    pub(super) fn key_update(&mut self, side: Side) {
        let Ok(suite) = self.suite() else { return };
        let record_reader = self.halves.get_mut(side);
        let Some(opener) =
            record_reader.protection.opener().filter(|opener| opener.stage == Epoch::Application)
        else {
            return;
        };
        let next = opener
            .secret
            .and_then(|secret| RecordCipher::next_secret(suite.hash, secret.as_bytes()));
        let cipher = next.as_deref().and_then(|next| RecordCipher::tls13(suite, next));
        record_reader.protection = match (cipher, next.as_deref().and_then(Secret::new)) {
            (Some(cipher), Some(secret)) => {
                Protection::Known(RecordDecrypter::new(cipher, Epoch::Application, Some(secret)))
            }
            _ => Protection::Unknown,
        };
    }
}

/// Why there are no keys.
enum Missing {
    /// The secret may still come.
    NotYet,
    /// It will not, and this is why.
    Never(&'static str),
}

fn handshake_label(side: Side) -> Label {
    match side {
        Side::Client => Label::ClientHandshake,
        Side::Server => Label::ServerHandshake,
    }
}

fn traffic_label(side: Side) -> Label {
    match side {
        Side::Client => Label::ClientTraffic,
        Side::Server => Label::ServerTraffic,
    }
}
