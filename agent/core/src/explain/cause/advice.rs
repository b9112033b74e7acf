//! What to change, by the name of the setting.

use super::CauseId;
use super::inputs::{Peer, Signals};
use crate::http_facts::{Generator, ServerSoftware};

/// The advice for requests of `wrongdoor probe`.
pub(super) const PROBE: &str = "Nothing to change: `wrongdoor probe` sends such requests on purpose. If you did not run it, look at the client: any client can send this name.";

/// Apache compares the virtual host of the handshake with that of the request.
const APACHE: &str = "Until then, give all virtual hosts of the port the same SSLCertificateFile path, or set `SSLVHostSNIPolicy authonly` (Apache 2.4.66 and later).";
/// The same, where it is not known that it is Apache.
const IF_APACHE: &str = "Until then, if the server is Apache: give all virtual hosts of the port the same SSLCertificateFile path, or set `SSLVHostSNIPolicy authonly` (Apache 2.4.66 and later).";
/// How nginx keeps connections apart.
const NGINX_POOL: &str = "nginx: one `upstream {}` for each host; or, in a shared one, no reuse of connections: before 1.29.7 leave `keepalive` out (it refuses `keepalive 0`), from 1.29.7 on set `keepalive 0` (keepalive is on by default).";
const KEEP_APART: &str = "Keep upstream connections apart by SNI.";
const OWN_POOL: &str = "Pools of your own: put the SNI into the key.";
const ALSO_POOL: &str = "If the proxy uses its connections again for other hosts, that is not enough: also keep them apart by SNI, or it asks for one host on connections that it opened for another.";

/// The advice for this cause; where the software on the side that is to be changed is known, for that.
pub(super) fn of(id: CauseId, s: &Signals) -> String {
    sentences(id, s).join(" ")
}

fn sentences(id: CauseId, s: &Signals) -> Vec<&'static str> {
    match id {
        CauseId::ProxyOmitsSni => {
            [vec![proxy_omits(proxy(s))], pool_too(s), until_then(s)].concat()
        }
        CauseId::ClientOmitsSni => [vec![CLIENT_OMITS], until_then(s)].concat(),
        CauseId::ProxyWrongSni => [vec![proxy_wrong(proxy(s))], pool_too(s)].concat(),
        CauseId::ProxyPoolNotKeyed => [vec![KEEP_APART], pool(proxy(s))].concat(),
        CauseId::Probe => vec![PROBE],
        CauseId::Application => vec![
            "Read the application's documentation of its 421; TLS and virtual hosts are not the matter.",
        ],
        CauseId::Cached => vec![
            "Purge the cached 421 and send `Cache-Control: no-store` with every 421: it is about a connection, not about a resource (RFC 9110 appendix B).",
        ],
        CauseId::CrawlerOptOut => vec![
            "Nothing, if it is meant: a 421 over HTTP/2 makes crawlers come back over HTTP/1.1. Make sure that it is not sent over HTTP/1.1 too, where the page would drop out of the index.",
        ],
        CauseId::ConnectCompared => vec![
            "Exempt CONNECT from the comparison of SNI and Host: its authority is where the tunnel leads. Caddy: `strict_sni_host insecure_off` in the global options, under `servers` of the forward proxy's address.",
        ],
        CauseId::FrontCoalescingLeaked => vec![
            "Take the upstream's SNI from the request and not from the front's handshake. HAProxy: `sni req.hdr(host),field(1,:)` in place of `sni ssl_fc_sni`.",
        ],
        CauseId::CoalescedTlsPolicy => vec![coalesced_policy(s)],
        CauseId::CoalescedNameCheck => vec![coalesced_check(s)],
        CauseId::ReuseNotCovered => vec![
            "The server is right. Look for a client that does not verify names, a TLS interception, or fronting; a client may reuse a connection only for hosts that its certificate covers (RFC 9113 §9.1.1).",
        ],
        CauseId::PassthroughWildcard => vec![
            "Give backends that are told apart by SNI certificates of their own, or addresses of their own, in place of one certificate for all; and let each backend answer 421 for hosts that are not its own, so that browsers come again.",
        ],
        CauseId::NameNotServed => vec![
            "Add the name to the server: a virtual host, a route, `server_name`; or enable the protocol for it (nginx: `http2 on`, before 1.25.1 `http2` on its `listen` line). Traefik: give wildcard routers the TLS options of the host.",
        ],
        CauseId::TrailingDot => vec![
            "Redirect or strip the trailing dot before names are compared; clients strip it from the SNI and keep it in Host.",
        ],
        CauseId::HostOverride => vec![
            "If the Host is set on purpose, connect for that host: `curl --connect-to` or `--resolve` in place of `-H Host:`. Else it is a scanner or domain fronting, and the server is right.",
        ],
        CauseId::AmbiguousAuthority => vec![
            "Mend the intermediary that sends both `:authority` and a different Host: a server must not guess (RFC 9113 §8.3.1).",
        ],
        CauseId::BadAlternative => vec![
            "Withdraw the Alt-Svc (`Alt-Svc: clear`) or make the alternative serve the origin; clients drop it after a 421 (RFC 7838 §6).",
        ],
        CauseId::EchOuterCompared => vec![
            "Compare with the inner name, which only the server that ends TLS knows; a middlebox that sees the outer name must not.",
        ],
        CauseId::ClusterRedirect => {
            vec!["Follow the cluster's own protocol: ask the member that is named as the leader."]
        }
        CauseId::Unknown if s.origin.is_relayed => vec![
            "Watch the hop behind the proxy that answered: what SNI it sends there, and whether its connections are shared. nginx: `proxy_ssl_server_name on; proxy_ssl_name $host;`",
        ],
        CauseId::Unknown => vec![
            "Compare the SNI, the Host and the names of the certificate of one such request, and read the 421's body: it often names the server that made it.",
        ],
    }
}

const CLIENT_OMITS: &str = "Make the client send the host as SNI. A health check or curl against an address: `curl --resolve host:443:address https://host/` in place of `-H Host:`.";

/// What proxies run, where it is known.
fn proxy(s: &Signals) -> Option<ServerSoftware> {
    match s.peer {
        Peer::Proxy(software) => software,
        Peer::LikelyProxy | Peer::Ordinary => None,
    }
}

/// Where the server may be Apache, what helps there at once.
fn until_then(s: &Signals) -> Vec<&'static str> {
    match s.origin.generator {
        Generator::Apache => vec![APACHE],
        Generator::Unknown => vec![IF_APACHE],
        _ => vec![],
    }
}

/// How to keep the connections of a proxy apart.
fn pool(proxy: Option<ServerSoftware>) -> Vec<&'static str> {
    match proxy {
        Some(ServerSoftware::Nginx) => vec![NGINX_POOL],
        None => vec![NGINX_POOL, OWN_POOL],
        Some(_) => vec![OWN_POOL],
    }
}

/// The same behind advice for the SNI, which alone does not mend a shared pool. HAProxy keeps connections apart by SNI, and the
/// advice for Caddy turns their reuse off.
fn pool_too(s: &Signals) -> Vec<&'static str> {
    match proxy(s) {
        Some(ServerSoftware::HaProxy | ServerSoftware::Caddy) => vec![],
        proxy => [vec![ALSO_POOL], pool(proxy)].concat(),
    }
}

fn proxy_omits(proxy: Option<ServerSoftware>) -> &'static str {
    match proxy {
        Some(ServerSoftware::Nginx) => "nginx: `proxy_ssl_server_name on; proxy_ssl_name $host;`.",
        Some(ServerSoftware::HaProxy) => {
            "HAProxy: `sni req.hdr(host),field(1,:)` on the server line (the default from 3.3 on)."
        }
        Some(ServerSoftware::Caddy) => {
            "Caddy: `tls_server_name {host}` with `keepalive off` in the transport (else its first connection is used for every name), or `header_up Host {upstream_hostport}`."
        }
        _ => {
            "Make the proxy send the Host as SNI. nginx: `proxy_ssl_server_name on; proxy_ssl_name $host;` HAProxy: `sni req.hdr(host),field(1,:)`. Caddy: `tls_server_name {host}` with `keepalive off`. An AWS ALB sends none: one certificate for all virtual hosts, or one port for each."
        }
    }
}

fn proxy_wrong(proxy: Option<ServerSoftware>) -> &'static str {
    match proxy {
        Some(ServerSoftware::Nginx) => {
            "nginx: `proxy_ssl_name $host;` next to `proxy_ssl_server_name on;`: without it the SNI is the name in `proxy_pass`."
        }
        Some(ServerSoftware::HaProxy) => {
            "HAProxy: `sni req.hdr(host),field(1,:)` in place of a fixed `sni str(…)` or of `ssl_fc_sni`."
        }
        Some(ServerSoftware::Caddy) => {
            "Caddy: `header_up Host {upstream_hostport}`, or `tls_server_name {host}` with `keepalive off` (from 2.11 on Host is set by itself)."
        }
        _ => {
            "Make SNI and Host agree on this hop: send the outgoing Host as SNI (nginx: `proxy_ssl_name $host`), or rewrite the Host to the SNI (Azure Front Door: origin host header; Go: `ReverseProxy{Rewrite: …SetURL}` in place of NewSingleHostReverseProxy; Caddy: `header_up Host {upstream_hostport}`)."
        }
    }
}

fn coalesced_policy(s: &Signals) -> &'static str {
    match s.origin.generator {
        Generator::Nginx if s.past.asks_certificate => {
            "Handshakes for the target ask for a client certificate (`ssl_verify_client`), and nginx accepts no request for such a host on a connection for another. Give that host a certificate or an address of its own, so that clients do not coalesce; or keep the 421: browsers come again."
        }
        Generator::Nginx => {
            "Look at the target's server block: nginx answers 421 by itself where the block has `ssl_verify_client`, and a configuration may answer it with `return 421`, for example in `if ($ssl_server_name != $host)`. Give that host a certificate or an address of its own, so that clients do not coalesce; or keep the 421: browsers come again."
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
