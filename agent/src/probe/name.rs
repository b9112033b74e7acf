//! The names that are asked for.

use super::tls;
use http::Uri;
use http::uri::PathAndQuery;
use std::borrow::Cow;
use wrongdoor_core::name::{Authority, Host, Sni};

/// The port of https, where none is written.
const HTTPS: u16 = 443;

/// An authority, as it is sent and as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProbeName {
    /// As it is sent.
    pub(crate) raw: String,
    /// What it names.
    pub(crate) host: Host,
    /// The port of its origin, which a client must not share a connection across.
    pub(crate) port: u16,
}

/// Why a text is no name that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAName {
    #[error("is not a host with an optional port, such as `www.example.com`")]
    Malformed,
    #[error("contains userinfo (`…@`), which is not allowed in an https authority")]
    Userinfo,
    #[error("is not a host name that can be sent as SNI")]
    Unsendable,
}

impl ProbeName {
    /// What was typed. What is in Unicode is sent in A-labels; all else is sent as it is.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAName> {
        let authority =
            Authority::parse(text.as_bytes()).map_err(|_malformed| NotAName::Malformed)?;
        if authority.userinfo {
            return Err(NotAName::Userinfo);
        }
        let raw = if authority.idn || text.contains('%') {
            let dot = if authority.dot { "." } else { "" };
            let port = authority.port.map(|port| format!(":{port}")).unwrap_or_default();
            Cow::Owned(format!("{}{dot}{port}", bracketed(&authority.host)))
        } else {
            Cow::Borrowed(text.trim_matches([' ', '\t']))
        };
        let name =
            Self { port: authority.port_or(HTTPS), host: authority.host, raw: raw.into_owned() };
        let can_be_sent = name.uri("/").is_some()
            && name.server_name().is_none_or(|name| tls::is_server_name(&name));
        if can_be_sent { Ok(name) } else { Err(NotAName::Unsendable) }
    }

    /// The SNI of a connection of its own. Addresses have none (RFC 6066 §3).
    pub(crate) fn server_name(&self) -> Option<String> {
        self.host.name().map(str::to_owned)
    }

    /// Its URL with this path.
    pub(crate) fn uri(&self, path: &str) -> Option<Uri> {
        let uri = Uri::builder().scheme("https").authority(self.raw.as_str());
        uri.path_and_query(path).build().ok()
    }
}

/// A server name that was typed by itself, as it is sent: in lower case, without a dot at the end.
pub(crate) fn server_name(text: &str) -> Result<String, NotAName> {
    match Sni::from_bytes(text.as_bytes()).host() {
        Some((Host::Name(name), _)) if tls::is_server_name(&name) => Ok(name.into()),
        _ => Err(NotAName::Unsendable),
    }
}

/// Whether a text can be asked for as a path.
pub(crate) fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.parse::<PathAndQuery>().is_ok_and(|path| path.as_str() == text)
}

fn bracketed(host: &Host) -> String {
    match host {
        Host::Ip(address) if address.is_ipv6() => format!("[{host}]"),
        _ => host.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sent_as_typed_and_handshakes_ask_as_they_may() {
        for (typed, raw, sni, port) in [
            ("One.Probe.Test", "One.Probe.Test", Some("one.probe.test"), 443),
            ("one.probe.test.", "one.probe.test.", Some("one.probe.test"), 443),
            ("one.probe.test:8443", "one.probe.test:8443", Some("one.probe.test"), 8443),
            ("b\u{fc}cher.example", "xn--bcher-kva.example", Some("xn--bcher-kva.example"), 443),
            ("my_host.test", "my_host.test", Some("my_host.test"), 443),
            ("192.0.2.1", "192.0.2.1", None, 443),
            ("[2001:db8::1]:8443", "[2001:db8::1]:8443", None, 8443),
        ] {
            let name = ProbeName::parse(typed).unwrap();
            assert_eq!((name.raw.as_str(), name.port), (raw, port), "{typed}");
            assert_eq!(name.server_name().as_deref(), sni, "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused() {
        for (typed, why) in [
            ("", NotAName::Malformed),
            ("a b", NotAName::Malformed),
            ("https://one.probe.test/", NotAName::Malformed),
            ("user@one.probe.test", NotAName::Userinfo),
            ("*.probe.test", NotAName::Unsendable),
            ("one\u{1b}[2J.test", NotAName::Malformed),
        ] {
            assert_eq!(ProbeName::parse(typed), Err(why), "{typed}");
        }
        assert_eq!(server_name("One.Probe.Test.").unwrap(), "one.probe.test");
        for typed in ["192.0.2.1", "[::1]", "", "*", "a b"] {
            assert_eq!(server_name(typed), Err(NotAName::Unsendable), "{typed}");
        }
    }
}
