//! What a finding means, for readers who see one for the first time.

use crate::text::verdict;
use wrongdoor_core::explain::Finding;

/// What to think of it, where no cause has advice.
pub(super) fn meaning(finding: Finding) -> Option<&'static str> {
    match finding {
        Finding::Refused(_) => None,
        Finding::Silent => Some(
            "The endpoint answered with success, and it was not seen to serve that host on a connection for it: most \
             likely its default virtual host answered. Send the same request with that host as SNI and compare the \
             responses. If they differ, configure the server to refuse names that it does not serve.",
        ),
        Finding::Mismatched(verdict) => Some(verdict::meaning(verdict)),
    }
}
