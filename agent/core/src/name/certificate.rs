//! Whether a certificate covers a host (RFC 9525 §6, RFC 9110 §4.3.4).

use super::Host;
use std::net::IpAddr;

/// The most names that are kept of one certificate; a certificate beyond it covers "unknown" for the rest.
pub const MAX_CERTIFICATE_NAMES: usize = 1000;
/// What a SPIFFE ID begins with.
const SPIFFE: &str = "spiffe://";

/// The subjectAltName entries of a certificate that can identify a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames {
    /// DNS-IDs in lower case, as presented: `a.test`, `*.a.test`.
    dns: Vec<Box<str>>,
    ips: Vec<IpAddr>,
    /// A SPIFFE ID is there.
    spiffe: bool,
    truncated: bool,
}

/// Whether the names of a certificate cover a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// A name matches.
    Covered,
    /// All names are known and none matches.
    Uncovered,
    /// None of the names that were kept matches, but there were more.
    Unknown,
}

impl CertificateNames {
    /// Adds a dNSName as presented.
    pub fn add_dns(&mut self, name: &str) {
        if self.has_room() {
            self.dns.push(name.to_ascii_lowercase().into());
        }
    }

    /// Adds an iPAddress.
    pub fn add_ip(&mut self, address: IpAddr) {
        if self.has_room() {
            self.ips.push(address);
        }
    }

    /// Adds a uniformResourceIdentifier. Of these only SPIFFE IDs tell something: they name a workload, never a host.
    pub fn add_uri(&mut self, uri: &str) {
        let scheme = uri.get(..SPIFFE.len());
        self.spiffe |= scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SPIFFE));
    }

    /// How many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        let dns = self.dns.iter().map(|name| size_of_val(name) + name.len());
        size_of::<Self>() + dns.sum::<usize>() + size_of_val(self.ips.as_slice())
    }

    /// Whether it names a workload of a mesh by its SPIFFE ID, and no host.
    pub fn is_workload(&self) -> bool {
        self.spiffe && self.dns.is_empty() && self.ips.is_empty()
    }

    fn has_room(&mut self) -> bool {
        let room = self.dns.len() + self.ips.len() < MAX_CERTIFICATE_NAMES;
        self.truncated |= !room;
        room
    }

    /// Every name as text.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        let ips = self.ips.iter().map(|address| address.to_canonical().to_string());
        self.dns.iter().map(|name| name.to_string()).chain(ips)
    }

    /// Whether the certificate speaks for `host`.
    pub fn covers(&self, host: &Host) -> Coverage {
        let covered = match host {
            // Octet equality, of addresses only: a name that looks like an address does not count.
            Host::Ip(address) => {
                self.ips.iter().any(|presented| presented.to_canonical() == address.to_canonical())
            }
            Host::Name(name) => self.dns.iter().any(|presented| matches(presented, name)),
        };
        match (covered, self.truncated) {
            (true, _) => Coverage::Covered,
            (false, false) => Coverage::Uncovered,
            (false, true) => Coverage::Unknown,
        }
    }
}

/// Whether a presented DNS-ID, in lower case, matches a name in lower case without trailing dot.
fn matches(presented: &str, name: &str) -> bool {
    // Clients ignore a dot at the end on both sides.
    let presented = presented.strip_suffix('.').unwrap_or(presented);
    let Some(parent) = presented.strip_prefix("*.") else {
        return !presented.contains('*') && presented == name;
    };
    // The wildcard is the whole left-most label and stands for exactly one; and, as clients have it,
    // never directly under a top-level domain.
    let Some((label, rest)) = name.split_once('.') else { return false };
    !label.is_empty() && !parent.contains('*') && parent.contains('.') && rest == parent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(presented: &str, name: &str) -> bool {
        let mut names = CertificateNames::default();
        names.add_dns(presented);
        names.covers(&Host::Name(name.into())) == Coverage::Covered
    }

    #[test]
    fn a_wildcard_is_one_whole_label() {
        assert!(covers("*.example.com", "a.example.com"));
        assert!(covers("*.EXAMPLE.com", "a.example.com"));
        assert!(covers("a.example.com.", "a.example.com"));
        for name in ["example.com", "a.b.example.com", ".example.com"] {
            assert!(!covers("*.example.com", name), "{name}");
        }
        for presented in [
            "a*.example.com",
            "*a.example.com",
            "a.*.com",
            "*.*.example.com",
            "*.com",
            "*",
            "xn--*.example.com",
        ] {
            for name in [
                "a.example.com",
                "aa.example.com",
                "a.b.com",
                "a.b.example.com",
                "example.com",
                "xn--a.example.com",
            ] {
                assert!(!covers(presented, name), "{presented} {name}");
            }
        }
    }

    #[test]
    fn addresses_match_addresses_only() {
        let mut names = CertificateNames::default();
        names.add_dns("192.0.2.1");
        names.add_ip("192.0.2.2".parse().unwrap());
        assert_eq!(names.covers(&Host::Ip("192.0.2.1".parse().unwrap())), Coverage::Uncovered);
        assert_eq!(names.covers(&Host::Ip("192.0.2.2".parse().unwrap())), Coverage::Covered);
        assert_eq!(names.covers(&Host::Name("192.0.2.2".into())), Coverage::Uncovered);
    }

    #[test]
    fn names_beyond_the_limit_are_unknown_not_uncovered() {
        let mut names = CertificateNames::default();
        for at in 0..=MAX_CERTIFICATE_NAMES {
            names.add_dns(&format!("n{at}.test"));
        }
        assert_eq!(names.covers(&Host::Name("n1.test".into())), Coverage::Covered);
        assert_eq!(
            names.covers(&Host::Name(format!("n{MAX_CERTIFICATE_NAMES}.test").into())),
            Coverage::Unknown
        );
    }
}
