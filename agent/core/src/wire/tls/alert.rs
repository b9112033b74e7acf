//! Alerts: why a TLS session ended (RFC 8446 §6, RFC 5246 §7.2).

/// What one end tells the other before it gives up a session, or of an oddity in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert {
    /// The session ends with it. TLS 1.3 ends with every alert, whatever its level says.
    pub is_fatal: bool,
    /// Its number in the registry of TLS.
    pub code: u8,
}

const FATAL: u8 = 2;
/// The two that end a session in peace.
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;

/// The registry of TLS, with the values that it reserves for earlier versions.
const NAMES: [(u8, &str); 36] = [
    (CLOSE_NOTIFY, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed"),
    (22, "record_overflow"),
    (30, "decompression_failure"),
    (40, "handshake_failure"),
    (41, "no_certificate"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (52, "too_many_cids_requested"),
    (60, "export_restriction"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (USER_CANCELED, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (117, "general_error"),
    (120, "no_application_protocol"),
    (121, "ech_required"),
];

impl Alert {
    /// Reads the content of a record of the type alert; `None` if it is malformed. One record has one alert (RFC 8446 §5.1).
    pub fn parse(content: &[u8]) -> Option<Self> {
        match content {
            [level @ 1..=2, code] => Some(Self { is_fatal: *level == FATAL, code: *code }),
            _ => None,
        }
    }

    /// Whether it says that something is wrong, and not only that a session ends.
    pub fn is_error(self) -> bool {
        !matches!(self.code, CLOSE_NOTIFY | USER_CANCELED)
    }
}

/// The name of an alert in the registry; its number where it has none.
pub fn name(code: u8) -> String {
    let found = NAMES.iter().find(|(known, _)| *known == code);
    found.map_or_else(|| format!("alert_{code}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_bytes_with_a_level_are_an_alert() {
        assert_eq!(Alert::parse(&[2, 112]), Some(Alert { is_fatal: true, code: 112 }));
        assert_eq!(Alert::parse(&[1, 112]).map(|alert| alert.is_fatal), Some(false));
        for content in [&[][..], &[2], &[0, 40], &[3, 40], &[2, 40, 0]] {
            assert_eq!(Alert::parse(content), None, "{content:?}");
        }
        let is_error = |code| Alert { is_fatal: true, code }.is_error();
        assert!(is_error(112) && !is_error(0) && !is_error(90));
    }

    #[test]
    fn unknown_alerts_survive() {
        assert_eq!(name(112), "unrecognized_name");
        assert_eq!(name(200), "alert_200");
    }
}
