//! The PROXY protocol, versions 1 and 2: who the client really is, in front of everything else.
//!
//! Source: <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>.

use crate::wire::reader::Reader;
use std::net::{IpAddr, SocketAddr};

const V1: &[u8] = b"PROXY ";
const V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest version 1 header, with its CRLF (§2.1).
const MAX_V1: usize = 107;
/// The longest version 2 header that is accepted: its addresses and 4 KiB of extensions.
const MAX_V2: usize = 16 + 4096;

/// A header in front of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProxyHeader {
    /// Not whole yet.
    NeedMore,
    /// Whole: its length, and the client that it names.
    Whole(usize, Option<SocketAddr>),
    /// It begins like one and is none.
    Malformed,
}

/// Whether the bytes begin a header.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(V1) || bytes.starts_with(V2)
}

/// Whether the bytes are too few to tell.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    [V1, V2].iter().any(|signature| bytes.len() < signature.len() && signature.starts_with(bytes))
}

/// Reads the header in front.
pub(super) fn parse(bytes: &[u8]) -> ProxyHeader {
    if bytes.starts_with(V2) { v2(bytes) } else { v1(bytes) }
}

fn v1(bytes: &[u8]) -> ProxyHeader {
    let Some(end) = bytes.windows(2).take(MAX_V1).position(|pair| pair == b"\r\n") else {
        return if bytes.len() < MAX_V1 { ProxyHeader::NeedMore } else { ProxyHeader::Malformed };
    };
    let line = std::str::from_utf8(bytes.get(..end).unwrap_or_default()).unwrap_or_default();
    let mut words = line.split(' ').skip(1);
    let client = match words.next() {
        Some("TCP4" | "TCP6") => {
            let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
            let port = words.nth(1).and_then(|word| word.parse::<u16>().ok());
            let Some(client) = address.zip(port) else { return ProxyHeader::Malformed };
            Some(SocketAddr::from(client))
        }
        Some("UNKNOWN") => None,
        _ => return ProxyHeader::Malformed,
    };
    ProxyHeader::Whole(end + 2, client)
}

fn v2(bytes: &[u8]) -> ProxyHeader {
    let mut reader = Reader::new(bytes);
    let fields = (reader.skip(V2.len()), reader.u8(), reader.u8(), reader.u16());
    let (Some(()), Some(command), Some(family), Some(len)) = fields else {
        return ProxyHeader::NeedMore;
    };
    let whole = 16 + usize::from(len);
    if command >> 4 != 2 || command & 0xf > 1 || whole > MAX_V2 {
        return ProxyHeader::Malformed;
    }
    let Some(addresses) = reader.take(usize::from(len)) else { return ProxyHeader::NeedMore };
    // LOCAL (0) is the proxy itself speaking; only stream families (low nibble 1) have a client.
    let client = if command & 0xf == 1 { client_v2(family, Reader::new(addresses)) } else { None };
    ProxyHeader::Whole(whole, client)
}

fn client_v2(family: u8, mut addresses: Reader<'_>) -> Option<SocketAddr> {
    let ip = match family {
        0x11 => {
            let ip: IpAddr = addresses.array::<4>()?.into();
            addresses.skip(4)?;
            ip
        }
        0x21 => {
            let ip: IpAddr = addresses.array::<16>()?.into();
            addresses.skip(16)?;
            ip
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, addresses.u16()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_name_the_client() {
        let v1 = b"PROXY TCP6 2001:db8::1 2001:db8::2 50000 443\r\nGET /";
        assert_eq!(parse(v1), ProxyHeader::Whole(46, Some("[2001:db8::1]:50000".parse().unwrap())));
        assert_eq!(parse(b"PROXY UNKNOWN whatever\r\n"), ProxyHeader::Whole(24, None));
        let v2 = [
            &V2[..],
            &[0x21, 0x11, 0, 15, 192, 0, 2, 1, 192, 0, 2, 2, 0xc3, 0x50, 1, 0xbb, 4, 0, 0],
        ]
        .concat();
        assert_eq!(parse(&v2), ProxyHeader::Whole(31, Some("192.0.2.1:50000".parse().unwrap())));
        let local = [&V2[..], &[0x20, 0, 0, 0]].concat();
        assert_eq!(parse(&local), ProxyHeader::Whole(16, None));
    }

    #[test]
    fn every_prefix_waits_and_noise_is_malformed() {
        let v2 = [&V2[..], &[0x21, 0x11, 0, 12, 192, 0, 2, 1, 192, 0, 2, 2, 0xc3, 0x50, 1, 0xbb]]
            .concat();
        for whole in [&v2[..], b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n"] {
            for end in 6..whole.len() {
                assert!(
                    may_begin(&whole[..end]) || parse(&whole[..end]) == ProxyHeader::NeedMore,
                    "{end}"
                );
            }
        }
        assert_eq!(parse(b"PROXY TCP4 nowhere 192.0.2.2 5 6\r\n"), ProxyHeader::Malformed);
        assert_eq!(parse(&[b'P'; 200]), ProxyHeader::Malformed);
    }
}
