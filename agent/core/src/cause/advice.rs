//! What to change, by the name of the setting.

use super::CauseId;
use super::signals::{Peer, Signals};
use crate::signals::{Generator, Software};

/// The advice for this cause; where the software on the side that is to be changed is known, for that.
pub(super) fn of(id: CauseId, s: &Signals) -> &'static str {
    let proxy = match s.peer {
        Peer::Proxy(software) => software,
        Peer::LikelyProxy | Peer::Ordinary => None,
    };
    match id {
        CauseId::Application => {
            "Read the application's documentation of its 421; TLS and virtual hosts are not the matter."
        }
        CauseId::Cached => {
            "Purge the cached 421 and send `Cache-Control: no-store` with every 421: it is about a connection, not about a resource (RFC 9110 appendix B)."
        }
        CauseId::CrawlerOptOut => {
            "Nothing, if it is meant: a 421 over HTTP/2 makes crawlers come back over HTTP/1.1. Make sure that it is not sent over HTTP/1.1 too, where the page would drop out of the index."
        }
        CauseId::ConnectCompared => {
            "Exempt CONNECT from the comparison of SNI and Host: its authority is where the tunnel leads. Caddy: `strict_sni_host insecure_off` for the forward proxy's site."
        }
        CauseId::ProxyOmitsSni => proxy_omits(proxy),
        CauseId::ClientOmitsSni => {
            "Make the client send the host as SNI. A health check or curl against an address: `curl --resolve host:443:address https://host/` in place of `-H Host:`. Until then, give all virtual hosts of the port the same SSLCertificateFile path, or set `SSLVHostSNIPolicy authonly` (Apache 2.4.66)."
        }
        CauseId::ProxyWrongSni => proxy_wrong(proxy),
        CauseId::ProxyPoolNotKeyed => {
            "Keep upstream connections apart by SNI. nginx: one `upstream {}` for each host, or `keepalive 0` in a shared one (1.29.7 turned keepalive on by default). Pools of your own: put the SNI into the key."
        }
        CauseId::FrontCoalescingLeaked => {
            "Take the upstream's SNI from the request and not from the front's handshake. HAProxy: `sni req.hdr(host),field(1,:)` in place of `sni ssl_fc_sni`."
        }
        CauseId::CoalescedTlsPolicy => coalesced_policy(s),
        CauseId::CoalescedNameCheck => coalesced_check(s),
        CauseId::ReuseNotCovered => {
            "The server is right. Look for a client that does not verify names, a TLS interception, or fronting; a client may reuse a connection only for hosts that its certificate covers (RFC 9113 §9.1.1)."
        }
        CauseId::PassthroughWildcard => {
            "Give backends that are told apart by SNI certificates of their own, or addresses of their own, in place of one wildcard; and let each backend answer 421 for hosts that are not its own, so that browsers come again."
        }
        CauseId::NameNotServed => {
            "Add the name to the server: a virtual host, a route, `server_name`; or enable the protocol for it (nginx: `http2 on`). Traefik: give wildcard routers the TLS options of the host."
        }
        CauseId::TrailingDot => {
            "Redirect or strip the trailing dot before names are compared; clients strip it from the SNI and keep it in Host."
        }
        CauseId::HostOverride => {
            "If the Host is set on purpose, connect for that host: `curl --connect-to` or `--resolve` in place of `-H Host:`. Else it is a scanner or domain fronting, and the server is right."
        }
        CauseId::AmbiguousAuthority => {
            "Mend the intermediary that sends both `:authority` and a different Host: a server must not guess (RFC 9113 §8.3.1)."
        }
        CauseId::BadAlternative => {
            "Withdraw the Alt-Svc (`Alt-Svc: clear`) or make the alternative serve the origin; clients drop it after a 421 (RFC 7838 §6)."
        }
        CauseId::EchOuterCompared => {
            "Compare with the inner name, which only the server that ends TLS knows; a middlebox that sees the outer name must not."
        }
        CauseId::ClusterRedirect => {
            "Follow the cluster's own protocol: ask the member that is named as the leader."
        }
        CauseId::Unknown if s.origin.is_relayed => {
            "Watch the hop behind the proxy that answered: what SNI it sends there, and whether its connections are shared. nginx: `proxy_ssl_server_name on; proxy_ssl_name $host;`"
        }
        CauseId::Unknown => {
            "Compare the SNI, the Host and the names of the certificate of one such request, and read the 421's body: it often names the server that made it."
        }
    }
}

fn proxy_omits(proxy: Option<Software>) -> &'static str {
    match proxy {
        Some(Software::Nginx) => {
            "nginx: `proxy_ssl_server_name on; proxy_ssl_name $host;`. Until then, give all virtual hosts of the upstream's port the same SSLCertificateFile path, or set `SSLVHostSNIPolicy authonly` (Apache 2.4.66)."
        }
        Some(Software::HaProxy) => {
            "HAProxy: `sni req.hdr(host),field(1,:)` on the server line (the default from 3.3 on). Until then, give all virtual hosts of the upstream's port the same SSLCertificateFile path."
        }
        Some(Software::Caddy) => {
            "Caddy: `tls_server_name {host}` with `keepalive off` in the transport (else its first connection is used for every name), or `header_up Host {upstream_hostport}`."
        }
        _ => {
            "Make the proxy send the Host as SNI. nginx: `proxy_ssl_server_name on; proxy_ssl_name $host;` HAProxy: `sni req.hdr(host),field(1,:)`. Caddy: `tls_server_name {host}` with `keepalive off`. An AWS ALB sends none: one certificate for all virtual hosts, or one port for each. Until then, give all virtual hosts the same SSLCertificateFile path, or set `SSLVHostSNIPolicy authonly` (Apache 2.4.66)."
        }
    }
}

fn proxy_wrong(proxy: Option<Software>) -> &'static str {
    match proxy {
        Some(Software::Nginx) => {
            "nginx: `proxy_ssl_name $host;` next to `proxy_ssl_server_name on;`: without it the SNI is the name in `proxy_pass`."
        }
        Some(Software::HaProxy) => {
            "HAProxy: `sni req.hdr(host),field(1,:)` in place of a fixed `sni str(…)` or of `ssl_fc_sni`."
        }
        Some(Software::Caddy) => {
            "Caddy: `header_up Host {upstream_hostport}`, or `tls_server_name {host}` with `keepalive off` (from 2.11 on Host is set by itself)."
        }
        _ => {
            "Make SNI and Host agree on this hop: send the outgoing Host as SNI (nginx: `proxy_ssl_name $host`), or rewrite the Host to the SNI (Azure Front Door: origin host header; Go: `ReverseProxy{Rewrite: …SetURL}` in place of NewSingleHostReverseProxy; Caddy: `header_up Host {upstream_hostport}`)."
        }
    }
}

fn coalesced_policy(s: &Signals) -> &'static str {
    match s.origin.generator {
        Generator::Nginx => {
            "The target's server block has `ssl_verify_client`, and this handshake did not ask for a certificate. Give that host a certificate or an address of its own, so that clients do not coalesce; or keep the 421: browsers come again."
        }
        _ => {
            "Give both virtual hosts the same TLS settings, also the same SSLCertificateFile path: Apache compares paths, not certificates. Or certificates that do not overlap; or keep the 421: browsers come again."
        }
    }
}

fn coalesced_check(s: &Signals) -> &'static str {
    match s.origin.generator {
        Generator::Caddy => {
            "Caddy: `strict_sni_host insecure_off`, where no client certificates are asked for; or certificates that do not overlap. Or keep the 421: browsers come again (Safari from 15.1 on)."
        }
        Generator::Traefik => {
            "Traefik: the same TLS options for all routers that share a certificate; or certificates that do not overlap."
        }
        _ => {
            "Relax the comparison of SNI and authority for hosts that share a certificate, or give each listener a certificate that does not overlap. Or keep the 421: browsers come again (Safari from 15.1 on)."
        }
    }
}
