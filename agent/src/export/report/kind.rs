//! What sort of finding an exchange is.

use crate::text::verdict;
use wrongdoor_core::explain::cause::CauseId;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::observation::Exchange;
use wrongdoor_core::observation::verdict::Verdict;

/// What sort of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Refused, for this cause.
    Refused(CauseId),
    /// Served by the wrong one, and nobody noticed.
    Silent,
    /// For another host than the connection is for, and nothing worse is known of it.
    Mismatched(Verdict),
}

impl Kind {
    /// The kind of an exchange; nothing where it is no finding.
    pub(super) fn of(exchange: &Exchange, classification: &Classification) -> Option<Self> {
        match &classification.cause {
            Some(cause) => Some(Self::Refused(cause.id)),
            None if exchange.is_misdirected() => Some(Self::Refused(CauseId::Unknown)),
            None if classification.silent_misdirect => Some(Self::Silent),
            None if exchange.is_mismatched() => Some(Self::Mismatched(classification.verdict)),
            None => None,
        }
    }

    /// What it is, in a few words.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Refused(cause) => cause.title(),
            Self::Silent => "silent: answered by a server never seen to serve that host",
            Self::Mismatched(Verdict::CoalescedLegal) => "legal reuse for another host",
            Self::Mismatched(_) => "another host than the connection is for",
        }
    }

    /// The name in the list.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Refused(cause) => cause.as_str(),
            Self::Silent => "silent_misdirect",
            Self::Mismatched(_) => "",
        }
    }

    /// What to think of it, where no cause has advice.
    pub(super) fn meaning(self) -> Option<&'static str> {
        match self {
            Self::Refused(_) => None,
            Self::Silent => Some(
                "The endpoint answered with success, and was never seen to serve that host by its own name: most likely \
                 its default virtual host answered. Ask it for that host with that host as SNI and compare. If the \
                 answers differ, make the server refuse names that it does not serve.",
            ),
            Self::Mismatched(verdict) => Some(verdict::meaning(verdict)),
        }
    }

    /// Lower is graver.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Refused(CauseId::Probe) => 2,
            Self::Refused(_) | Self::Silent => 0,
            Self::Mismatched(Verdict::CoalescedLegal) => 2,
            Self::Mismatched(_) => 1,
        }
    }
}
