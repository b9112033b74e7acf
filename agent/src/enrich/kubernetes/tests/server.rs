//! An API server that says what it is told to, in this order.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Response, StatusCode, Uri};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// It ends with the runtime.
pub(super) struct Server {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, VecDeque<Answer>>,
    asked: Vec<String>,
}

/// One answer.
pub(super) enum Answer {
    /// An object.
    Object(StatusCode, Value),
    /// A watch: these events, and then nothing for ever.
    Stream(Vec<Value>),
    /// The same, and its end.
    Ended(Vec<Value>),
    /// The connection breaks.
    Broken,
}

impl Answer {
    pub(super) fn status(code: u16) -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "no", "reason": "Forbidden", "code": code,
        });
        Self::Object(StatusCode::from_u16(code).unwrap(), status)
    }

    pub(super) fn stream(events: &[Value]) -> Self {
        Self::Stream(events.to_vec())
    }

    pub(super) fn broken() -> Self {
        Self::Broken
    }

    /// A part of a list.
    pub(super) fn page(objects: &[Value], more: &str) -> Self {
        let metadata = json!({"resourceVersion": "10", "continue": more, "remainingItemCount": 1});
        Self::Object(
            StatusCode::OK,
            json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items(objects)}),
        )
    }

    pub(super) fn that_ends(self) -> Self {
        match self {
            Self::Stream(events) => Self::Ended(events),
            other => other,
        }
    }

    fn into_response(self) -> Response<Body> {
        let lines = |events: Vec<Value>| {
            stream::iter(events).map(|event| Ok(Bytes::from(format!("{event}\n"))))
        };
        let body: BoxStream<'static, io::Result<Bytes>> = match self {
            Self::Object(status, object) => {
                let body = Body::from(object.to_string());
                return Response::builder().status(status).body(body).unwrap();
            }
            Self::Stream(events) => lines(events).chain(stream::pending()).boxed(),
            Self::Ended(events) => lines(events).boxed(),
            Self::Broken => stream::iter([Err(io::Error::other("gone"))]).boxed(),
        };
        Response::new(Body::from_stream(body))
    }
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::<Mutex<Script>>::default();
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, script }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it says next at this path. Without anything to say it has no objects, and no news of them.
    pub(super) fn answer(&self, path: &str, answer: Answer) {
        let mut script = self.script.lock().unwrap();
        script.answers.entry(path.to_owned()).or_default().push_back(answer);
    }

    /// What it was asked, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, uri: Uri) -> Response<Body> {
    let is_watch = uri.query().is_some_and(|query| query.contains("watch="));
    let answer = {
        let mut script = script.lock().unwrap();
        script.asked.push(uri.to_string());
        script.answers.get_mut(uri.path()).and_then(VecDeque::pop_front)
    };
    let otherwise = || if is_watch { Answer::Stream(Vec::new()) } else { list("1", &[]) };
    answer.unwrap_or_else(otherwise).into_response()
}

/// Real servers leave out of a list's items what the list says already.
fn items(items: &[Value]) -> Vec<Value> {
    let mut items = items.to_vec();
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.remove("kind");
        item.remove("apiVersion");
    }
    items
}

/// All there are.
pub(super) fn list(version: &str, objects: &[Value]) -> Answer {
    let metadata = json!({"resourceVersion": version});
    let list =
        json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items(objects)});
    Answer::Object(StatusCode::OK, list)
}

/// News of one.
pub(super) fn event(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}

/// So far a watch has come.
pub(super) fn bookmark(version: &str) -> Value {
    let object = json!({
        "kind": "Pod", "apiVersion": "v1", "spec": {"containers": null}, "status": {},
        "metadata": {"resourceVersion": version, "creationTimestamp": null},
    });
    event("BOOKMARK", &object)
}

/// The server remembers nothing that old.
pub(super) fn expired() -> Value {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version: 10 (55)", "reason": "Expired", "code": 410,
    });
    event("ERROR", &status)
}

/// A pod of a Deployment, if its name is one's.
pub(super) fn pod(uid: &str, name: &str) -> Value {
    let hash = "5d4f";
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "generateName": "x-", "namespace": "shop", "uid": uid,
            "resourceVersion": "11", "generation": 1, "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {"pod-template-hash": hash},
            "managedFields": [{
                "manager": "kubelet", "operation": "Update", "apiVersion": "v1", "subresource": "status",
                "time": "2026-01-02T03:04:05Z", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:status": {"f:phase": {}, "f:podIP": {}}},
            }],
        },
        "spec": {
            "nodeName": "node-1", "securityContext": {}, "enableServiceLinks": true,
            "containers": [{"name": "nginx", "image": "x", "resources": {"limits": {"memory": "170Mi"}}}],
            "tolerations": [{"key": "x", "operator": "Exists", "tolerationSeconds": 300}],
        },
        "status": {
            "phase": "Running", "qosClass": "Burstable",
            "conditions": [{"type": "Ready", "status": "True", "lastProbeTime": null}],
            "hostIP": "192.0.2.1", "hostIPs": [{"ip": "192.0.2.1"}],
            "podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}], "startTime": "2026-01-02T03:04:05Z",
            "containerStatuses": [{
                "name": "nginx", "containerID": format!("containerd://id-of-{uid}"), "ready": true,
                "state": {"running": {"startedAt": "2026-01-02T03:04:05Z"}}, "lastState": {},
                "restartCount": 0, "image": "x", "imageID": "sha256:0", "started": true,
                "user": {"linux": {"uid": 0, "gid": 0, "supplementalGroups": [0]}},
            }],
        },
    });
    match name.rsplit_once('-').map(|(set, _)| set).filter(|set| set.ends_with(hash)) {
        Some(set) => owned(pod, "ReplicaSet", set),
        None => pod,
    }
}

/// The same, run by something.
pub(super) fn owned(mut object: Value, kind: &str, name: &str) -> Value {
    let owner =
        json!({"apiVersion": "x/v1", "kind": kind, "name": name, "uid": "o", "controller": true});
    object["metadata"]["ownerReferences"] = json!([owner]);
    object
}

/// A job's metadata, as it is asked for.
pub(super) fn job(name: &str, cron_job: Option<&str>) -> Answer {
    let object = json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": name, "namespace": "shop", "uid": "j"},
    });
    let object = match cron_job {
        Some(owner) => owned(object, "CronJob", owner),
        None => object,
    };
    Answer::Object(StatusCode::OK, object)
}

pub(super) fn service(uid: &str, name: &str, address: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": "shop", "uid": uid, "resourceVersion": "11"},
        "spec": {"clusterIP": address, "clusterIPs": [address], "type": "ClusterIP"},
    })
}
