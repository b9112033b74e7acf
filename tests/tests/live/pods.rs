use std::fs;

use crate::api_server::{ApiServer, pod, service};
use crate::collector::{Collector, Protocol};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wrongdoor_tests::live::agent::Events;
use wrongdoor_tests::live::compare::{Role, is_of};
use wrongdoor_tests::live::container::{Container, asks};
use wrongdoor_tests::live::{Agent, Ground, Residents, kernel};
use wrongdoor_tests::{binary, wait};

/// Six requests of two connections' worth, of which two are answered with 421.
const ASKED: usize = 6;

/// A server in a container, which the API server says is a Deployment's pod; its clients are nobody's.
#[test]
fn a_pod_is_told_by_its_workload_in_counters_events_and_spans() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let container = Container::start(&ground)?;
    // What curl needs is known before a curl comes that ends before it is examined.
    let _residents = Residents::start()?;
    // curl asks over loopback, which is where this service is said to be.
    let pods = vec![pod("web", "nginx", &container.id)];
    let services = vec![service("front", "127.0.0.1")];
    let api = ApiServer::start(ground.folder(), pods, services)?;
    let collector = Collector::rust(Protocol::Http, &[])?;
    let configuration = ground.folder().join("wrongdoor.yaml");
    let kubernetes = json!({"kubernetes": {"pods": "on", "kubeconfig": api.kubeconfig()}});
    fs::write(&configuration, kubernetes.to_string())?;
    let configuration = configuration.display().to_string();
    let mut arguments = vec!["--config".to_owned(), configuration, "--otlp-of=all".to_owned()];
    arguments.extend(collector.arguments());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let node = [("NODE_NAME", "node-1".to_owned())];
    let agent = Agent::start_in(&turn, &node, Events::All, &arguments)?;
    wait::until("pods and services", || {
        let metrics = agent.metrics()?;
        let known = metrics.sum("wrongdoor_kubernetes_synced", &[]);
        Ok((known > 1.5).then_some(()))
    })
    .with_context(|| agent.log())?;
    for ask in asks() {
        container.ask(&ground, &ask)?;
    }
    let ours = [("namespace", "shop"), ("workload", "web"), ("role", "server")];
    wait::until("the counters", || {
        let metrics = agent.metrics()?;
        let all = metrics.sum("wrongdoor_exchanges_total", &ours);
        let refused = metrics.sum("wrongdoor_misdirected_total", &ours);
        Ok((all > 5.5 && refused > 1.5).then_some(()))
    })
    .with_context(|| format!("{:#?}", agent.metrics()))?;
    let metrics = agent.metrics()?;
    let of_clients = [("workload", "web"), ("role", "client")];
    ensure!(metrics.sum("wrongdoor_exchanges_total", &of_clients) < 0.5, "curl is no pod");

    let spans = wait::until("the spans", || {
        let spans = collector.spans()?;
        let of_pod = spans.into_iter().filter(|span| span.kind == "server");
        let of_pod: Vec<_> = of_pod
            .filter(|span| span.attributes.get("container.id") == Some(&json!(container.id)))
            .collect();
        Ok((of_pod.len() >= ASKED).then_some(of_pod))
    })?;
    for span in spans {
        for (name, value) in [
            ("k8s.namespace.name", "shop"),
            ("k8s.deployment.name", "web"),
            ("k8s.pod.name", "web-6d4b75cb6d-hwt9p"),
            ("k8s.pod.uid", "3f2c0b8e-6d41-4a7f-9c55-0a1b2c3d4e5f"),
            ("k8s.container.name", "nginx"),
            ("k8s.node.name", "node-1"),
            ("wrongdoor.peer.kind", "service"),
            ("wrongdoor.peer.name", "front"),
        ] {
            ensure!(span.attributes.get(name) == Some(&json!(value)), "{name}: {span:#?}");
        }
    }

    let lines = agent.stop()?.exchanges;
    let ports = [container.port()];
    let told = json!({
        "namespace": "shop", "name": "web-6d4b75cb6d-hwt9p", "uid": "3f2c0b8e-6d41-4a7f-9c55-0a1b2c3d4e5f",
        "container": "nginx", "node": "node-1", "workload": {"kind": "Deployment", "name": "web"},
    });
    let front = json!({"kind": "service", "namespace": "shop", "name": "front", "workload": null});
    for (role, expected) in [(Role::Server, &told), (Role::Client, &Value::Null)] {
        let of_role: Vec<_> = lines.iter().filter(|line| is_of(line, role, &ports)).collect();
        ensure!(of_role.len() == ASKED, "{role:?}: {of_role:#?}");
        for line in of_role {
            ensure!(line.get("pod") == Some(expected), "{role:?}: {line:#}");
            ensure!(line.get("peer") == Some(&front), "{role:?}: {line:#}");
        }
    }
    Ok(())
}

/// It is said what is missing.
#[test]
fn without_a_cluster_only_who_insists_is_refused() -> Result<()> {
    for (node, told) in [(None, "NODE_NAME"), (Some("node-1"), "kubeconfig")] {
        let mut command =
            binary::command(&["run", "--source", "packets", "--listen", "127.0.0.1:0"]);
        command.args(["--for", "1s", "--kubernetes", "on"]);
        command.env_remove("NODE_NAME").env_remove("K8S_NODE_NAME");
        let output = command.envs(node.map(|node| ("NODE_NAME", node))).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(69), "{}: {said}", output.status);
        ensure!(said.contains("pods cannot be identified") && said.contains(told), "{said}");
    }
    Ok(())
}
