//! What is counted of `wrongdoor probe`, and nowhere else: it asks on purpose for what no client should ask for, so that no
//! rule about clients may see it. Any client can call itself so, which is why it is counted at all.

use super::family::{Family, number};
use super::labels::{ExchangeOutcome, ObserverRole, role_of};
use std::collections::HashMap;
use wrongdoor_core::observation::{Exchange, Facts};

/// Requests and connections of `wrongdoor probe`. All labels have few values.
#[derive(Default)]
pub(super) struct ProbeCounts {
    exchanges: HashMap<(ObserverRole, ExchangeOutcome), u64>,
    connections: HashMap<ObserverRole, u64>,
}

impl ProbeCounts {
    /// Counts a request.
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let key = (role_of(&exchange.connection), ExchangeOutcome::of(exchange));
        *self.exchanges.entry(key).or_default() += 1;
    }

    /// Counts a connection that ended.
    pub(super) fn connection(&mut self, facts: &Facts) {
        *self.connections.entry(role_of(facts)).or_default() += 1;
    }

    /// One for each value that a label can have.
    pub(super) fn example() -> Self {
        let outcomes = ExchangeOutcome::ALL.into_iter();
        let all = outcomes.flat_map(|outcome| ObserverRole::ALL.map(|role| ((role, outcome), 0)));
        let connections = ObserverRole::ALL.map(|role| (role, 0)).into();
        Self { exchanges: all.collect(), connections }
    }

    pub(super) fn families(&self) -> [Family; 2] {
        let exchanges = Family::counter(
            "wrongdoor_probe_exchanges_total",
            "Requests of `wrongdoor probe`, recognised by the User-Agent or the ClientHello. No other counter includes them.",
        );
        let connections = Family::counter(
            "wrongdoor_probe_connections_total",
            "Connections of `wrongdoor probe` that ended, recognised by the ClientHello. No other counter includes them.",
        );
        [
            exchanges.with_all(self.exchanges.iter().map(|((role, outcome), count)| {
                let outcome = outcome.as_str().into();
                ([("role", role.as_str().into()), ("outcome", outcome)], number(*count))
            })),
            connections.with_all(
                self.connections
                    .iter()
                    .map(|(role, count)| ([("role", role.as_str().into())], number(*count))),
            ),
        ]
    }
}
