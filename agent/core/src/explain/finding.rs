//! Findings: which exchanges are of interest, and why.

use super::cause::CauseId;
use super::classifier::Classification;
use crate::observation::Exchange;
use crate::observation::verdict::Verdict;

/// An exchange that is of interest by itself, and why: the worst that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Finding {
    /// Refused, for this cause.
    Refused(CauseId),
    /// Answered with success by an endpoint that was never seen to serve the host under its own name.
    Silent,
    /// For another host than the connection is for, and nothing worse is known of it.
    Mismatched(Verdict),
}

impl Finding {
    /// The finding that an exchange is; `None` for all others.
    pub fn of(exchange: &Exchange, classification: &Classification) -> Option<Self> {
        match &classification.cause {
            Some(cause) => Some(Self::Refused(cause.id)),
            None if exchange.is_misdirected() => Some(Self::Refused(CauseId::Unknown)),
            None if classification.silent_misdirect => Some(Self::Silent),
            None if exchange.is_mismatched() => Some(Self::Mismatched(classification.verdict)),
            None => None,
        }
    }

    /// What it is, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Refused(cause) => cause.title(),
            Self::Silent => "silent: 2xx from a server that was not seen to serve that host",
            Self::Mismatched(Verdict::CoalescedLegal) => "legal reuse for another host",
            Self::Mismatched(_) => "another host than the connection is for",
        }
    }

    /// The name in the list.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused(cause) => cause.as_str(),
            Self::Silent => "silent_misdirect",
            Self::Mismatched(_) => "",
        }
    }

    /// Lower is graver.
    pub fn rank(self) -> u8 {
        match self {
            Self::Refused(CauseId::Probe) => 2,
            Self::Refused(_) | Self::Silent => 0,
            Self::Mismatched(Verdict::CoalescedLegal) => 2,
            Self::Mismatched(_) => 1,
        }
    }
}
