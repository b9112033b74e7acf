//! Lists, and what changes after them, for as long as the process lives.

use super::super::Directory;
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
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => directory.pods(|pods| pods.begin_list()),
            Ok(Event::InitDone) => {
                directory.pods(|pods| pods.end_list());
                tracing::info!(
                    pods = directory.view().standing().pods.objects,
                    node,
                    "the node's pods are known"
                );
            }
            Ok(Event::InitApply(object) | Event::Apply(object)) => {
                pod(&object, directory, &mut owners).await;
            }
            Ok(Event::Delete(object)) => {
                let uid = object.metadata.uid.unwrap_or_default();
                directory.pods(|pods| pods.delete(&uid));
            }
            Err(error) => {
                directory.pods(|pods| pods.failed());
                told("pods", &error);
            }
        }
    }
}

/// With what runs it, which of a job's pod takes a question.
async fn pod(object: &PodObject, directory: &Directory, owners: &mut Owners) {
    let Some(workload) = objects::workload(object) else { return };
    let cron_job = owners.cron_job(&workload).await;
    if let Some(seen) = objects::pod(object, cron_job.unwrap_or(workload)) {
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
        "the API server does not tell; what is known stays, and it is asked again: {why}"
    );
}
