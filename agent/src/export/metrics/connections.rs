//! What is counted of connections.

use super::family::{Family, number};
use super::labels::{
    ALPN_OFFERED, ALPN_OTHER, ALPNS, ObserverRole, alpn_of, role_of, tls_version_of, visibility_of,
};
use super::names::NONE;
use std::collections::HashMap;
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::name::Sni;
use wrongdoor_core::observation::probe_event::Visibility;

/// Upper bounds of the histogram of distinct authorities.
const BOUNDS: [u64; 8] = [1, 2, 3, 5, 10, 20, 50, 100];

/// Connections that ended, by what was seen of them. All labels have few values.
#[derive(Default)]
pub(super) struct Connections {
    ended: HashMap<Key, u64>,
    /// How many connections had at most so many authorities, of those that had any.
    authorities: [u64; BOUNDS.len()],
    with_authorities: u64,
    authorities_sum: u64,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    role: ObserverRole,
    alpn: &'static str,
    tls_version: &'static str,
    sni_state: &'static str,
    visibility: Visibility,
}

impl Connections {
    /// Counts a connection that ended.
    pub(super) fn count(&mut self, connection: &ConnectionEnd) {
        let facts = &connection.facts;
        let key = Key {
            role: role_of(facts),
            alpn: alpn_of(facts),
            tls_version: tls_version_of(facts),
            sni_state: facts.sni().state(),
            visibility: visibility_of(connection),
        };
        *self.ended.entry(key).or_default() += 1;
        let authorities = connection.authorities.len() as u64;
        if authorities == 0 {
            return;
        }
        self.with_authorities += 1;
        self.authorities_sum += authorities;
        for (bound, count) in BOUNDS.iter().zip(&mut self.authorities) {
            *count += u64::from(authorities <= *bound);
        }
    }

    /// One connection for each value that a label can have.
    pub(super) fn example() -> Self {
        let mut example = Self::default();
        let versions = [NONE, "1.0", "1.1", "1.2", "1.3"];
        let alpns = ALPNS.into_iter().chain([NONE, ALPN_OFFERED, ALPN_OTHER]);
        // Labels are told by themselves: one of each need not meet one of every other.
        let like = |role, alpn, tls_version, sni_state, visibility| Key {
            role,
            alpn,
            tls_version,
            sni_state,
            visibility,
        };
        let (role, seen) = (ObserverRole::Server, Visibility::Plaintext);
        let keys = ObserverRole::ALL.into_iter().map(|role| like(role, NONE, NONE, "name", seen));
        let keys = keys.chain(alpns.map(|alpn| like(role, alpn, NONE, "name", seen)));
        let keys = keys.chain(versions.map(|version| like(role, NONE, version, "name", seen)));
        let keys = keys.chain(Sni::STATES.map(|state| like(role, NONE, NONE, state, seen)));
        let keys =
            keys.chain(Visibility::ALL.iter().map(|seen| like(role, NONE, NONE, "name", *seen)));
        example.ended = keys.map(|key| (key, 0)).collect();
        example
    }

    /// How many ended.
    #[cfg(test)]
    pub(super) fn total(&self) -> u64 {
        self.ended.values().sum()
    }

    pub(super) fn families(&self) -> [Family; 2] {
        let ended = Family::counter(
            "wrongdoor_connections_total",
            "TLS or HTTP connections that ended, by how much of them the agent could read.",
        );
        let ended = ended.with_all(self.ended.iter().map(|(key, count)| {
            let labels = [
                ("role", key.role.as_str().into()),
                ("alpn", key.alpn.into()),
                ("tls_version", key.tls_version.into()),
                ("sni_state", key.sni_state.into()),
                ("visibility", key.visibility.as_str().into()),
            ];
            (labels, number(*count))
        }));
        let authorities = Family::histogram(
            "wrongdoor_connection_authorities",
            "Distinct authorities per connection, for connections with at least one request.",
            BOUNDS.map(number).into_iter().zip(self.authorities).collect(),
            self.with_authorities,
            number(self.authorities_sum),
        );
        [ended, authorities]
    }
}
