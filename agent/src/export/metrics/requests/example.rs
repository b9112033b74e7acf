//! One series for each value that a label can have.

use super::*;

impl Requests {
    /// Requests that differ in everything that is told apart, except in their names. Nothing is counted.
    pub(in crate::export::metrics) fn example() -> Self {
        let mut example = Self::default();
        let now = Duration::ZERO;
        let (role, outcome) = (Role::Server, Outcome::Misdirected);
        let (verdict, version) = (Verdict::Match, HttpVersion::Http2);
        let (cause, generator) = (CauseId::Unknown, Generator::Unknown);
        let recovered = Recovered::NotRetried;
        let none = Label::from(NONE);
        for role in Role::ALL {
            example.exchanges.seed(key(&none, &none, None, (role, verdict, outcome, version)), now);
            example.misdirected.seed(key(&none, &none, None, (role, cause, generator)), now);
            example.mismatches.seed(key(&none, &none, None, (role, verdict, outcome)), now);
            example.silent.seed(key(&none, &none, None, (role, verdict)), now);
            example.recovered.seed(key(&none, &none, None, (role, recovered)), now);
        }
        for verdict in Verdict::ALL.iter().copied() {
            example.exchanges.seed(key(&none, &none, None, (role, verdict, outcome, version)), now);
            example.mismatches.seed(key(&none, &none, None, (role, verdict, outcome)), now);
            example.silent.seed(key(&none, &none, None, (role, verdict)), now);
        }
        for outcome in Outcome::ALL {
            example.exchanges.seed(key(&none, &none, None, (role, verdict, outcome, version)), now);
            example.mismatches.seed(key(&none, &none, None, (role, verdict, outcome)), now);
        }
        for version in HttpVersion::ALL {
            example.exchanges.seed(key(&none, &none, None, (role, verdict, outcome, version)), now);
        }
        for cause in CauseId::ALL.iter().copied() {
            example.misdirected.seed(key(&none, &none, None, (role, cause, generator)), now);
        }
        for generator in Generator::ALL.iter().copied() {
            example.misdirected.seed(key(&none, &none, None, (role, cause, generator)), now);
        }
        for outcome in Recovered::ALL.iter().copied() {
            example.recovered.seed(key(&none, &none, None, (role, outcome)), now);
        }
        example
    }
}
