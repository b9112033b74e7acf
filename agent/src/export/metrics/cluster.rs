//! How well the API server is followed: names that are missing because it does not answer are no quiet cluster.

use super::family::{Family, number};
use crate::enrich::{SyncState, WatchStats};

/// Nothing of it is exported where no API server is followed.
pub(super) fn families(SyncState { pods, services }: &SyncState) -> [Family; 4] {
    let all = [("pods", pods), ("services", services)];
    let each = |family: Family, value: fn(&WatchStats) -> f64| {
        family.with_all(all.map(|(name, watch)| ([("resource", name.into())], value(watch))))
    };
    let help = "1 once the initial list of this kind has been received from the API server.";
    let synced = Family::gauge("wrongdoor_kubernetes_synced", help);
    let help = "Objects of this kind in the directory now.";
    let objects = Family::gauge("wrongdoor_kubernetes_objects", help);
    let help = "Objects of this kind that were dropped because the directory is full.";
    let refused = Family::counter("wrongdoor_kubernetes_objects_refused_total", help);
    let help = "Requests to the API server that failed or ended early.";
    let errors = Family::counter("wrongdoor_kubernetes_errors_total", help);
    [
        each(synced, |watch| f64::from(u8::from(watch.is_whole))),
        each(objects, |watch| number(watch.objects)),
        each(refused, |watch| number(watch.refused)),
        each(errors, |watch| number(watch.errors)),
    ]
}
