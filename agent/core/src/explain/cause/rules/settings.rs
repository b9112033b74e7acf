//! Settings of servers and proxies that the advice of several causes names.

use crate::explain::cause::inputs::{ClientKind, Signals};
use crate::http_facts::{Generator, ServerSoftware};

/// Apache compares the virtual host of the handshake with that of the request.
const APACHE: &str = "Until then, give all virtual hosts of the port the same SSLCertificateFile path, or set `SSLVHostSNIPolicy authonly` (Apache 2.4.66 and later).";
/// The same, where it is not known that it is Apache.
const IF_APACHE: &str = "Until then, if the server is Apache: give all virtual hosts of the port the same SSLCertificateFile path, or set `SSLVHostSNIPolicy authonly` (Apache 2.4.66 and later).";
/// How nginx keeps connections apart.
const NGINX_POOL: &str = "nginx: use one `upstream {}` block for each host. Or turn the reuse of connections off in a shared block: from 1.29.7 on with `keepalive 0`, before that by leaving `keepalive` out.";
/// Caddy keys its upstream connections by address alone.
const CADDY_POOL: &str =
    "Caddy: set `keepalive off` in the transport, or use one `reverse_proxy` for each host.";
const OWN_POOL: &str = "In your own connection pools: make the SNI part of the key.";
const ALSO_POOL: &str = "If the proxy reuses upstream connections for several hosts, that is not enough: also keep them apart by SNI.";

/// What the proxy that asks runs, where it is known.
pub(super) fn proxy(s: &Signals) -> Option<ServerSoftware> {
    match s.peer {
        ClientKind::Proxy(software) => software,
        ClientKind::LikelyProxy | ClientKind::Ordinary => None,
    }
}

/// Where the server may be Apache, what helps there at once.
pub(super) fn until_then(s: &Signals) -> Option<&'static str> {
    match s.origin.generator {
        Generator::Apache => Some(APACHE),
        Generator::Unknown => Some(IF_APACHE),
        _ => None,
    }
}

/// How to keep the connections of a proxy apart.
pub(super) fn pool(proxy: Option<ServerSoftware>) -> Vec<&'static str> {
    match proxy {
        Some(ServerSoftware::Nginx) => vec![NGINX_POOL],
        Some(ServerSoftware::Caddy) => vec![CADDY_POOL],
        None => vec![NGINX_POOL, OWN_POOL],
        Some(_) => vec![OWN_POOL],
    }
}

/// The same behind advice for the SNI, which alone does not mend a shared pool. HAProxy keeps connections apart by SNI,
/// and the advice for Caddy turns their reuse off.
pub(super) fn pool_too(s: &Signals) -> Vec<&'static str> {
    match proxy(s) {
        Some(ServerSoftware::HaProxy | ServerSoftware::Caddy) => vec![],
        proxy => [vec![ALSO_POOL], pool(proxy)].concat(),
    }
}
