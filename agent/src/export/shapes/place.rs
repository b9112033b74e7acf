//! Who it is in the cluster: the parts of lines that say so.

use crate::enrich::{Container, Peer, Workload};
use serde::Serialize;

/// The pod at that end.
#[derive(Serialize)]
pub(super) struct PodPart<'a> {
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
    container: Option<&'a str>,
    node: Option<&'a str>,
    workload: WorkloadPart<'a>,
}

/// What it is one of.
#[derive(Serialize)]
struct WorkloadPart<'a> {
    kind: &'a str,
    name: &'a str,
}

/// Who is at the other end: a pod of this node, or a service.
#[derive(Serialize)]
pub(super) struct PeerPart<'a> {
    kind: &'static str,
    namespace: &'a str,
    name: &'a str,
    workload: Option<WorkloadPart<'a>>,
}

impl<'a> PodPart<'a> {
    pub(super) fn new(container: &'a Container) -> Self {
        let pod = &container.pod;
        Self {
            namespace: &pod.workload.namespace,
            name: &pod.name,
            uid: &pod.uid,
            container: container.name.as_deref(),
            node: pod.node.as_deref(),
            workload: WorkloadPart::new(&pod.workload),
        }
    }
}

impl<'a> WorkloadPart<'a> {
    fn new(workload: &'a Workload) -> Self {
        Self { kind: &workload.kind, name: &workload.name }
    }
}

impl<'a> PeerPart<'a> {
    pub(super) fn new(peer: &'a Peer) -> Self {
        Self {
            kind: peer.kind(),
            namespace: peer.namespace(),
            name: peer.name(),
            workload: peer.workload().map(WorkloadPart::new),
        }
    }
}
