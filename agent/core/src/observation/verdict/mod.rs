//! Whether a request belonged on its connection: legality, whatever the status says.

use super::{Facts, OriginSet, Tls};
use crate::http::HttpVersion;
use crate::name::{
    Authority, AuthorityDefect, CertificateNames, Coverage, Host, RequestAuthority, Sni,
};
use crate::seen::Seen;

/// The https scheme's default port.
const HTTPS_PORT: u16 = 443;

/// The legality of one request. The first condition that holds, in this order, is the verdict.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// No TLS on this hop.
    NotTls,
    /// The server name was not seen, or the authority could not be read.
    Unknown,
    /// The authority is invalid, repeated, with userinfo, or missing where HTTP/1.1 demands it.
    Malformed,
    /// The request names no authority.
    NoAuthority,
    /// A CONNECT: its authority is where the tunnel leads.
    ProxyRequest,
    /// `:authority` and `Host` differ.
    AuthorityConflict,
    /// No server name, and the authority is an address: as it should be.
    NoSniIp,
    /// No server name, though the authority is a name.
    NoSni,
    /// The server name is an address, or has a trailing dot, a port, or characters that no name has.
    SniInvalid,
    /// The handshake is between the proxies of a service mesh: its names are not those of hosts.
    Mesh,
    /// The same host.
    Match,
    /// The same host, but the authority has a trailing dot: strict servers tell them apart.
    MatchDot,
    /// An ECH extension is there, and what the inner name is cannot be told.
    EchIndeterminate,
    /// HTTP/2: the certificate is known and does not cover the authority.
    MisdirectedUncovered,
    /// HTTP/2: the server sent an ORIGIN set without the authority.
    CoalescedOutsideOriginSet,
    /// HTTP/2: the certificate covers the authority, and the endpoint is known to serve it.
    CoalescedLegal,
    /// HTTP/2: the certificate or the endpoint's part is not known.
    CoalescedUnverified,
    /// HTTP/1: another host, which the certificate does not cover.
    MismatchH1Uncovered,
    /// HTTP/1: another host; the certificate covers it, or is not known.
    MismatchH1,
}

impl Verdict {
    /// All of them, in order.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the verdict itself says that two known hosts differ.
    pub fn is_mismatch(self) -> bool {
        matches!(
            self,
            Self::MisdirectedUncovered
                | Self::CoalescedOutsideOriginSet
                | Self::CoalescedLegal
                | Self::CoalescedUnverified
                | Self::MismatchH1Uncovered
                | Self::MismatchH1
        )
    }

    /// Whether two known hosts differ: by the verdict, or where the SNI is invalid and still means another host.
    pub fn is_mismatch_of(self, sni: Option<&Host>, authority: Option<&Host>) -> bool {
        let is_invalid_sni = self == Self::SniInvalid;
        self.is_mismatch()
            || is_invalid_sni && sni.zip(authority).is_some_and(|(sni, host)| sni != host)
    }
}

/// A request, as far as legality needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) version: HttpVersion,
    pub(crate) authority: &'a RequestAuthority,
    /// A CONNECT without `:protocol`.
    pub(crate) tunnel: bool,
    /// The visible server name was itself asked for on this connection.
    pub(crate) sni_was_asked_for: bool,
    /// The origin set that bound the client when it asked.
    pub(crate) origins: Option<&'a OriginSet>,
}

/// The verdict on a request from what its own connection shows.
///
/// [`Verdict::CoalescedUnverified`] may become [`Verdict::CoalescedLegal`] by what other connections
/// to the same endpoint showed.
pub(crate) fn judge(facts: &Facts, request: &Request<'_>) -> Verdict {
    let Some(tls) = &facts.tls else { return Verdict::NotTls };
    if tls.sni == Sni::Unseen || request.authority.raw == Seen::Unreadable {
        return Verdict::Unknown;
    }
    let authority = match before_comparing(request) {
        Ok(authority) => authority,
        Err(verdict) => return verdict,
    };
    if tls.sni == Sni::Absent {
        return if matches!(authority.host, Host::Ip(_)) {
            Verdict::NoSniIp
        } else {
            Verdict::NoSni
        };
    }
    if let Some((sni, defect)) = &tls.sni_host {
        if defect.is_some() {
            return Verdict::SniInvalid;
        }
        if tls.is_mesh() {
            return Verdict::Mesh;
        }
        if *sni == authority.host {
            return if authority.dot { Verdict::MatchDot } else { Verdict::Match };
        }
    }
    let coverage =
        tls.certificate_names().map_or(Coverage::Unknown, |names| names.covers(&authority.host));
    if tls.sni == Sni::Encrypted || tls.ech && !outer_name_is_real(tls, coverage, request) {
        return Verdict::EchIndeterminate;
    }
    if !request.version.can_coalesce() {
        return match coverage {
            Coverage::Uncovered => Verdict::MismatchH1Uncovered,
            Coverage::Covered | Coverage::Unknown => Verdict::MismatchH1,
        };
    }
    let port = authority.port_or(HTTPS_PORT);
    match (request.origins, coverage) {
        (_, Coverage::Uncovered) => Verdict::MisdirectedUncovered,
        (Some(origins), _) if origins.excludes(&authority.host, port) => {
            Verdict::CoalescedOutsideOriginSet
        }
        (Some(origins), Coverage::Covered) if origins.contains(&authority.host, port) => {
            Verdict::CoalescedLegal
        }
        _ => Verdict::CoalescedUnverified,
    }
}

/// What a verdict becomes with a certificate that was not known when it was reached.
pub(crate) fn with_certificate(verdict: Verdict, names: &CertificateNames, host: &Host) -> Verdict {
    let compares = verdict.is_mismatch() || matches!(verdict, Verdict::Match | Verdict::MatchDot);
    if compares && names.is_workload() {
        return Verdict::Mesh;
    }
    match (verdict, names.covers(host)) {
        (
            Verdict::CoalescedUnverified | Verdict::CoalescedOutsideOriginSet,
            Coverage::Uncovered,
        ) => Verdict::MisdirectedUncovered,
        (Verdict::MismatchH1, Coverage::Uncovered) => Verdict::MismatchH1Uncovered,
        _ => verdict,
    }
}

/// What must hold before two names can be compared.
fn before_comparing<'a>(request: &Request<'a>) -> Result<&'a Authority, Verdict> {
    let authority = request.authority;
    if authority.defect == Some(AuthorityDefect::Malformed) {
        return Err(Verdict::Malformed);
    }
    let parsed = authority.parsed.as_ref().ok_or(Verdict::NoAuthority)?;
    if request.tunnel {
        return Err(Verdict::ProxyRequest);
    }
    if authority.defect == Some(AuthorityDefect::Conflict) {
        return Err(Verdict::AuthorityConflict);
    }
    Ok(parsed)
}

/// With an ECH extension in the hello, whether the visible name is nevertheless known to be meant: it
/// was asked for itself, or the certificate covers both it and the authority.
fn outer_name_is_real(tls: &Tls, coverage: Coverage, request: &Request<'_>) -> bool {
    let sni_covered = || {
        let (sni, _) = tls.sni_host.as_ref()?;
        Some(tls.certificate_names()?.covers(sni) == Coverage::Covered)
    };
    request.sni_was_asked_for || coverage == Coverage::Covered && sni_covered() == Some(true)
}

/// Whether the port of the authority is that of the origin that the connection was opened for.
///
/// Behind address translation the server's own port is another one; so https's default is as good.
pub(crate) fn port_fits(facts: &Facts, authority: &Authority) -> bool {
    let port = authority.port_or(HTTPS_PORT);
    port == HTTPS_PORT || facts.server().is_some_and(|server| port == server.port())
}

#[cfg(test)]
mod tests;
