//! A Kubernetes API server of one list of pods and one of services, which never change.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct ApiServer {
    kubeconfig: PathBuf,
    _stop: oneshot::Sender<()>,
    _thread: JoinHandle<()>,
}

/// What it has, by path.
#[derive(Debug)]
struct Objects {
    pods: Vec<Value>,
    services: Vec<Value>,
}

impl ApiServer {
    /// Starts one. What it takes to speak to it is put into the folder.
    pub(crate) fn start(folder: &Path, pods: Vec<Value>, services: Vec<Value>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let kubeconfig = folder.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": url}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "users": [{"name": "test", "user": {}}],
        });
        // YAML takes JSON.
        fs::write(&kubeconfig, config.to_string())?;
        let objects = Arc::new(Objects { pods, services });
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                let app = Router::new().fallback(answer).with_state(objects);
                tokio::select! {
                    _ended = axum::serve(listener, app) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { kubeconfig, _stop: stop, _thread: thread })
    }

    /// Who wants to speak to it reads this.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

async fn answer(State(objects): State<Arc<Objects>>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let objects = match uri.path() {
        "/api/v1/pods" if query.contains("fieldSelector=spec.nodeName%3Dnode-1") => &objects.pods,
        "/api/v1/services" => &objects.services,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    if query.contains("watch=") {
        // Nothing ever happens.
        std::future::pending::<()>().await;
    }
    // Of items the list says already what they are.
    let items: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut item = object.clone();
            for said in ["kind", "apiVersion"] {
                drop(item.as_object_mut().map(|item| item.remove(said)));
            }
            item
        })
        .collect();
    let metadata = json!({"resourceVersion": "1"});
    let list = json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items});
    Response::new(Body::from(list.to_string()))
}

/// A running pod of the Deployment `name` in the namespace `shop`, with one container, on `node-1`.
pub(crate) fn pod(name: &str, container: &str, id: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("{name}-6d4b75cb6d-hwt9p"), "namespace": "shop", "resourceVersion": "1",
            "uid": "3f2c0b8e-6d41-4a7f-9c55-0a1b2c3d4e5f",
            "labels": {"app": name, "pod-template-hash": "6d4b75cb6d"},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{name}-6d4b75cb6d"),
                "uid": "0a1b2c3d-6d41-4a7f-9c55-3f2c0b8e4e5f", "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": container, "image": "x"}]},
        "status": {
            "phase": "Running", "podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}], "hostIP": "192.0.2.1",
            "containerStatuses": [{"name": container, "ready": true, "containerID": format!("containerd://{id}")}],
        },
    })
}

/// A service in the namespace `shop`.
pub(crate) fn service(name: &str, address: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1"},
        "spec": {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address]},
    })
}
