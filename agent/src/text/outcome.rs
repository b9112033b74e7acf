//! What became of a client after a 421, in words.

use wrongdoor_core::explain::recovery::Outcome;

/// What became of a refused request.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::RecoveredNewConnection => {
            "the client retried on another connection and got another answer"
        }
        Outcome::RecoveredSameConnection => {
            "the client retried on the same connection and got another answer"
        }
        Outcome::RetriedStill421 => "the client retried on another connection and got 421 again",
        Outcome::RetriedSameConnection421 => {
            "the client retried on the same connection and got 421 again"
        }
        Outcome::OtherConnectionOpened => {
            "the client opened another connection; its requests were not seen"
        }
        Outcome::ProtocolFallback => {
            "the client retried over another protocol and got another answer"
        }
        Outcome::NotRetried => "the client did not retry",
    }
}

/// The same for a count of requests: `12 succeeded on another connection`.
pub(crate) fn counted_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::RecoveredNewConnection => "succeeded on another connection",
        Outcome::RecoveredSameConnection => "succeeded on the same connection",
        Outcome::RetriedStill421 | Outcome::RetriedSameConnection421 => {
            "got 421 again after a retry"
        }
        Outcome::OtherConnectionOpened => "opened another connection, with unknown success",
        Outcome::ProtocolFallback => "succeeded over another protocol",
        Outcome::NotRetried => "had no retry",
    }
}
