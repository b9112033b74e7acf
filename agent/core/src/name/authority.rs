//! Authorities: `host[:port]` as a request carries it, and as it is compared.

use super::Host;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

/// The longest authority that is normalised, in bytes; a longer one is [`Malformed`].
pub const MAX_AUTHORITY: usize = 1024;

/// Stands for a user and a password.
const MASK: &[u8] = b"***";

/// An authority after normalisation (RFC 3986 §3.2, RFC 9110 §4.2), for comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host, without trailing dot.
    pub host: Host,
    /// The port that was written, if any, even where it is the scheme's default.
    pub port: Option<u16>,
    /// The host was written with one trailing dot.
    pub dot: bool,
    /// It was written with userinfo, which http and https forbid.
    pub userinfo: bool,
    /// It was written in Unicode; on the wire it should be A-labels.
    pub idn: bool,
}

/// What is written there is not an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Authority {
    /// Normalises an authority as sent.
    pub fn parse(raw: &[u8]) -> Result<Self, Malformed> {
        if raw.len() > MAX_AUTHORITY {
            return Err(Malformed);
        }
        let text =
            std::str::from_utf8(raw).map_err(|_not_utf8| Malformed)?.trim_matches([' ', '\t']);
        let (text, userinfo) =
            text.rsplit_once('@').map_or((text, false), |(_, host)| (host, true));
        if let Some(bracketed) = text.strip_prefix('[') {
            let (literal, port) = bracketed.split_once(']').ok_or(Malformed)?;
            let port = match port.strip_prefix(':') {
                Some(digits) => parse_port(digits)?,
                None if port.is_empty() => None,
                None => return Err(Malformed),
            };
            return Ok(Self {
                host: bracketed_host(literal)?,
                port,
                dot: false,
                userinfo,
                idn: false,
            });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, digits)) => (host, parse_port(digits)?),
            None => (text, None),
        };
        let decoded = percent_decode_unreserved(host)?;
        let (ascii, idn) = to_ascii(&decoded)?;
        let (ascii, dot) = ascii.strip_suffix('.').map_or((&*ascii, false), |host| (host, true));
        if ascii.split('.').any(str::is_empty) || !ascii.chars().all(is_host_character) {
            return Err(Malformed);
        }
        Ok(Self {
            host: Host::from_lowercase(&ascii.to_ascii_lowercase()),
            port,
            dot,
            userinfo,
            idn,
        })
    }

    /// The port, or the scheme's default.
    pub fn port_or(&self, default: u16) -> u16 {
        self.port.unwrap_or(default)
    }
}

/// The same without user and password, which are secrets: `***@a.test`.
pub(crate) fn without_userinfo(raw: &[u8]) -> Cow<'_, [u8]> {
    let at = raw.iter().rposition(|&byte| byte == b'@');
    match at.and_then(|at| raw.get(at..)) {
        Some(host) => Cow::Owned([MASK, host].concat()),
        None => Cow::Borrowed(raw),
    }
}

/// Digits only; empty means the default.
fn parse_port(digits: &str) -> Result<Option<u16>, Malformed> {
    if digits.is_empty() {
        return Ok(None);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    digits.parse().map(Some).map_err(|_too_large| Malformed)
}

fn bracketed_host(literal: &str) -> Result<Host, Malformed> {
    // A zone (RFC 6874) means something on the sender only.
    let address = literal.split_once('%').map_or(literal, |(address, _zone)| address);
    if let Ok(address) = address.parse::<Ipv6Addr>() {
        return Ok(Host::Ip(IpAddr::from(address).to_canonical()));
    }
    // IPvFuture (RFC 3986 §3.2.2): "v" hexadecimal "." anything.
    let future = literal.to_ascii_lowercase();
    let (version, rest) =
        future.strip_prefix('v').and_then(|text| text.split_once('.')).ok_or(Malformed)?;
    let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_address = !rest.is_empty() && rest.chars().all(|c| is_host_character(c) || c == ':');
    if is_version && is_address { Ok(Host::Name(future.into())) } else { Err(Malformed) }
}

/// `%41` is `A`; what is not an unreserved character or part of a UTF-8 name is malformed in a host.
fn percent_decode_unreserved(host: &str) -> Result<Cow<'_, str>, Malformed> {
    if !host.contains('%') {
        return Ok(Cow::Borrowed(host));
    }
    let mut decoded = Vec::with_capacity(host.len());
    let mut rest = host.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let (digits, tail) = tail.split_first_chunk::<2>().ok_or(Malformed)?;
        let digits = std::str::from_utf8(digits).map_err(|_not_utf8| Malformed)?;
        let value = u8::from_str_radix(digits, 16).map_err(|_not_hex| Malformed)?;
        let unreserved = value.is_ascii_alphanumeric()
            || matches!(value, b'-' | b'.' | b'_' | b'~')
            || value >= 0x80;
        if !unreserved {
            return Err(Malformed);
        }
        decoded.push(value);
        rest = tail;
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_not_utf8| Malformed)
}

/// A-labels; true where the name was in Unicode.
fn to_ascii(host: &str) -> Result<(Cow<'_, str>, bool), Malformed> {
    if host.is_ascii() {
        return Ok((Cow::Borrowed(host), false));
    }
    let ascii = idna::domain_to_ascii(host).map_err(|_not_a_name| Malformed)?;
    Ok((Cow::Owned(ascii), true))
}

/// The characters of a `reg-name` (RFC 3986 §3.2.2) less percent: unreserved and sub-delims.
fn is_host_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(raw: &str) -> Option<(String, u16, String)> {
        let parsed = Authority::parse(raw.as_bytes()).ok()?;
        let mut flags = String::new();
        for (set, flag) in [(parsed.dot, "dot"), (parsed.userinfo, "userinfo"), (parsed.idn, "idn")]
        {
            flags.push_str(if set { flag } else { "" });
        }
        Some((parsed.host.to_string(), parsed.port_or(443), flags))
    }

    #[test]
    fn equal_hosts_compare_equal_however_they_are_written() {
        let cases = [
            ("Example.COM", "example.com", 443, ""),
            ("example.com:443", "example.com", 443, ""),
            ("example.com:", "example.com", 443, ""),
            ("example.com.", "example.com", 443, "dot"),
            ("example.com.:8443", "example.com", 8443, "dot"),
            ("[2001:DB8::1]:443", "2001:db8::1", 443, ""),
            ("[2001:db8:0:0::1]", "2001:db8::1", 443, ""),
            ("[::ffff:192.0.2.7]", "192.0.2.7", 443, ""),
            ("192.0.2.7", "192.0.2.7", 443, ""),
            ("user@example.com", "example.com", 443, "userinfo"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example", 443, "idn"),
            ("b%C3%BCcher.example", "xn--bcher-kva.example", 443, "idn"),
            ("ex%61mple.com", "example.com", 443, ""),
            (" example.com\t", "example.com", 443, ""),
            ("0x7f.1", "0x7f.1", 443, ""),
            ("my_host", "my_host", 443, ""),
        ];
        for (raw, host, port, flags) in cases {
            assert_eq!(normal(raw), Some((host.into(), port, flags.into())), "{raw}");
        }
    }

    #[test]
    fn user_and_password_are_masked_whatever_they_contain() {
        for (raw, shown) in [
            ("a.test:443", "a.test:443"),
            ("alice@a.test", "***@a.test"),
            ("alice:secret@a.test:443", "***@a.test:443"),
            ("alice:s@cret@a..test", "***@a..test"),
            ("@a.test", "***@a.test"),
            ("alice:secret@", "***@"),
        ] {
            let masked = without_userinfo(raw.as_bytes());
            assert_eq!(String::from_utf8_lossy(&masked), shown, "{raw}");
        }
        assert_eq!(&*without_userinfo(&[&[0xff; 2000][..], b"@a.test"].concat()), b"***@a.test");
    }

    #[test]
    fn what_is_no_authority_is_malformed() {
        for raw in [
            "a..b", "", "a:b:c", "a:99999", ".a", ".", "a b", "a/b", "[::1", "[::1]x", "[zz]",
            "a%2fb", "a%zz", "..", "::1",
        ] {
            assert_eq!(Authority::parse(raw.as_bytes()), Err(Malformed), "{raw}");
        }
        assert_eq!(Authority::parse(&[0xff, b'a']), Err(Malformed));
        // Two notations of one address are one host.
        let mapped = Authority::parse(b"[::ffff:192.0.2.1]").unwrap().host;
        assert_eq!(mapped, Authority::parse(b"192.0.2.1").unwrap().host);
        // U+212A KELVIN SIGN is mapped by UTS #46 and flagged, never silently lower-cased.
        assert!(Authority::parse("\u{212a}.test".as_bytes()).unwrap().idn);
    }
}
