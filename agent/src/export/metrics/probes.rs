//! What is counted of `wrongdoor probe`, and nowhere else: it asks on purpose for what no client should ask for, so that no
//! rule about clients may see it. Any client can call itself so, which is why it is counted at all.

use super::family::Family;
use super::labels::{Outcome, Role, role_of};
use super::number;
use std::collections::HashMap;
use wrongdoor_core::observation::{Exchange, Facts};

/// Requests and connections of `wrongdoor probe`. All labels have few values.
#[derive(Default)]
pub(super) struct Probes {
    exchanges: HashMap<(Role, Outcome), u64>,
    connections: HashMap<Role, u64>,
}

impl Probes {
    /// Counts a request.
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let key = (role_of(&exchange.connection), Outcome::of(exchange));
        *self.exchanges.entry(key).or_default() += 1;
    }

    /// Counts a connection that ended.
    pub(super) fn connection(&mut self, facts: &Facts) {
        *self.connections.entry(role_of(facts)).or_default() += 1;
    }

    /// One for each value that a label can have.
    pub(super) fn example() -> Self {
        let outcomes = Outcome::ALL.into_iter();
        let all = outcomes.flat_map(|outcome| Role::ALL.map(|role| ((role, outcome), 0)));
        let connections = Role::ALL.map(|role| (role, 0)).into();
        Self { exchanges: all.collect(), connections }
    }

    pub(super) fn families(&self, families: &mut Vec<Family>) {
        let mut exchanges = Family::counter(
            "wrongdoor_probe_exchanges_total",
            "Requests of `wrongdoor probe`, by its user agent or handshake. No other counter has them.",
        );
        for ((role, outcome), count) in &self.exchanges {
            let labels = [("role", role.as_str().into()), ("outcome", outcome.as_str().into())];
            exchanges = exchanges.with(labels, number(*count));
        }
        let mut connections = Family::counter(
            "wrongdoor_probe_connections_total",
            "Connections of `wrongdoor probe` that ended, by its handshake. No other counter has them.",
        );
        for (role, count) in &self.connections {
            connections = connections.with([("role", role.as_str().into())], number(*count));
        }
        families.extend([exchanges, connections]);
    }
}
