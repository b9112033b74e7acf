//! Lists, and what changes after them, for as long as the process lives.

use super::super::Directory;
use super::super::cluster_ends::Workload;
use super::chain;
use super::objects::{self, PodObject, ServiceObject};
use super::owners::Owners;
use futures_util::StreamExt;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client};
use std::pin::pin;
use std::time::Duration;

/// How often what was deleted long ago is looked for.
const SWEPT_EVERY: Duration = Duration::from_secs(60);
/// The API server is asked for so many at a time, so that a large cluster's list is never held whole.
const PAGE: u32 = 500;

/// Follows everything.
pub(super) async fn all(client: Client, node: &str, directory: &Directory) {
    let sweep = async {
        loop {
            tokio::time::sleep(SWEPT_EVERY).await;
            directory.sweep();
        }
    };
    tokio::join!(pods(client.clone(), node, directory), services(client, directory), sweep);
}

async fn pods(client: Client, node: &str, directory: &Directory) {
    let api: Api<PodObject> = Api::all_with(client.clone(), &objects::pods());
    let of_node = Config::default().page_size(PAGE).fields(&format!("spec.nodeName={node}"));
    // Backs off by itself, lists again where the server has forgotten where we were, and never ends.
    let mut events = pin!(watcher(api, of_node).default_backoff());
    let mut owners = Owners::new(client);
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            (workload, pods) = owners.next() => {
                for object in &pods {
                    apply(object, workload.clone(), directory);
                }
                continue;
            }
        };
        match event {
            None => break,
            Some(Ok(Event::Init)) => {
                owners.begin_list();
                directory.pods(|pods| pods.begin_list());
            }
            Some(Ok(Event::InitDone)) => {
                directory.pods(|pods| pods.end_list());
                tracing::info!(
                    pods = directory.view().standing().pods.objects,
                    node,
                    "the pods of this node are known"
                );
            }
            Some(Ok(Event::InitApply(object) | Event::Apply(object))) => {
                if let Some(workload) = objects::workload(&object) {
                    apply(&object, owners.of(workload, &object), directory);
                }
            }
            Some(Ok(Event::Delete(object))) => {
                let uid = object.metadata.uid.unwrap_or_default();
                owners.gone(&uid);
                directory.pods(|pods| pods.delete(&uid));
            }
            Some(Err(error)) => {
                directory.pods(|pods| pods.failed());
                told("pods", &error);
            }
        }
    }
}

fn apply(object: &PodObject, workload: Workload, directory: &Directory) {
    if let Some(seen) = objects::pod(object, workload) {
        directory.pods(|pods| pods.apply(seen));
    }
}

async fn services(client: Client, directory: &Directory) {
    let api: Api<ServiceObject> = Api::all_with(client, &objects::services());
    let mut events = pin!(watcher(api, Config::default().page_size(PAGE)).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => directory.services(|services| services.begin_list()),
            Ok(Event::InitDone) => directory.services(|services| services.end_list()),
            Ok(Event::InitApply(object) | Event::Apply(object)) => {
                if let Some(seen) = objects::service(&object) {
                    directory.services(|services| services.apply(seen));
                }
            }
            Ok(Event::Delete(object)) => {
                let uid = object.metadata.uid.unwrap_or_default();
                directory.services(|services| services.delete(&uid));
            }
            Err(error) => {
                directory.services(|services| services.failed());
                told("services", &error);
            }
        }
    }
}

fn told(what: &'static str, error: &kube::runtime::watcher::Error) {
    let why = chain(error);
    tracing::warn!(
        what,
        "the API server cannot be read; the agent keeps what it knows and retries: {why}"
    );
}
