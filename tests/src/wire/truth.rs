//! Whether what was told of a part of a capture is true of the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::{Found, Told, ToldConnection};

/// What contradicts the whole: values that are claimed to be known and differ, exchanges that
/// there never were, exchanges told twice. Nothing is right to be missing.
pub fn contradictions(part: &Found, whole: &Found) -> Vec<String> {
    let key = |told: &Told| (told.client, told.server, told.stream);
    let real: BTreeMap<_, _> = whole.exchanges.iter().map(|told| (key(told), told)).collect();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for told in &part.exchanges {
        if !seen.insert(key(told)) {
            found.push(format!("told twice: {told:#?}"));
        }
        match real.get(&key(told)) {
            Some(real) => exchange(told, real, &mut found),
            None => found.push(format!("there is no such exchange: {told:#?}")),
        }
    }
    let key = |told: &ToldConnection| (told.client, told.server);
    let real: BTreeMap<_, _> = whole.connections.iter().map(|told| (key(told), told)).collect();
    for told in &part.connections {
        match real.get(&key(told)) {
            Some(real) => connection(told, real, &mut found),
            None => found.push(format!("there is no such connection: {told:#?}")),
        }
    }
    found
}

/// What is missing of the whole without a word: nothing more is counted than in the whole.
pub fn silences(part: &Found, whole: &Found) -> Vec<String> {
    let counted = |found: &Found| {
        let errors: u64 = found.counters.decode_errors.values().sum();
        errors + found.counters.lost_total()
    };
    if counted(part) > counted(whole) {
        return Vec::new();
    }
    let key = |told: &Told| (told.client, told.server, told.stream);
    let told: BTreeMap<_, _> = part.exchanges.iter().map(|told| (key(told), told)).collect();
    let mut found = Vec::new();
    for real in &whole.exchanges {
        let mut missing = |what: &str| {
            found.push(format!("{what} of stream {} of {:?} is missing", real.stream, real.client));
        };
        match told.get(&key(real)) {
            None => missing("everything"),
            Some(told) => {
                if told.status.is_none() && real.status.is_some() {
                    missing("the status");
                }
                if told.authority.is_none() && real.authority.is_some() {
                    missing("the authority");
                }
            }
        }
    }
    found
}

fn exchange(told: &Told, real: &Told, found: &mut Vec<String>) {
    let mut claim = Claims { about: format!("stream {} of {:?}", told.stream, told.client), found };
    claim.known("sni", &told.sni, &real.sni);
    claim.known("alpn", &told.alpn, &real.alpn);
    claim.known("tls_version", &told.tls_version, &real.tls_version);
    claim.known("client_declared", &told.client_declared, &real.client_declared);
    claim.known("method", &told.method, &real.method);
    claim.known("authority", &told.authority, &real.authority);
    claim.known("authority_raw", &told.authority_raw, &real.authority_raw);
    claim.known("status", &told.status, &real.status);
    claim.known("first_on_connection", &told.first_on_connection, &real.first_on_connection);
    claim.same("http_version", &told.http_version, &real.http_version);
    if told.sni_state != "unseen" {
        claim.same("sni_state", &told.sni_state, &real.sni_state);
    }
    if told.authority_state != "unreadable" {
        claim.same("authority_state", &told.authority_state, &real.authority_state);
    }
    if !may_be_told_for(told.verdict, real.verdict) {
        claim.same("verdict", &told.verdict, &real.verdict);
    }
}

/// Verdicts that less knowledge leads to, where a certificate or another connection was not seen.
fn may_be_told_for(told: &str, real: &str) -> bool {
    let weaker: &[&str] = match real {
        "misdirected_uncovered" | "coalesced_legal" => &["coalesced_unverified"],
        "coalesced_outside_origin_set" => &["coalesced_unverified", "misdirected_uncovered"],
        "mismatch_h1_uncovered" => &["mismatch_h1"],
        _ => &[],
    };
    told == "unknown" || weaker.contains(&told)
}

fn connection(told: &ToldConnection, real: &ToldConnection, found: &mut Vec<String>) {
    let mut claim = Claims { about: format!("the connection of {:?}", told.client), found };
    claim.known("sni", &told.sni, &real.sni);
    claim.known("alpn", &told.alpn, &real.alpn);
    claim.known("tls_version", &told.tls_version, &real.tls_version);
    claim.known("client_declared", &told.client_declared, &real.client_declared);
    claim.known("certificate_names", &told.certificate_names, &real.certificate_names);
    if told.sni_state != "unseen" {
        claim.same("sni_state", &told.sni_state, &real.sni_state);
    }
    let invented: Vec<_> =
        told.authorities.iter().filter(|name| !real.authorities.contains(name)).collect();
    if !invented.is_empty() {
        claim.differ("authorities", &told.authorities, &real.authorities);
    }
    if told.exchanges > real.exchanges || told.misdirected > real.misdirected {
        claim.differ("sums", &(told.exchanges, told.misdirected), &real.exchanges);
    }
}

struct Claims<'a> {
    about: String,
    found: &'a mut Vec<String>,
}

impl Claims<'_> {
    fn known<T: PartialEq + Debug>(&mut self, field: &str, told: &Option<T>, real: &Option<T>) {
        if told.is_some() && told != real {
            self.differ(field, told, real);
        }
    }

    fn same<T: PartialEq + Debug>(&mut self, field: &str, told: &T, real: &T) {
        if told != real {
            self.differ(field, told, real);
        }
    }

    fn differ(&mut self, field: &str, told: &impl Debug, real: &impl Debug) {
        self.found.push(format!("{field} of {}: told {told:?}, real {real:?}", self.about));
    }
}
