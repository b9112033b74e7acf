//! Key logs: TLS secrets that a client or server wrote down (RFC 9850).

use hashbrown::HashMap;

/// The most connections whose secrets are held, about 300 bytes each; more are counted and left out.
pub const MAX_CONNECTIONS: usize = 200_000;
/// The longest line that is read as one entry: a label, 32 and 64 bytes in hexadecimal, and slack.
const MAX_LINE: usize = 512;

/// Which secret a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// TLS 1.2 and before: the master secret (`CLIENT_RANDOM`).
    Master,
    /// TLS 1.3 early data.
    ClientEarly,
    /// TLS 1.3 client handshake traffic.
    ClientHandshake,
    /// TLS 1.3 server handshake traffic.
    ServerHandshake,
    /// TLS 1.3 client application traffic, first generation.
    ClientTraffic,
    /// TLS 1.3 server application traffic, first generation.
    ServerTraffic,
    /// The ECH shared secret: proof that this hello's ECH is real.
    Ech,
}

/// A secret of at most 64 bytes. Never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret {
    bytes: [u8; 64],
    len: u8,
}

/// The secrets of connections, by client random.
#[derive(Clone, Debug, Default)]
pub struct KeyLog {
    connections: HashMap<[u8; 32], Secrets, foldhash::fast::RandomState>,
    /// Lines that are neither comment nor entry.
    pub malformed_lines: u64,
    /// Connections left out at [`MAX_CONNECTIONS`].
    pub dropped_connections: u64,
}

/// The secrets of one connection.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    entries: Vec<(Label, Secret)>,
}

impl KeyLog {
    /// Adds every entry of `text`; unknown labels and comments are passed over.
    pub fn add(&mut self, text: &[u8]) {
        for line in text.split(|&byte| byte == b'\n') {
            self.add_line(line.trim_ascii());
        }
    }

    fn add_line(&mut self, line: &[u8]) {
        if line.is_empty() || line.starts_with(b"#") {
            return;
        }
        match parse_line(line) {
            Some(Line::Entry(random, label, secret)) => {
                if self.connections.len() >= MAX_CONNECTIONS
                    && !self.connections.contains_key(&random)
                {
                    self.dropped_connections += 1;
                    return;
                }
                let secrets = self.connections.entry(random).or_default();
                // The first one stays: a second secret for the same use is not ours to weigh.
                if secrets.get(label).is_none() {
                    secrets.entries.push((label, secret));
                }
            }
            Some(Line::UnknownLabel) => {}
            None => self.malformed_lines += 1,
        }
    }

    /// What is known of the connection with this client random.
    pub fn secrets(&self, client_random: &[u8; 32]) -> Option<&Secrets> {
        self.connections.get(client_random)
    }

    /// Whether there is nothing to decrypt with.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }
}

impl Secrets {
    /// The secret for one use.
    pub fn get(&self, label: Label) -> Option<&Secret> {
        self.entries.iter().find(|(known, _)| *known == label).map(|(_, secret)| secret)
    }
}

impl Secret {
    /// A secret of these bytes; `None` if there are more than 64.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self { bytes: [0; 64], len: u8::try_from(bytes.len()).ok()? };
        secret.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(secret)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({} bytes)", self.len)
    }
}

enum Line {
    Entry([u8; 32], Label, Secret),
    UnknownLabel,
}

fn parse_line(line: &[u8]) -> Option<Line> {
    if line.len() > MAX_LINE {
        return None;
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (label, random, secret) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let label = match label {
        b"CLIENT_RANDOM" => Label::Master,
        b"CLIENT_EARLY_TRAFFIC_SECRET" => Label::ClientEarly,
        b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Label::ClientHandshake,
        b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Label::ServerHandshake,
        b"CLIENT_TRAFFIC_SECRET_0" => Label::ClientTraffic,
        b"SERVER_TRAFFIC_SECRET_0" => Label::ServerTraffic,
        b"ECH_SECRET" => Label::Ech,
        _ => {
            let known_form = label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
            return known_form.then_some(Line::UnknownLabel);
        }
    };
    let mut client_random = [0; 32];
    let mut bytes = [0; 64];
    if hex(random, &mut client_random)? != 32 {
        return None;
    }
    let len = hex(secret, &mut bytes)?;
    let secret = bytes.get(..len).filter(|bytes| !bytes.is_empty()).and_then(Secret::new)?;
    Some(Line::Entry(client_random, label, secret))
}

/// Decodes hexadecimal into the front of `out`; how many bytes that were.
fn hex(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let (pairs, odd) = text.as_chunks::<2>();
    if !odd.is_empty() || pairs.len() > out.len() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (slot, [high, low]) in out.iter_mut().zip(pairs) {
        *slot = digit(*high)? << 4 | digit(*low)?;
    }
    Some(pairs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_comments_and_noise_are_told_apart() {
        let random = "ab".repeat(32);
        let mut log = KeyLog::default();
        log.add(
            format!("# by hand\r\n\r\nCLIENT_RANDOM {random} {}\r\n", "0F".repeat(48)).as_bytes(),
        );
        log.add(
            format!("EXPORTER_SECRET {random} 00\nCLIENT_RANDOM {random} zz\nCLIENT_RANDOM\n")
                .as_bytes(),
        );
        let secrets = log.secrets(&[0xab; 32]).unwrap();
        assert_eq!(secrets.get(Label::Master).unwrap().as_bytes(), [0x0f; 48]);
        assert_eq!(secrets.get(Label::ClientTraffic), None);
        assert_eq!(log.malformed_lines, 2);
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new(&[1; 48]).unwrap()), "Secret(48 bytes)");
    }
}
