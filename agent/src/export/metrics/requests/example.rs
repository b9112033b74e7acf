//! One series for each value that a label can have.

use super::*;
use crate::export::metrics::labels::ObserverRole;
use crate::export::metrics::series::{FewValued, NamedSeries};
use wrongdoor_core::explain::recovery::Outcome as RecoveryOutcome;
use wrongdoor_core::http::HttpVersion;
use wrongdoor_core::observation::verdict::Verdict;

impl Requests {
    /// Requests that differ in everything that is told apart, except in their names. Nothing is counted.
    pub(in crate::export::metrics) fn example() -> Self {
        let (role, verdict) = (ObserverRole::Server, Verdict::Match);
        let (outcome, version) = (ExchangeOutcome::Misdirected, HttpVersion::Http2);
        let exchanged = Exchanged { role, verdict, outcome, version };
        let (cause, generator) = (CauseId::Unknown, Generator::Unknown);
        let misdirected = Misdirected { role, cause, generator };
        let mismatched = Mismatched { role, verdict, outcome };
        let silent = SilentlyMisdirected { role, verdict };
        let recovered = Recovered { role, outcome: RecoveryOutcome::NotRetried };

        let mut example = Self::default();
        let families = &mut example.families;
        for role in ObserverRole::ALL {
            seed(&mut families.exchanges, Exchanged { role, ..exchanged });
            seed(&mut families.misdirected, Misdirected { role, ..misdirected });
            seed(&mut families.mismatches, Mismatched { role, ..mismatched });
            seed(&mut families.silent, SilentlyMisdirected { role, ..silent });
            seed(&mut families.recovered, Recovered { role, ..recovered });
        }
        for verdict in Verdict::ALL.iter().copied() {
            seed(&mut families.exchanges, Exchanged { verdict, ..exchanged });
            seed(&mut families.mismatches, Mismatched { verdict, ..mismatched });
            seed(&mut families.silent, SilentlyMisdirected { verdict, ..silent });
        }
        for outcome in ExchangeOutcome::ALL {
            seed(&mut families.exchanges, Exchanged { outcome, ..exchanged });
            seed(&mut families.mismatches, Mismatched { outcome, ..mismatched });
        }
        for version in HttpVersion::ALL {
            seed(&mut families.exchanges, Exchanged { version, ..exchanged });
        }
        for cause in CauseId::ALL.iter().copied() {
            seed(&mut families.misdirected, Misdirected { cause, ..misdirected });
        }
        for generator in Generator::ALL.iter().copied() {
            seed(&mut families.misdirected, Misdirected { generator, ..misdirected });
        }
        for outcome in RecoveryOutcome::ALL.iter().copied() {
            seed(&mut families.recovered, Recovered { outcome, ..recovered });
        }
        example
    }
}

fn seed<T: FewValued>(series: &mut NamedSeries<T>, rest: T) {
    let none = LabelValue::from(NONE);
    series.seed(key(&none, &none, None, rest), Duration::ZERO);
}
