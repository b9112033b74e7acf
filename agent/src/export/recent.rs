//! The last findings, for whoever has no collector at hand.

use super::shapes::exchange_line;
use super::{ConnectionNumber, Record};
use crate::enrich::ClusterEnds;
use std::collections::VecDeque;
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::explain::recovery::RecoveryReport;
use wrongdoor_core::observation::Exchange;

/// The most findings that are remembered.
const MAX_RECENT: usize = 100;

type Remembered = (ConnectionNumber, Exchange, Classification, ClusterEnds);

/// Exchanges that were answered with 421 or are mismatched: the last of them.
#[derive(Clone, Default)]
pub(crate) struct RecentFindings(VecDeque<Remembered>);

impl RecentFindings {
    /// A record, which is remembered if it is a finding.
    pub(crate) fn record(&mut self, record: &Record) {
        let (number, exchange, classification, place) = match record {
            Record::Exchange { number, exchange, classification, place } => {
                (number, exchange, classification, place)
            }
            Record::Recovery { number, judged, .. } => return self.recovered(*number, judged),
            Record::Connection { .. } => return,
        };
        if Finding::of(exchange, classification).is_none() {
            return;
        }
        if self.0.len() >= MAX_RECENT {
            self.0.pop_front();
        }
        self.0.push_back((*number, exchange.clone(), classification.clone(), place.clone()));
    }

    fn recovered(&mut self, number: ConnectionNumber, judged: &RecoveryReport) {
        let is_it = |known: &ConnectionNumber, exchange: &Exchange| {
            *known == number && exchange.stream == judged.stream
        };
        let found = self.0.iter_mut().rev().find(|(known, exchange, ..)| is_it(known, exchange));
        if let Some((_, _, classification, _)) = found {
            classification.recovery = Some(judged.recovery);
        }
    }

    /// An array of the objects that exchange lines are, the latest first.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut text = vec![b'['];
        for (index, (number, exchange, classification, place)) in self.0.iter().rev().enumerate() {
            text.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
            text.extend(exchange_line(*number, exchange, classification, place));
        }
        text.extend_from_slice(b"\n]\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::misdirected;
    use serde_json::Value;

    #[test]
    fn the_latest_come_first_and_the_oldest_go() {
        let mut recent = RecentFindings::default();
        for number in 1..=MAX_RECENT as u64 + 5 {
            let Record::Exchange { exchange, classification, .. } = misdirected() else {
                unreachable!()
            };
            let number = ConnectionNumber(number);
            recent.record(&Record::Exchange {
                number,
                exchange,
                classification,
                place: ClusterEnds::default(),
            });
        }
        let list: Vec<Value> = serde_json::from_slice(&recent.to_json()).unwrap();
        assert_eq!(list.len(), MAX_RECENT);
        assert_eq!(
            (&list[0]["connection"], &list[99]["connection"]),
            (&"c105".into(), &"c6".into())
        );
        assert_eq!((&list[0]["status"], &list[0]["sni"]), (&421.into(), &"f.test".into()));
    }

    #[test]
    fn nothing_found_is_an_empty_list() {
        let list: Vec<Value> =
            serde_json::from_slice(&RecentFindings::default().to_json()).unwrap();
        assert!(list.is_empty());
    }
}
