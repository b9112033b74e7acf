//! The thread that follows the API server: the pods of this node, and the cluster's services.
//!
//! It needs `list` and `watch` of both, and `get` of jobs to tell whose a CronJob's pods are; what is refused stays
//! unknown, and the rest is told all the same.

mod objects;
mod owners;
#[cfg(test)]
mod tests;
mod watch;

use super::Directory;
use crate::privileges;
use crate::text::chain;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, thread};
use tokio::runtime::Builder;

/// Whom to follow.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    /// The node whose pods are of interest.
    pub(crate) node: String,
    /// How to reach the API server, where a pod's own service account does not say.
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// Why it cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFollowed {
    #[error("the kubeconfig `{path}` cannot be used: {why}")]
    Kubeconfig { path: PathBuf, why: String },
    #[error(
        "the agent does not run in a pod with a service account: {0}; outside of a pod, set `kubernetes.kubeconfig`"
    )]
    NoServiceAccount(String),
    #[error("cannot start the thread that watches the API server")]
    Thread(#[from] io::Error),
}

/// Fills the directory for as long as the process lives.
///
/// That the API server does not answer is no reason not to start: it is asked again and again.
pub(crate) fn follow(cluster: Cluster, directory: Arc<Directory>) -> Result<(), NotFollowed> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let config = runtime.block_on(config(cluster.kubeconfig.as_deref()))?;
    let (ready, started) = std::sync::mpsc::sync_channel(1);
    thread::Builder::new().name("kubernetes".to_owned()).spawn(move || {
        privileges::keep(privileges::NOTHING, "kubernetes");
        runtime.block_on(async move {
            match Client::try_from(config) {
                Ok(client) => {
                    let _nobody_waits = ready.send(None);
                    watch::all(client, &cluster.node, &directory).await;
                }
                Err(error) => drop(ready.send(Some(error.to_string()))),
            }
        });
    })?;
    match started.recv() {
        Ok(None) => Ok(()),
        Ok(Some(why)) => Err(NotFollowed::NoServiceAccount(why)),
        Err(_) => Err(NotFollowed::Thread(io::Error::other("it ended at once"))),
    }
}

async fn config(kubeconfig: Option<&Path>) -> Result<Config, NotFollowed> {
    let Some(path) = kubeconfig else {
        return Config::incluster_env()
            .map_err(|error| NotFollowed::NoServiceAccount(chain(&error)));
    };
    let refuse = |why| NotFollowed::Kubeconfig { path: path.to_owned(), why };
    let file = Kubeconfig::read_from(path).map_err(|error| refuse(chain(&error)))?;
    let options = KubeConfigOptions::default();
    Config::from_custom_kubeconfig(file, &options).await.map_err(|error| refuse(chain(&error)))
}
