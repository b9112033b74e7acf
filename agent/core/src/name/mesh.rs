//! Names and protocols of service meshes.
//!
//! Between its own proxies, a mesh names a workload in the handshake, not the host that a request asks for. SNI and
//! authority differ there by design.

/// ALPN protocols that only a mesh speaks: Kuma's, and Linkerd's for opaque transport.
const PROTOCOLS: [&str; 2] = ["kuma", "transport.l5d.io/v1"];
/// What Istio's begin with: `istio`, `istio-peer-exchange`, `istio-http/1.0`, `istio-http/1.1`, `istio-h2`.
const ISTIO: &str = "istio";

/// Whether only a mesh speaks this ALPN protocol.
pub(crate) fn is_protocol(alpn: &str) -> bool {
    let is_istio =
        alpn.strip_prefix(ISTIO).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    is_istio || PROTOCOLS.contains(&alpn)
}

/// Whether a server name, in lower case, is the identity of a workload.
pub(crate) fn is_identity(name: &str) -> bool {
    is_istio(name) || is_linkerd(name) || is_consul(name)
}

/// `outbound_.80_.v1_.reviews.ns.svc.cluster.local`: direction, port, subset (often empty), host.
fn is_istio(name: &str) -> bool {
    let cluster = name.strip_prefix("outbound_.").or_else(|| name.strip_prefix("inbound_."));
    let mut parts = cluster.unwrap_or_default().splitn(3, "_.");
    let port = parts.next().is_some_and(|port| port.parse::<u16>().is_ok());
    port && parts.next().is_some() && parts.next().is_some_and(|host| !host.is_empty())
}

/// `account.ns.serviceaccount.identity.linkerd.cluster.local`: the account's name may itself have dots.
fn is_linkerd(name: &str) -> bool {
    let Some((account, domain)) = name.split_once(".serviceaccount.identity.") else {
        return false;
    };
    account.contains('.') && domain.contains('.')
}

/// `web.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul`: the domain is the cluster's UUID.
fn is_consul(name: &str) -> bool {
    const UUID: [usize; 5] = [8, 4, 4, 4, 12];
    let Some((service, cluster)) =
        name.strip_suffix(".consul").and_then(|name| name.rsplit_once('.'))
    else {
        return false;
    };
    let groups = cluster.split('-').map(str::len);
    let is_hex = cluster.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    service.contains('.') && is_hex && groups.eq(UUID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_of_meshes_are_known_by_their_form() {
        for name in [
            "outbound_.80_._.web.shop.svc.cluster.local",
            "outbound_.9080_.v1_.reviews.default.svc.cluster.local",
            "inbound_.8080_._.web.shop.svc.cluster.local",
            "default.shop.serviceaccount.identity.linkerd.cluster.local",
            "a.b.shop.serviceaccount.identity.linkerd.cluster.local",
            "web.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul",
            "v2.web.default.part.dc1.internal-v1.11111111-2222-3333-4444-55555555555a.consul",
            "web.default.default.peer.external.11111111-2222-3333-4444-555555555555.consul",
        ] {
            assert!(is_identity(name), "{name}");
        }
    }

    #[test]
    fn plain_names_are_no_identities() {
        for name in [
            "",
            "outbound_.",
            "outbound_.80_._.",
            "outbound_.http_._.web.test",
            "outbound.80.web.test",
            "x.outbound_.80_._.web.test",
            "serviceaccount.identity.test",
            "shop.serviceaccount.identity.linkerd.test",
            "web.service.consul",
            "web.default.dc1.internal.11111111-2222-3333-4444-5555.consul",
            "11111111-2222-3333-4444-555555555555.consul",
            "web.default.svc.cluster.local",
        ] {
            assert!(!is_identity(name), "{name}");
        }
    }

    #[test]
    fn protocols_of_meshes_are_known() {
        for alpn in ["istio", "istio-peer-exchange", "istio-http/1.1", "istio-h2", "kuma"] {
            assert!(is_protocol(alpn), "{alpn}");
        }
        for alpn in ["h2", "http/1.1", "istiod", "", "imap"] {
            assert!(!is_protocol(alpn), "{alpn}");
        }
    }
}
