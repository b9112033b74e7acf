//! What a finding means, for readers who see one for the first time.

use crate::text::verdict;
use wrongdoor_core::explain::Finding;

/// What to think of it, where no cause has advice.
pub(super) fn meaning(finding: Finding) -> Option<&'static str> {
    match finding {
        Finding::Refused(_) => None,
        Finding::Silent => Some(
            "The endpoint answered with success, and was never seen to serve that host by its own name: most likely \
             its default virtual host answered. Ask it for that host with that host as SNI and compare. If the \
             answers differ, make the server refuse names that it does not serve.",
        ),
        Finding::Mismatched(verdict) => Some(verdict::meaning(verdict)),
    }
}
