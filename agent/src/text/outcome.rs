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
