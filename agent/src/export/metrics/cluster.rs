//! How well the API server is followed: names that are missing because nobody told them are no quiet cluster.

use super::family::{Family, number};
use crate::enrich::{SyncState, WatchStats};

/// Nothing of it is exported where no API server is followed.
pub(super) fn families(standing: &SyncState) -> [Family; 4] {
    let help = "1 once all objects of this kind have been told by the API server.";
    let synced = Family::gauge("wrongdoor_kubernetes_synced", help);
    let help = "Objects of this kind that are known now.";
    let objects = Family::gauge("wrongdoor_kubernetes_objects", help);
    let help = "Objects of this kind that there was no room for.";
    let refused = Family::counter("wrongdoor_kubernetes_objects_refused_total", help);
    let help = "Times that the API server did not answer, or broke off.";
    let errors = Family::counter("wrongdoor_kubernetes_errors_total", help);
    let SyncState { pods, services } = standing;
    let all = [("pods", pods), ("services", services)];
    all.into_iter().fold(
        [synced, objects, refused, errors],
        |[synced, objects, refused, errors], (resource, following)| {
            let WatchStats { is_whole, errors: failed, objects: known, refused: left } = *following;
            let labels = || [("resource", resource.into())];
            [
                synced.with(labels(), f64::from(u8::from(is_whole))),
                objects.with(labels(), number(known)),
                refused.with(labels(), number(left)),
                errors.with(labels(), number(failed)),
            ]
        },
    )
}
