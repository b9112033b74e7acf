//! Whether there is a cluster to follow, and whom there.

use super::Directory;
use crate::config::{Kubernetes, PodSource};
use std::env;
use std::path::Path;
use std::sync::Arc;

/// Where kubelet puts a service account's token.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// Set in every pod.
const API_SERVER: &str = "KUBERNETES_SERVICE_HOST";
/// What the downward API is told to put the node's name in.
pub(crate) const NODE_NAMES: [&str; 2] = ["K8S_NODE_NAME", "NODE_NAME"];

/// Why pods cannot be told apart.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error(
        "pods cannot be identified: the name of this node is not known; set NODE_NAME (in a pod by the downward API, \
         from spec.nodeName) or `kubernetes.node`"
    )]
    NoNode,
    #[cfg(feature = "kubernetes")]
    #[error("pods cannot be identified: {0}")]
    NotFollowed(super::kubernetes::NotFollowed),
    #[cfg(not(feature = "kubernetes"))]
    #[error("pods cannot be identified: this build has no Kubernetes client")]
    NoClient,
}

/// The directory, being filled from now on; none where no cluster is to be followed.
pub(crate) fn open(config: &Kubernetes) -> Result<Option<Arc<Directory>>, ClusterError> {
    let in_pod = || env::var_os(API_SERVER).is_some() && Path::new(TOKEN).exists();
    let is_wanted = match config.pods {
        PodSource::Off => false,
        PodSource::On => true,
        PodSource::Auto => config.kubeconfig.is_some() || in_pod(),
    };
    if !is_wanted {
        return Ok(None);
    }
    let node = config.node.clone();
    let node = node.or_else(|| NODE_NAMES.iter().find_map(|name| env::var(name).ok()));
    let followed = match node.filter(|node| !node.is_empty()) {
        Some(node) => follow(config, node),
        None => Err(ClusterError::NoNode),
    };
    match followed {
        Ok(directory) => Ok(Some(directory)),
        Err(error) if config.pods == PodSource::On => Err(error),
        // Names are missing then, and nothing else.
        Err(error) => {
            tracing::warn!("{error}");
            Ok(None)
        }
    }
}

#[cfg(feature = "kubernetes")]
fn follow(config: &Kubernetes, node: String) -> Result<Arc<Directory>, ClusterError> {
    let directory = Directory::new();
    let cluster = super::kubernetes::Cluster { node, kubeconfig: config.kubeconfig.clone() };
    super::kubernetes::follow(cluster, Arc::clone(&directory))
        .map(|()| directory)
        .map_err(ClusterError::NotFollowed)
}

#[cfg(not(feature = "kubernetes"))]
fn follow(_: &Kubernetes, _: String) -> Result<Arc<Directory>, ClusterError> {
    Err(ClusterError::NoClient)
}
