//! TLS made by hand, as far as it is in the clear.

/// A record.
pub fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3];
    bytes.extend_from_slice(&u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A handshake message.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(vec24(body));
    bytes
}

/// A ClientHello message for TLS 1.2 with this random, and this server name if there is one.
pub fn client_hello(random: [u8; 32], sni: Option<&str>) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend_from_slice(&random);
    body.extend_from_slice(&[0, 0, 2, 0xc0, 0x2b, 1, 0]);
    let mut extensions = Vec::new();
    if let Some(sni) = sni {
        let name = [&[0][..], &vec16(sni.as_bytes())].concat();
        extensions.extend_from_slice(&[0, 0]);
        extensions.extend(vec16(&vec16(&name)));
    }
    body.extend(vec16(&extensions));
    message(1, &body)
}

/// A ClientHello message for TLS 1.3 with this random, and this server name if there is one.
pub fn client_hello_13(random: [u8; 32], sni: Option<&str>) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend_from_slice(&random);
    body.extend_from_slice(&[0, 0, 2, 0x13, 1, 1, 0]);
    // supported_versions: 1.3 only.
    let mut extensions = vec![0, 43, 0, 3, 2, 3, 4];
    if let Some(sni) = sni {
        let name = [&[0][..], &vec16(sni.as_bytes())].concat();
        extensions.extend_from_slice(&[0, 0]);
        extensions.extend(vec16(&vec16(&name)));
    }
    body.extend(vec16(&extensions));
    message(1, &body)
}

/// A ServerHello message for TLS 1.3 with AES-128-GCM.
pub fn server_hello_13(random: [u8; 32]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend_from_slice(&random);
    body.extend_from_slice(&[0, 0x13, 1, 0]);
    body.extend(vec16(&[0, 43, 0, 2, 3, 4]));
    message(2, &body)
}

/// An EncryptedExtensions message that chooses a protocol.
pub fn encrypted_extensions(alpn: &str) -> Vec<u8> {
    let len = u8::try_from(alpn.len()).unwrap_or(u8::MAX);
    let protocols = vec16(&[&[len][..], alpn.as_bytes()].concat());
    let extension = [&[0, 16][..], &vec16(&protocols)].concat();
    message(8, &vec16(&extension))
}

/// A Certificate message of TLS 1.3 with one certificate.
pub fn certificate_13(der: &[u8]) -> Vec<u8> {
    let entry = [&vec24(der)[..], &[0, 0]].concat();
    message(11, &[&[0][..], &vec24(&entry)].concat())
}

/// A ServerHello message for TLS 1.2.
pub fn server_hello(random: [u8; 32]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend_from_slice(&random);
    body.extend_from_slice(&[0, 0xc0, 0x2b, 0, 0, 0]);
    message(2, &body)
}

/// A Certificate message of TLS 1.2 with one certificate.
pub fn certificate(der: &[u8]) -> Vec<u8> {
    message(11, &vec24(&vec24(der)))
}

/// A PROXY protocol header, version 2, that names an IPv4 client.
pub fn proxy_v2(client: std::net::SocketAddrV4, server: std::net::SocketAddrV4) -> Vec<u8> {
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    bytes.extend_from_slice(&client.ip().octets());
    bytes.extend_from_slice(&server.ip().octets());
    bytes.extend_from_slice(&client.port().to_be_bytes());
    bytes.extend_from_slice(&server.port().to_be_bytes());
    bytes
}

fn vec16(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&len.to_be_bytes()[..], bytes].concat()
}

fn vec24(bytes: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[a, b, c][..], bytes].concat()
}
