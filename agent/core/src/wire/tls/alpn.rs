//! The protocols that a client offers in ALPN (RFC 7301 §3.1).

use crate::name::mesh;
use crate::wire::reader::Reader;
use std::sync::Arc;

/// The name of `wrongdoor probe`: its product in `User-Agent`, and a protocol that it offers in ALPN behind the one that
/// it speaks, so that agents know its handshakes too.
pub const PROBE: &str = "wrongdoor-probe";
/// The most ALPN protocols that are kept of one hello.
pub const MAX_ALPN: usize = 16;
/// The most bytes of them.
pub const MAX_ALPN_BYTES: usize = 256;

/// The protocols that one ClientHello offers, in its order; none where it has no such extension. Bytes that are not UTF-8
/// are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlpnOffer(Arc<[Box<str>]>);

impl AlpnOffer {
    /// The content of the extension; what was read of one that is malformed, and false.
    pub(super) fn parse(content: &[u8]) -> (Self, bool) {
        let mut protocols = Vec::new();
        let is_whole = Self::read(content, &mut protocols).is_some();
        (Self(protocols.into()), is_whole)
    }

    fn read(content: &[u8], protocols: &mut Vec<Box<str>>) -> Option<()> {
        let mut list = Reader::new(Reader::new(content).vec16()?);
        let mut left = MAX_ALPN_BYTES;
        while !list.is_empty() {
            let protocol = String::from_utf8_lossy(list.vec8()?);
            if protocols.len() < MAX_ALPN
                && let Some(rest) = left.checked_sub(protocol.len())
            {
                left = rest;
                protocols.push(protocol.into());
            }
        }
        Some(())
    }

    /// Each protocol.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|protocol| &**protocol)
    }

    /// Whether HTTP over TCP is among them.
    pub fn has_http(&self) -> bool {
        self.iter().any(|protocol| protocol == "h2" || protocol.starts_with("http/1."))
    }

    /// Whether there are some, and only a mesh speaks each of them.
    pub fn is_mesh_only(&self) -> bool {
        !self.0.is_empty() && self.iter().all(mesh::is_protocol)
    }

    /// Whether `wrongdoor probe` offers them.
    pub fn is_probe(&self) -> bool {
        self.iter().any(|protocol| protocol == PROBE)
    }
}

impl FromIterator<&'static str> for AlpnOffer {
    fn from_iter<I: IntoIterator<Item = &'static str>>(protocols: I) -> Self {
        Self(protocols.into_iter().map(Box::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer<const N: usize>(protocols: [&'static str; N]) -> AlpnOffer {
        protocols.into_iter().collect()
    }

    #[test]
    fn what_is_offered_says_who_asks() {
        let browser = offer(["h2", "http/1.1"]);
        assert!(browser.has_http() && !browser.is_mesh_only() && !browser.is_probe());
        assert!(!offer(["h3", "imap"]).has_http());
        assert!(offer(["istio-http/1.1", "istio"]).is_mesh_only());
        assert!(!offer(["istio-http/1.1", "istio", "http/1.1"]).is_mesh_only());
        assert!(!offer([]).is_mesh_only());
        assert!(offer(["h2", "wrongdoor-probe"]).is_probe());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let protocol = [&[200][..], &[0xff; 200]].concat();
        let list = [protocol.repeat(9), b"\x02h2".to_vec()].concat();
        let content = [&(list.len() as u16).to_be_bytes()[..], &list].concat();
        // As text, each byte is three.
        assert_eq!(AlpnOffer::parse(&content), (offer(["h2"]), true));
    }

    #[test]
    fn a_list_that_breaks_off_has_what_came_before() {
        let (read, is_whole) = AlpnOffer::parse(b"\x00\x06\x02h2\x09ab");
        assert_eq!((read, is_whole), (offer(["h2"]), false));
        let (read, is_whole) = AlpnOffer::parse(b"\x00\x06\x02h2\x02\xffx");
        assert_eq!((read.iter().collect::<Vec<_>>(), is_whole), (vec!["h2", "\u{fffd}x"], true));
    }
}
