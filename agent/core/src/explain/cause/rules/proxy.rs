//! Proxies that send no SNI, the wrong one, or one connection for several hosts.

use super::settings::{pool, pool_too, proxy, until_then};
use super::{Fit, Rule, fit, is_known_proxy, is_later_host, is_made_here};
use crate::explain::cause::CauseId;
use crate::explain::cause::Confidence::{High, Medium};
use crate::explain::cause::evidence::Evidence;
use crate::explain::cause::inputs::{Refusal, Signals};
use crate::http_facts::{Generator, ServerSoftware};

pub(super) const OMITS_SNI: Rule = Rule {
    id: CauseId::ProxyOmitsSni,
    title: "a reverse proxy sends no SNI to its upstream",
    fits: omits_sni,
    advice: |s| {
        let mut advice = vec![send_sni(proxy(s))];
        advice.extend(pool_too(s));
        advice.extend(until_then(s));
        advice
    },
};

pub(super) const WRONG_SNI: Rule = Rule {
    id: CauseId::ProxyWrongSni,
    title: "a reverse proxy sends an SNI that is not the Host it asks for",
    fits: wrong_sni,
    advice: |s| [vec![send_right_sni(proxy(s))], pool_too(s)].concat(),
};

pub(super) const POOL_NOT_KEYED: Rule = Rule {
    id: CauseId::ProxyPoolNotKeyed,
    title: "a proxy's connection pool is shared by hosts with different SNI",
    fits: pool_not_keyed,
    advice: |s| [vec!["Keep upstream connections apart by SNI."], pool(proxy(s))].concat(),
};

pub(super) const FRONT_COALESCING_LEAKED: Rule = Rule {
    id: CauseId::FrontCoalescingLeaked,
    title: "a proxy passes the SNI of a coalesced connection on",
    fits: front_coalescing_leaked,
    advice: |_| {
        vec![
            "Take the SNI for the upstream from the request, not from the handshake with the client. HAProxy: `sni req.hdr(host),field(1,:)` in place of `sni ssl_fc_sni`.",
        ]
    },
};

fn omits_sni(s: &Signals) -> Option<Fit> {
    if !s.lacks_sni() || !s.is_proxy() || !is_made_here(s) {
        return None;
    }
    let is_apache = s.origin.generator == Generator::Apache || s.refusal != Refusal::Misdirected;
    let confidence = if is_apache || is_known_proxy(s) { High } else { Medium };
    let further = s.reused().into_iter().chain(s.hosts_under_sni()).chain(s.served_alike());
    fit(confidence, [s.no_sni(), s.client(), s.generated_by()].into_iter().chain(further))
}

fn wrong_sni(s: &Signals) -> Option<Fit> {
    let fits = s.is_mismatch()
        && s.opened_for_sni == Some(false)
        && s.is_proxy()
        && is_made_here(s)
        && !s.front_name_leaked();
    if !fits {
        return None;
    }
    let never = Evidence::NeverUsedForSni(s.sni.clone());
    let confidence = if is_known_proxy(s) || s.past.others_under_sni > 1 { High } else { Medium };
    let further = s.reused().into_iter().chain(s.hosts_under_sni()).chain(s.served_alike());
    fit(confidence, [s.names_differ(), never, s.client()].into_iter().chain(further))
}

fn pool_not_keyed(s: &Signals) -> Option<Fit> {
    let is_pool = is_later_host(s) && s.is_proxy() && is_made_here(s) && !s.front_name_leaked();
    if !is_pool {
        return None;
    }
    let later = Evidence::OpenedForAnother(s.names());
    let accepts = s.past.is_known_for.then(|| Evidence::AcceptsConnections(s.authority.clone()));
    // Where the proxy has connections of their own for other hosts, it is the pool that mixes them up.
    let keeps_apart = s.past.is_known_for || s.past.served_under_own_name;
    let confidence = if is_known_proxy(s) && keeps_apart { High } else { Medium };
    let further = accepts.into_iter().chain(s.served_alike());
    fit(confidence, [later, s.client()].into_iter().chain(further))
}

fn front_coalescing_leaked(s: &Signals) -> Option<Fit> {
    if !s.front_name_leaked() || !s.is_mismatch() || !is_made_here(s) {
        return None;
    }
    let came = Evidence::CameInOn(s.front.as_ref()?.connection, s.names());
    let passed_on = Evidence::SniPassedOn(s.sni.clone());
    let confidence = if is_known_proxy(s) { High } else { Medium };
    fit(confidence, [came, passed_on, s.client()])
}

fn send_sni(proxy: Option<ServerSoftware>) -> &'static str {
    match proxy {
        Some(ServerSoftware::Nginx) => "nginx: `proxy_ssl_server_name on; proxy_ssl_name $host;`.",
        Some(ServerSoftware::HaProxy) => {
            "HAProxy: `sni req.hdr(host),field(1,:)` on the server line (the default from 3.3 on)."
        }
        Some(ServerSoftware::Caddy) => {
            "Caddy: `tls_server_name {host}` with `keepalive off` in the transport (otherwise Caddy uses its first connection for every name), or `header_up Host {upstream_hostport}`."
        }
        _ => {
            "Make the proxy send the Host as SNI. nginx: `proxy_ssl_server_name on; proxy_ssl_name $host;` HAProxy: `sni req.hdr(host),field(1,:)`. Caddy: `tls_server_name {host}` with `keepalive off`. An AWS ALB sends no SNI: use one certificate for all virtual hosts, or one port for each."
        }
    }
}

fn send_right_sni(proxy: Option<ServerSoftware>) -> &'static str {
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
