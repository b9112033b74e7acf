//! Pods, workloads and services: parts of lines.

use crate::enrich::{Container, Peer, Workload};
use schemars::JsonSchema;
use serde::Serialize;

/// A pod.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct PodPart<'a> {
    /// Its namespace.
    namespace: &'a str,
    /// Its name.
    name: &'a str,
    /// Its UID.
    uid: &'a str,
    /// The name of the container. Null if the API server has not named it.
    container: Option<&'a str>,
    /// The node that it runs on. Null if that is not known.
    node: Option<&'a str>,
    /// What runs it.
    workload: WorkloadPart<'a>,
}

/// What runs a pod: a Deployment, a StatefulSet, a CronJob, or the pod itself.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct WorkloadPart<'a> {
    /// Its kind, as in Kubernetes.
    kind: &'a str,
    /// Its name.
    name: &'a str,
}

/// A pod or a service at the other end of the connection.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct PeerPart<'a> {
    /// What it is.
    #[schemars(extend("enum" = ["pod", "service"]))]
    kind: &'static str,
    /// Its namespace.
    namespace: &'a str,
    /// Its name.
    name: &'a str,
    /// What runs the pod. Null for a service.
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
