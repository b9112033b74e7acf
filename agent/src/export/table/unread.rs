//! What could not be read, before anything else: no 421 that was seen is not the same as no 421.

use super::layout::line;
use crate::export::{Summary, unread};
use crate::text::{self, Tone, grid, plural, sanitize};
use std::collections::HashMap;
use wrongdoor_core::explain::correlator::Unread;
use wrongdoor_core::name::CertificateNames;
use wrongdoor_core::observation::Facts;

/// The most rows of handshakes; further ones are counted together.
const MAX_HANDSHAKES: usize = 10_000;
/// The most rows that are shown.
const MAX_ROWS: usize = 25;
/// The most names of a certificate that are shown.
const MAX_NAMES: usize = 3;

/// Connections that could not be read.
#[derive(Debug, Default)]
pub(super) struct NotRead {
    encrypted: u64,
    http3: u64,
    /// What their handshakes show, and how often.
    handshakes: HashMap<UnreadHandshake, HandshakeTally>,
    /// Connections beyond [`MAX_HANDSHAKES`].
    others: u64,
}

/// What connections have in common that are one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct UnreadHandshake {
    server: String,
    sni: String,
}

#[derive(Debug, Default)]
struct HandshakeTally {
    count: u64,
    /// The names in the first certificate that was seen in them.
    certificate: Option<String>,
}

impl NotRead {
    /// A connection that ended.
    pub(super) fn add(&mut self, facts: &Facts) {
        match Unread::of(facts) {
            Some(Unread::Encrypted) => self.encrypted += 1,
            Some(Unread::Http3) => self.http3 += 1,
            None => return,
        }
        let server = facts.server().map_or_else(|| "(unknown)".to_owned(), |end| end.to_string());
        let handshake = UnreadHandshake { server, sni: text::sni(facts) };
        let is_new = !self.handshakes.contains_key(&handshake);
        if is_new && self.handshakes.len() >= MAX_HANDSHAKES {
            self.others += 1;
            return;
        }
        let seen = self.handshakes.entry(handshake).or_default();
        seen.count += 1;
        if seen.certificate.is_none() {
            let certificate = facts.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
            seen.certificate = certificate.map(|known| names(&known.names));
        }
    }

    /// The section, where anything could not be read.
    pub(super) fn render(&self, summary: &Summary, colour: bool, text: &mut String) {
        if !unread::is_any(summary) {
            return;
        }
        line(text, "Not everything could be read, so misdirected requests may be missing here:");
        let mut tell = |count: u64, what: &str, why: &str| {
            if count > 0 {
                line(text, &format!("  {} {why}", plural(count, what)));
            }
        };
        tell(self.encrypted, "encrypted connection", "whose keys are in no --keylog");
        tell(self.http3, "connection", "of QUIC: HTTP/3 is not read");
        tell(summary.unreadable, "exchange", "with an authority that could not be read");
        unread::packets(summary).for_each(|(count, what)| tell(count, "packet", what));
        self.table(colour, text);
    }

    fn table(&self, colour: bool, text: &mut String) {
        if self.handshakes.is_empty() {
            return;
        }
        let mut rows: Vec<_> = self.handshakes.iter().collect();
        rows.sort_by(|(a, x), (b, y)| y.count.cmp(&x.count).then_with(|| a.cmp(b)));
        line(text, "\nWhat the handshakes of these connections show");
        let row = |(handshake, seen): &(&UnreadHandshake, &HandshakeTally)| {
            let cells = [
                sanitize(&handshake.server),
                sanitize(&handshake.sni),
                seen.certificate.clone().unwrap_or_else(|| "(not seen)".to_owned()),
                seen.count.to_string(),
            ];
            (Tone::Warning, cells)
        };
        let shown: Vec<_> = rows.iter().take(MAX_ROWS).map(row).collect();
        text.push_str(&grid(["server", "SNI", "certificate", "count"], &shown, colour));
        let more =
            rows.iter().skip(MAX_ROWS).map(|(_, seen)| seen.count).sum::<u64>() + self.others;
        if more > 0 {
            line(text, &format!("… and {} more", plural(more, "connection")));
        }
    }
}

/// The first names of a certificate.
fn names(certificate: &CertificateNames) -> String {
    let all = certificate.iter().count();
    let mut names: Vec<_> =
        certificate.iter().take(MAX_NAMES).map(|name| sanitize(&name)).collect();
    if all > MAX_NAMES {
        names.push(format!("and {} more", all - MAX_NAMES));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ended;
    use wrongdoor_core::observation::{Decryption, Ends, ServerCertificate};
    use wrongdoor_core::wire::net::Endpoint;

    /// A connection to this port that could not be read.
    fn unread(port: u16) -> Facts {
        let mut names = CertificateNames::default();
        ["a.test", "b.test", "c.test", "evil\u{1b}[2J.test"]
            .iter()
            .for_each(|name| names.add_dns(name));
        let mut facts = (*ended("coalescing").facts).clone();
        let server = Endpoint::v4([192, 0, 2, 1], port);
        facts.ends = facts.ends.map(|ends| Ends { server, ..ends });
        facts.decryption = Decryption::None;
        if let Some(tls) = &mut facts.tls {
            tls.certificate = Some(ServerCertificate::seen(names));
        }
        facts
    }

    fn rendered(not_read: &NotRead, count: u64) -> String {
        let mut text = String::new();
        not_read.render(&Summary { unread: count, ..Summary::default() }, false, &mut text);
        text
    }

    #[test]
    fn handshakes_are_grouped_by_server_and_name_and_bounded() {
        let mut not_read = NotRead::default();
        let ports = MAX_ROWS as u16 + 5;
        (0..ports).for_each(|port| not_read.add(&unread(port)));
        (0..2).for_each(|_| not_read.add(&unread(7)));
        let text = rendered(&not_read, u64::from(ports) + 2);
        assert!(
            text.contains("  32 encrypted connections whose keys are in no --keylog\n"),
            "{text}"
        );
        let row = "| 192.0.2.1:7  | f.test | a.test, b.test, c.test, and 1 more | 3     |\n";
        assert!(text.contains(row), "{text}");
        assert!(text.ends_with("… and 5 connections more\n"), "{text}");
        assert_eq!(text.lines().filter(|line| line.contains("192.0.2.1:")).count(), MAX_ROWS);
    }

    #[test]
    fn where_everything_was_read_there_is_nothing_to_say() {
        let mut not_read = NotRead::default();
        not_read.add(&ended("coalescing").facts);
        assert_eq!(rendered(&not_read, 0), "");
    }
}
