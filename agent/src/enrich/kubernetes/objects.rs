//! What is read of the API server's objects; all else is not even kept while they are parsed.

use super::super::cluster_ends::{Pod, Service, Workload};
use super::super::directory::{MAX_KEYS, PodSeen, ServiceSeen};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt;
use kube::core::{ApiResource, NotUsed, Object, ObjectMeta};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A pod.
pub(super) type PodObject = Object<PodSpec, PodStatus>;
/// A service.
pub(super) type ServiceObject = Object<ServiceSpec, NotUsed>;

/// What a controller gives the pods of a ReplicaSet, whose name ends in it.
const HASHES: [(&str, &str); 2] =
    [("pod-template-hash", "Deployment"), ("rollouts-pod-template-hash", "Rollout")];
/// Where the API server keeps what kubelet calls a static pod.
const STATIC_UID: &str = "kubernetes.io/config.hash";

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodSpec {
    node_name: Option<String>,
    host_network: bool,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodStatus {
    phase: Option<String>,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pod_ips: Option<Vec<PodAddress>>,
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct PodAddress {
    ip: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct ContainerStatus {
    name: String,
    /// The runtime's name, `://`, and the id; empty until there is one.
    #[serde(rename = "containerID")]
    container_id: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ServiceSpec {
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Option<Vec<String>>,
}

/// Where pods are, and of which kind.
pub(super) fn pods() -> ApiResource {
    core("Pod", "pods")
}

/// Where services are.
pub(super) fn services() -> ApiResource {
    core("Service", "services")
}

fn core(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// A pod as the directory has it; none without what every pod has.
pub(super) fn pod(object: &PodObject, workload: Workload) -> Option<PodSeen> {
    let status = object.status.as_ref();
    let is_over = status
        .and_then(|status| status.phase.as_deref())
        .is_some_and(|phase| matches!(phase, "Succeeded" | "Failed"));
    // An address of the node's is everybody's, and one of a pod that has ended may be another's by now.
    let has_address = !object.spec.host_network && !is_over;
    let listed = status.into_iter().flat_map(|status| {
        let more = status.pod_ips.iter().flatten().filter_map(|address| address.ip.as_ref());
        status.pod_ip.iter().chain(more)
    });
    Some(PodSeen {
        pod: Pod {
            name: object.metadata.name.as_deref()?.into(),
            uid: object.metadata.uid.as_deref()?.into(),
            node: object.spec.node_name.as_deref().map(Into::into),
            workload: workload.into(),
        },
        alias: alias(object).map(Into::into),
        containers: status.into_iter().flat_map(PodStatus::containers).take(MAX_KEYS).collect(),
        addresses: if has_address { addresses(listed) } else { Vec::new() },
    })
}

/// Only kubelet's mirror of a static pod has one that counts: on others anybody can write it.
fn alias(object: &PodObject) -> Option<&str> {
    controller(&object.metadata).filter(|owner| owner.kind == "Node")?;
    object.annotations().get(STATIC_UID).map(String::as_str)
}

/// What a pod is one of, as far as the pod itself tells.
pub(super) fn workload(object: &PodObject) -> Option<Workload> {
    let metadata = &object.metadata;
    let name = metadata.name.as_deref()?;
    let of = |kind: &str, name: &str| Workload {
        namespace: metadata.namespace.as_deref().unwrap_or_default().into(),
        kind: kind.into(),
        name: name.into(),
    };
    let Some(owner) = controller(metadata) else { return Some(of("Pod", name)) };
    Some(match owner.kind.as_str() {
        "ReplicaSet" => {
            let of_controller = HASHES.iter().find_map(|(label, kind)| {
                let hash = object.labels().get(*label)?;
                let name = owner.name.strip_suffix(hash.as_str())?.strip_suffix('-')?;
                Some(of(kind, name))
            });
            of_controller.unwrap_or_else(|| of("ReplicaSet", &owner.name))
        }
        // A static pod is named for its node: what it is one of is what stands before.
        "Node" => {
            let name = name.strip_suffix(owner.name.as_str());
            let name = name.and_then(|name| name.strip_suffix('-'));
            of("Pod", name.or(metadata.name.as_deref())?)
        }
        kind => of(kind, &owner.name),
    })
}

/// The owner that runs it.
pub(super) fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    let owners = metadata.owner_references.iter().flatten();
    owners.into_iter().find(|owner| owner.controller == Some(true))
}

/// A service as the directory has it.
pub(super) fn service(object: &ServiceObject) -> Option<ServiceSeen> {
    let spec = &object.spec;
    let listed = spec.cluster_ip.iter().chain(spec.cluster_ips.iter().flatten());
    Some(ServiceSeen {
        uid: object.metadata.uid.as_deref()?.into(),
        service: Service {
            namespace: object.metadata.namespace.as_deref()?.into(),
            name: object.metadata.name.as_deref()?.into(),
        },
        addresses: addresses(listed),
    })
}

/// Each once. `None` stands in a headless service, and is no address.
fn addresses<'a>(listed: impl Iterator<Item = &'a String>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> =
        listed.filter_map(|text| text.parse().ok()).take(MAX_KEYS).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

impl PodStatus {
    /// The ids and names of all containers that have begun.
    fn containers(&self) -> impl Iterator<Item = (Box<str>, Box<str>)> + '_ {
        let all = [
            &self.container_statuses,
            &self.init_container_statuses,
            &self.ephemeral_container_statuses,
        ];
        all.into_iter().flatten().flatten().filter_map(|container| {
            let (_runtime, id) = container.container_id.as_deref()?.split_once("://")?;
            (!id.is_empty()).then(|| (id.into(), container.name.as_str().into()))
        })
    }
}
