//! Findings of the same kind, for the same names.

use crate::text;
use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::explain::recovery::Outcome;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::observation::Exchange;
use wrongdoor_core::time::Timestamp;

/// The most clients of one group that are counted.
pub(super) const MAX_CLIENTS: usize = 1_000;
/// The most different sets of evidence of one group that are counted.
const MAX_EVIDENCE: usize = 64;

/// What findings of one group have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FindingKey {
    pub(super) finding: Finding,
    /// Who made the response, by its name in the output.
    pub(super) generator: Option<&'static str>,
    pub(super) sni: String,
    /// Nothing where there are too many to be told apart.
    pub(super) authority: Option<String>,
}

/// An exchange that stands for its group.
#[derive(Clone, Debug)]
pub(super) struct Incident {
    pub(super) number: u64,
    pub(super) exchange: Exchange,
    pub(super) classification: Classification,
}

/// Findings of the same kind, for the same names.
#[derive(Debug)]
pub(super) struct FindingGroup {
    pub(super) count: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) clients: HashSet<IpAddr>,
    /// By status; nothing where there was no answer.
    pub(super) statuses: BTreeMap<Option<u16>, u64>,
    pub(super) outcomes: BTreeMap<Outcome, u64>,
    pub(super) incident: Box<Incident>,
    pub(super) generator: Option<Generator>,
    /// Hashes of evidence: how many differ is told, and not what they are.
    evidence: HashSet<u64>,
}

impl FindingKey {
    pub(super) fn of(
        finding: Finding,
        exchange: &Exchange,
        classification: &Classification,
    ) -> Self {
        Self {
            finding,
            generator: classification.generator.map(Generator::as_str),
            sni: text::sni(&exchange.connection),
            authority: Some(text::authority(&exchange.authority)),
        }
    }
}

impl FindingGroup {
    pub(super) fn new(number: u64, exchange: &Exchange, classification: &Classification) -> Self {
        let incident =
            Incident { number, exchange: exchange.clone(), classification: classification.clone() };
        Self {
            count: 0,
            first: exchange.started,
            last: exchange.started,
            clients: HashSet::new(),
            statuses: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            incident: Box::new(incident),
            generator: classification.generator,
            evidence: HashSet::new(),
        }
    }

    /// One more.
    pub(super) fn add(
        &mut self,
        number: u64,
        exchange: &Exchange,
        classification: &Classification,
    ) {
        self.count += 1;
        self.first = self.first.min(exchange.started);
        self.last = self.last.max(exchange.started);
        if let Some(client) =
            exchange.connection.client_declared.or_else(|| exchange.connection.client())
            && self.clients.len() < MAX_CLIENTS
        {
            self.clients.insert(client.ip());
        }
        *self.statuses.entry(exchange.status()).or_default() += 1;
        if let Some(recovery) = &classification.recovery {
            *self.outcomes.entry(recovery.outcome).or_default() += 1;
        }
        if let Some(cause) = &classification.cause
            && self.evidence.len() < MAX_EVIDENCE
        {
            self.evidence.insert(hash(&text::evidence(&cause.evidence)));
        }
        if telling(exchange, classification)
            > telling(&self.incident.exchange, &self.incident.classification)
        {
            *self.incident = Incident {
                number,
                exchange: exchange.clone(),
                classification: classification.clone(),
            };
        }
    }

    /// How many say something else than the incident shown; at least so many, where it is true.
    pub(super) fn other_evidence(&self) -> (u64, bool) {
        let others = self.evidence.len().saturating_sub(1) as u64;
        (others, self.evidence.len() >= MAX_EVIDENCE)
    }
}

/// How much a drawing of this one would show: a hop behind, a request that came again, an answer.
fn telling(exchange: &Exchange, classification: &Classification) -> u32 {
    let comes_again = classification.recovery.is_some_and(|recovery| recovery.connection.is_some());
    let gets_through =
        classification.recovery.is_some_and(|recovery| recovery.outcome.is_recovered());
    let is_named = classification.cause.as_ref().map_or(0, |cause| cause.evidence.len().min(3));
    let confidence = classification.cause.as_ref().map_or(0, |cause| 2 - cause.confidence as u32);
    u32::from(classification.relayed_from.is_some()) * 64
        + u32::from(comes_again) * 32
        + u32::from(gets_through) * 16
        + u32::from(exchange.status().is_some()) * 8
        + confidence * 2
        + u32::from(is_named == 3)
}

fn hash(evidence: &[String]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    evidence.hash(&mut hasher);
    hasher.finish()
}
