//! The server name of a handshake.

use super::Host;
use std::net::IpAddr;

/// What is known of the server name that the client asked for in its handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sni {
    /// The name as sent, in lower case.
    Name(Box<str>),
    /// The ClientHello was seen whole and has none; or there is no TLS.
    Absent,
    /// Encrypted ClientHello, proven: what is visible is not the name that was asked for.
    Encrypted,
    /// No ClientHello was seen, or its name cannot be read.
    #[default]
    Unseen,
}

/// What RFC 6066 §3 forbids in a server name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SniDefect {
    /// An IP literal.
    IpLiteral,
    /// A dot at the end.
    TrailingDot,
    /// A port.
    Port,
    /// Characters that no host name has: not ASCII, control characters, blanks.
    Characters,
}

impl Sni {
    /// What [`state`](Self::state) can be.
    pub const STATES: [&'static str; 4] = ["name", "absent", "encrypted", "unseen"];

    /// A name of these bytes as sent. What is not UTF-8 is kept visible as U+FFFD.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        // ASCII only: Unicode lower-casing would make other names of some (U+212A KELVIN SIGN).
        Self::Name(String::from_utf8_lossy(bytes).to_ascii_lowercase().into())
    }

    /// The visible name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Absent | Self::Encrypted | Self::Unseen => None,
        }
    }

    /// `name`, `absent`, `encrypted` or `unseen`.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Absent => "absent",
            Self::Encrypted => "encrypted",
            Self::Unseen => "unseen",
        }
    }

    /// The host that a visible name means, and what is wrong with how it was written.
    pub fn host(&self) -> Option<(Host, Option<SniDefect>)> {
        let sent = self.name()?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
        if let Some(address) = literal(sent) {
            return Some((Host::Ip(address), Some(SniDefect::IpLiteral)));
        }
        if let Some((host, port)) = sent.rsplit_once(':')
            && port.bytes().all(|byte| byte.is_ascii_digit())
        {
            let host = host.strip_suffix('.').unwrap_or(host);
            let host = literal(host).map_or_else(|| Host::from_lowercase(host), Host::Ip);
            return Some((host, Some(SniDefect::Port)));
        }
        let (host, dot) = sent
            .strip_suffix('.')
            .map_or((sent, None), |host| (host, Some(SniDefect::TrailingDot)));
        let defect = if host.is_empty() || !host.chars().all(is_plain) {
            Some(SniDefect::Characters)
        } else {
            dot
        };
        // A name in Unicode still names its A-label form, so that "where the hosts differ" can be told.
        let ascii = if host.is_ascii() { None } else { idna::domain_to_ascii(host).ok() };
        Some((Host::from_lowercase(ascii.as_deref().unwrap_or(host)), defect))
    }
}

/// An IP literal, with or without brackets.
fn literal(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defects_are_named_and_the_host_is_still_told() {
        let cases = [
            (&b"A.Test"[..], "a.test", None),
            (b"a.test.", "a.test", Some(SniDefect::TrailingDot)),
            (b"192.0.2.1", "192.0.2.1", Some(SniDefect::IpLiteral)),
            (b"[2001:db8::1]", "2001:db8::1", Some(SniDefect::IpLiteral)),
            (b"2001:DB8::1", "2001:db8::1", Some(SniDefect::IpLiteral)),
            (b"::ffff:192.0.2.1", "192.0.2.1", Some(SniDefect::IpLiteral)),
            (b"a.test:443", "a.test", Some(SniDefect::Port)),
            (
                "b\u{fc}cher.example".as_bytes(),
                "xn--bcher-kva.example",
                Some(SniDefect::Characters),
            ),
            (b"a b", "a b", Some(SniDefect::Characters)),
            (b"my_host.test", "my_host.test", None),
        ];
        for (sent, host, defect) in cases {
            let (found, why) = Sni::from_bytes(sent).host().unwrap();
            assert_eq!((found.to_string().as_str(), why), (host, defect), "{sent:?}");
        }
        assert_eq!(Sni::Absent.host(), None);
    }
}
