//! What could not be read, by kind.

/// Why bytes of a QUIC connection were not understood. The names become metric labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum QuicError {
    /// A packet that no key at hand opens: damaged, of another connection, or its keys' start was missed.
    Undecryptable,
    /// A header whose lengths do not add up, or reserved bits set in a genuine packet.
    MalformedPacket,
    /// A frame that must not be in an Initial or Handshake packet, or is cut short.
    MalformedFrame,
    /// A long header of a version that is not known, on a connection that is.
    UnknownVersion,
    /// CRYPTO data too far ahead or in too many pieces, dropped.
    CryptoBeyondBound,
    /// A handshake message beyond the bound, passed over.
    MessageTooLong,
    /// A hello, EncryptedExtensions or Certificate that cannot be read.
    MalformedMessage,
    /// A second ClientHello of the same connection that says something else than the first.
    HelloChanged,
    /// A Handshake packet that there was no room to hold until its keys are known.
    HandshakeDropped,
}

/// How often each [`QuicError`] happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCounts([u32; QuicError::ALL.len()]);

impl QuicError {
    /// Every kind, in order.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in metrics.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl ErrorCounts {
    /// The kinds that happened, with how often.
    pub fn iter(&self) -> impl Iterator<Item = (QuicError, u32)> {
        QuicError::ALL.iter().copied().zip(self.0).filter(|(_, count)| *count > 0)
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    pub(super) fn add(&mut self, error: QuicError) {
        // The order of declaration is the order of `ALL`.
        if let Some(count) = self.0.get_mut(error as usize) {
            *count = count.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_counted_in_its_own_place() {
        let mut counts = ErrorCounts::default();
        for (at, error) in QuicError::ALL.iter().copied().enumerate() {
            assert_eq!(error as usize, at);
            counts.add(error);
        }
        assert_eq!(
            counts.iter().collect::<Vec<_>>(),
            QuicError::ALL.iter().map(|error| (*error, 1)).collect::<Vec<_>>()
        );
    }
}
