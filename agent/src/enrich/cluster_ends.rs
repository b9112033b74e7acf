//! Who is at the ends of a connection, in the cluster's words.

use std::sync::Arc;

/// Where something was seen. Both ends are unknown outside a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClusterEnds {
    /// The pod at the end that it was seen at; seen in packets, the pod that answers.
    pub(crate) pod: Option<Arc<Container>>,
    /// Who is at the other end.
    pub(crate) peer: Option<Peer>,
}

/// A container of a pod, or a pod of which it is not known which container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) pod: Arc<Pod>,
    pub(crate) name: Option<Box<str>>,
}

/// A pod, as far as it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) name: Box<str>,
    pub(crate) uid: Box<str>,
    pub(crate) node: Option<Box<str>>,
    pub(crate) workload: Arc<Workload>,
}

/// What a pod is one of: a Deployment, a StatefulSet, …; a pod that nothing runs is its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Workload {
    pub(crate) namespace: Arc<str>,
    /// As the API has it: `Deployment`.
    pub(crate) kind: Box<str>,
    pub(crate) name: Arc<str>,
}

/// A service, by its cluster addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
}

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A pod of this node.
    Pod(Arc<Container>),
    Service(Arc<Service>),
}

impl ClusterEnds {
    /// The workload that it counts for.
    pub(crate) fn workload(&self) -> Option<&Arc<Workload>> {
        self.pod.as_deref().map(|container| &container.pod.workload)
    }
}

impl Peer {
    /// `pod` or `service`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Pod(_) => "pod",
            Self::Service(_) => "service",
        }
    }

    pub(crate) fn namespace(&self) -> &str {
        match self {
            Self::Pod(container) => &container.pod.workload.namespace,
            Self::Service(service) => &service.namespace,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Pod(container) => &container.pod.name,
            Self::Service(service) => &service.name,
        }
    }

    /// What it is one of, where it is a pod.
    pub(crate) fn workload(&self) -> Option<&Workload> {
        match self {
            Self::Pod(container) => Some(&container.pod.workload),
            Self::Service(_) => None,
        }
    }
}
