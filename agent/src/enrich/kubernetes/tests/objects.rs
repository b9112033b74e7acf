use super::super::objects::{self, PodObject, ServiceObject};
use serde_json::{Value, json};

fn pod(metadata: Value, spec: Value, status: Value) -> PodObject {
    let mut object = json!({"apiVersion": "v1", "kind": "Pod", "spec": spec, "status": status});
    object["metadata"] = json!({"name": "web-0", "namespace": "shop", "uid": "u1"});
    let known = object["metadata"].as_object_mut().unwrap();
    known.extend(metadata.as_object().unwrap().clone());
    serde_json::from_value(object).unwrap()
}

fn workload(metadata: Value) -> String {
    let workload = objects::workload(&pod(metadata, json!({}), json!({}))).unwrap();
    format!("{}/{}", workload.kind, workload.name)
}

fn owner(kind: &str, name: &str) -> Value {
    json!([
        {"apiVersion": "v1", "kind": "Other", "name": "other", "uid": "o0"},
        {"apiVersion": "v1", "kind": kind, "name": name, "uid": "o", "controller": true},
    ])
}

#[test]
fn a_pod_is_one_of_what_runs_it() {
    for (name, labels, owners, expected) in [
        (
            "web-5d4f-x",
            json!({"pod-template-hash": "5d4f"}),
            owner("ReplicaSet", "web-5d4f"),
            "Deployment/web",
        ),
        (
            "web-5d4f-x",
            json!({"rollouts-pod-template-hash": "5d4f"}),
            owner("ReplicaSet", "web-5d4f"),
            "Rollout/web",
        ),
        // Somebody's own ReplicaSet, whatever its name looks like.
        ("web-5d4f-x", json!({}), owner("ReplicaSet", "web-5d4f"), "ReplicaSet/web-5d4f"),
        (
            "web-5d4f-x",
            json!({"pod-template-hash": "77"}),
            owner("ReplicaSet", "web-5d4f"),
            "ReplicaSet/web-5d4f",
        ),
        ("db-0", json!({}), owner("StatefulSet", "db"), "StatefulSet/db"),
        ("agent-x", json!({}), owner("DaemonSet", "agent"), "DaemonSet/agent"),
        ("once-x", json!({}), owner("Job", "once"), "Job/once"),
        ("spark-driver", json!({}), owner("SparkApplication", "spark"), "SparkApplication/spark"),
        // Nothing runs it; an owner that is no controller; a static pod.
        ("alone", json!({}), json!([]), "Pod/alone"),
        (
            "alone",
            json!({}),
            json!([{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "o"}]),
            "Pod/alone",
        ),
        ("etcd-node-1", json!({}), owner("Node", "node-1"), "Pod/etcd"),
    ] {
        let told = workload(json!({"name": name, "labels": labels, "ownerReferences": owners}));
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn a_pod_has_its_containers_and_only_addresses_of_its_own() {
    let status = json!({
        "phase": "Running",
        "podIP": "10.0.0.7",
        "podIPs": [{"ip": "10.0.0.7"}, {"ip": "2001:db8::7"}, {}],
        "containerStatuses": [
            {"name": "nginx", "containerID": "containerd://c0ffee", "ready": true},
            {"name": "waits", "containerID": ""},
            {"name": "new"},
        ],
        "initContainerStatuses": [{"name": "setup", "containerID": "cri-o://5e70"}],
        "ephemeralContainerStatuses": [{"name": "debug", "containerID": "docker://deb0"}],
    });
    let seen = |metadata, spec, status| {
        let object = pod(metadata, spec, status);
        objects::pod(&object, objects::workload(&object).unwrap()).unwrap()
    };
    let own = seen(json!({}), json!({"nodeName": "node-1"}), status.clone());
    let ids: Vec<&str> = own.containers.iter().map(|(id, _)| &**id).collect();
    assert_eq!(ids, ["c0ffee", "5e70", "deb0"]);
    let addresses: Vec<String> = own.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.0.0.7", "2001:db8::7"]);
    assert_eq!(own.pod.node.as_deref(), Some("node-1"));

    assert!(seen(json!({}), json!({"hostNetwork": true}), status.clone()).addresses.is_empty());
    for phase in ["Succeeded", "Failed"] {
        let mut status = status.clone();
        status["phase"] = phase.into();
        assert!(seen(json!({}), json!({}), status).addresses.is_empty(), "{phase}");
    }
    // What kubelet calls a static pod; on others it is what somebody wrote there.
    for (kind, expected) in [("Node", Some("5ca1e")), ("ReplicaSet", None)] {
        let annotations = json!({"kubernetes.io/config.hash": "5ca1e"});
        let metadata = json!({"annotations": annotations, "ownerReferences": owner(kind, "x")});
        let fixed = seen(metadata, json!({}), json!({}));
        assert_eq!(fixed.alias.as_deref(), expected, "{kind}");
    }
}

#[test]
fn null_and_what_is_missing_is_nothing() {
    let nothing = json!({
        "phase": null, "podIP": null, "podIPs": null, "containerStatuses": null,
        "initContainerStatuses": null, "ephemeralContainerStatuses": null,
    });
    for status in [nothing, json!({})] {
        let object = pod(json!({}), json!({"nodeName": null}), status);
        let seen = objects::pod(&object, objects::workload(&object).unwrap()).unwrap();
        assert!(seen.containers.is_empty() && seen.addresses.is_empty());
    }
}

#[test]
fn a_headless_service_has_no_address() {
    for (spec, expected) in [
        (json!({"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00::1"]}), 2),
        (json!({"clusterIP": "None", "clusterIPs": ["None"]}), 0),
        (json!({"type": "ExternalName", "externalName": "a.test"}), 0),
    ] {
        let object = json!({
            "apiVersion": "v1", "kind": "Service", "spec": spec,
            "metadata": {"name": "web", "namespace": "shop", "uid": "s1"},
        });
        let object: ServiceObject = serde_json::from_value(object).unwrap();
        assert_eq!(objects::service(&object).unwrap().addresses.len(), expected);
    }
}
