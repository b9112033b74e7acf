//! ClientHello: the name that the client asked for, and how it asked.

use super::TlsVersion;
use super::alpn::AlpnOffer;
use super::extension::{self, walk};
use super::keylog::{KeyLog, Label};
use crate::name::Sni;
use crate::wire::reader::Reader;
use tls_parser::parse_tls_handshake_client_hello;

/// The longest `server_name` that is kept, in bytes. DNS ends at 253.
pub const MAX_SERVER_NAME: usize = 1024;

/// What one ClientHello says (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The 32 bytes that key logs and trace ids know this connection by.
    pub random: [u8; 32],
    /// The highest version offered that is not GREASE.
    pub version: TlsVersion,
    /// `legacy_session_id`, which TLS 1.2 resumes by.
    pub session_id: Vec<u8>,
    /// The `server_name` extension.
    pub server_name: ServerName,
    /// The protocols offered in ALPN.
    pub alpn: AlpnOffer,
    /// The `encrypted_client_hello` extension is there: real or GREASE, which cannot be told apart.
    pub ech: bool,
    /// A pre-shared key, or a session ticket that is not empty, was offered.
    pub offers_resumption: bool,
    /// Application data may follow before the server answers.
    pub early_data: bool,
    /// Extensions that could not be read, or an extension block whose lengths do not add up.
    pub malformed_extensions: u16,
}

/// The `server_name` extension as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// No extension, or one that holds no host name.
    Absent,
    /// The bytes of the one host name, as sent.
    Name(Vec<u8>),
    /// The extension is there but breaks RFC 6066: several names, none of any length, or broken lengths.
    Malformed,
}

impl ClientHello {
    /// The server name that the client asks for. Where the keys hold a secret of an Encrypted ClientHello, the extension
    /// is real and the visible name is not the one; without that it may be GREASE.
    pub fn sni(&self, keys: &KeyLog) -> Sni {
        let secrets = keys.secrets(&self.random);
        let ech_is_real = secrets.is_some_and(|secrets| secrets.get(Label::Ech).is_some());
        match &self.server_name {
            _ if self.ech && ech_is_real => Sni::Encrypted,
            ServerName::Name(name) => Sni::from_bytes(name),
            ServerName::Absent => Sni::Absent,
            ServerName::Malformed => Sni::Unseen,
        }
    }

    /// Reads the body of a handshake message of type `client_hello`; `None` where it is not one.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let (behind, sent) = parse_tls_handshake_client_hello(body).ok()?;
        // The parser accepts empty lists, which no TLS stack sends.
        if sent.ciphers.is_empty() || sent.comp.is_empty() {
            return None;
        }
        let mut hello = Self {
            random: sent.random.try_into().ok()?,
            version: TlsVersion(sent.version.0),
            session_id: sent.session_id.unwrap_or_default().to_vec(),
            server_name: ServerName::Absent,
            alpn: AlpnOffer::default(),
            ech: false,
            offers_resumption: false,
            early_data: false,
            malformed_extensions: 0,
        };
        // The extensions are walked here: the parser's own list ends, without an error, at the first that is malformed.
        let (block, whole) = match sent.ext {
            Some(block) => (block, behind.is_empty()),
            // Before TLS 1.2, a hello may end here.
            None if behind.is_empty() => return Some(hello),
            None => (behind.get(2..).unwrap_or_default(), false),
        };
        let mut name_extensions = 0;
        let whole = walk(block, |kind, content| {
            name_extensions += u32::from(kind == extension::SERVER_NAME);
            if hello.extension(kind, content).is_none() {
                hello.malformed_extensions = hello.malformed_extensions.saturating_add(1);
            }
        }) && whole;
        if name_extensions > 1 {
            hello.server_name = ServerName::Malformed;
            hello.malformed_extensions = hello.malformed_extensions.saturating_add(1);
        }
        if !whole {
            hello.malformed_extensions = hello.malformed_extensions.saturating_add(1);
            // The name may stand in what could not be walked.
            if hello.server_name == ServerName::Absent {
                hello.server_name = ServerName::Malformed;
            }
        }
        Some(hello)
    }

    fn extension(&mut self, kind: u16, content: &[u8]) -> Option<()> {
        match kind {
            extension::SERVER_NAME => {
                self.server_name = ServerName::parse(content);
                (self.server_name != ServerName::Malformed).then_some(())
            }
            extension::ALPN => {
                let (offer, is_whole) = AlpnOffer::parse(content);
                self.alpn = offer;
                is_whole.then_some(())
            }
            extension::SUPPORTED_VERSIONS => {
                let mut list = Reader::new(Reader::new(content).vec8()?);
                let mut best = None;
                while !list.is_empty() {
                    let version = TlsVersion(list.u16()?);
                    best = best.max(version.name().map(|_| version));
                }
                self.version = best?;
                Some(())
            }
            extension::PRE_SHARED_KEY => {
                self.offers_resumption = true;
                Some(())
            }
            extension::SESSION_TICKET => {
                self.offers_resumption |= !content.is_empty();
                Some(())
            }
            extension::EARLY_DATA => {
                self.early_data = true;
                Some(())
            }
            extension::ENCRYPTED_CLIENT_HELLO => {
                self.ech = true;
                Some(())
            }
            _ => Some(()),
        }
    }
}

impl ServerName {
    /// Reads a `ServerNameList` (RFC 6066 §3).
    fn parse(content: &[u8]) -> Self {
        Self::parse_list(content).unwrap_or(Self::Malformed)
    }

    fn parse_list(content: &[u8]) -> Option<Self> {
        let mut outer = Reader::new(content);
        let mut list = Reader::new(outer.vec16()?);
        let mut name = Self::Absent;
        while !list.is_empty() {
            let kind = list.u8()?;
            let bytes = list.vec16()?;
            // Only host_name(0) was ever defined; other types are passed over.
            if kind == 0 {
                if name != Self::Absent || bytes.is_empty() || bytes.len() > MAX_SERVER_NAME {
                    return None;
                }
                name = Self::Name(bytes.to_vec());
            }
        }
        outer.is_empty().then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend((content.len() as u16).to_be_bytes());
        bytes.extend(content);
        bytes
    }

    fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 1, 1, 0]);
        let block = extensions.concat();
        body.extend((block.len() as u16).to_be_bytes());
        body.extend(block);
        body
    }

    fn sni(name: &[u8]) -> Vec<u8> {
        let mut entry = vec![0];
        entry.extend((name.len() as u16).to_be_bytes());
        entry.extend(name);
        let mut list = (entry.len() as u16).to_be_bytes().to_vec();
        list.extend(entry);
        extension(0, &list)
    }

    #[test]
    fn name_alpn_and_versions_are_read() {
        let parsed = ClientHello::parse(&hello(&[
            sni(b"A.test"),
            extension(16, b"\x00\x0c\x02h2\x08http/1.1"),
            extension(43, b"\x06\x7a\x7a\x03\x04\x03\x03"),
            extension(0xfe0d, b"\x00"),
        ]))
        .unwrap();
        assert_eq!(parsed.server_name, ServerName::Name(b"A.test".to_vec()));
        assert_eq!(parsed.alpn, ["h2", "http/1.1"].into_iter().collect());
        assert_eq!((parsed.version, parsed.ech), (TlsVersion::TLS1_3, true));
        assert_eq!(parsed.malformed_extensions, 0);
    }

    #[test]
    fn a_malformed_extension_leaves_the_others() {
        let parsed =
            ClientHello::parse(&hello(&[extension(16, b"\x00\x09\x02h"), sni(b"a.test")])).unwrap();
        assert_eq!(parsed.server_name, ServerName::Name(b"a.test".to_vec()));
        assert_eq!(parsed.malformed_extensions, 1);
    }

    #[test]
    fn a_name_that_breaks_the_rfc_is_malformed_and_never_absent() {
        for content in [
            &b"\x00\x03\x00\x00\x00"[..],
            b"\x00\x09\x00\x00\x01a\x00\x00\x01b",
            b"\x00\x05\x00\x00\x09ab",
            b"",
        ] {
            let parsed = ClientHello::parse(&hello(&[extension(0, content)])).unwrap();
            assert_eq!(parsed.server_name, ServerName::Malformed, "{content:?}");
        }
        let twice = ClientHello::parse(&hello(&[sni(b"a"), sni(b"b")])).unwrap();
        assert_eq!(twice.server_name, ServerName::Malformed);
    }

    #[test]
    fn a_block_that_breaks_off_cannot_prove_that_there_is_no_name() {
        let mut body = hello(&[extension(16, b"\x00\x03\x02h2"), extension(0xff, b"")]);
        let end = body.len();
        body[end - 1] = 9;
        let parsed = ClientHello::parse(&body).unwrap();
        assert_eq!(parsed.server_name, ServerName::Malformed);
        assert_eq!(parsed.alpn, ["h2"].into_iter().collect());
    }

    #[test]
    fn a_hello_without_extensions_has_no_name() {
        let body = hello(&[]);
        assert_eq!(
            ClientHello::parse(&body[..body.len() - 2]).unwrap().server_name,
            ServerName::Absent
        );
    }

    #[test]
    fn no_prefix_panics_or_claims_absence_of_a_name_that_is_there() {
        let body = hello(&[extension(16, b"\x00\x03\x02h2"), sni(b"a.test")]);
        // A hello that ends where its extensions would begin is whole.
        let without_extensions = 41;
        for end in 0..body.len() {
            if let Some(parsed) = ClientHello::parse(&body[..end]) {
                assert_eq!(
                    parsed.server_name == ServerName::Absent,
                    end == without_extensions,
                    "{end}"
                );
            }
        }
    }
}
