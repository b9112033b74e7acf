use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wrongdoor_tests::binary;
use wrongdoor_tests::deploy::chart::{self, Chart};
use wrongdoor_tests::deploy::manifests;

/// The oldest that the chart is for, and the newest that there is.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];

/// A file of rules that looks like a template in all places where one could.
const RULES: &str = "groups:\n  - name: wrongdoor\n    rules:\n      - alert: Misdirected\n        expr: sum by (authority) \
                     (rate(wrongdoor_misdirected_total[5m])) > 0\n        for: 5m\n        labels:\n          severity: \
                     warning\n        annotations:\n          summary: '{{ $labels.authority }}: {{ $value | humanize }}'\n";
/// A dashboard that does.
const DASHBOARD: &str = "{\n  \"title\": \"Doors\",\n  \"legendFormat\": \"{{authority}}\"\n}\n";

/// The project's chart with a file of rules and a dashboard, whatever the project has.
fn with_files(folder: &tempfile::TempDir) -> Result<Chart> {
    let copy = Chart::ours().copied_to(folder.path())?;
    for (kind, name, text) in
        [("rules", "alerts.yaml", RULES), ("dashboards", "doors.json", DASHBOARD)]
    {
        let folder = copy.folder().join("files").join(kind);
        if folder.is_dir() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), text)?;
    }
    Ok(copy)
}

/// Everything at once, in either mode.
fn everything(mode: &str) -> Value {
    json!({
        "mode": mode,
        "http": { "tls": { "secretName": "tls" }, "token": { "secretName": "token" } },
        "security": {
            "extraCapabilities": ["NET_ADMIN"],
            "securityContextConstraints": { "create": true },
            "seLinuxOptions": { "type": "spc_t" },
            "appArmorProfile": { "type": "Localhost", "localhostProfile": "wrongdoor" },
        },
        "config": { "packets": { "cleartext_ports": [8080] }, "events": { "path": "/events/events.jsonl" } },
        "service": { "enabled": true },
        "podMonitor": { "enabled": true, "interval": "30s", "scrapeTimeout": "10s",
                        "tlsConfig": { "insecureSkipVerify": true },
                        "metricRelabelings": [{ "regex": "process_.*", "sourceLabels": ["__name__"], "action": "drop" }] },
        "serviceMonitor": { "enabled": true, "relabelings": [{ "targetLabel": "cluster", "replacement": "one" }] },
        "prometheusRule": { "enabled": true, "labels": { "release": "prometheus" } },
        "dashboards": { "enabled": true },
        "networkPolicy": { "enabled": true, "from": [{ "namespaceSelector": {} }] },
        "priorityClassName": "system-node-critical",
        "imagePullSecrets": [{ "name": "registry" }],
        "commonLabels": { "team": "doors" },
        "podAnnotations": { "example.com/reload": "true" },
        "podLabels": { "tier": "node" },
        "affinity": { "nodeAffinity": {} },
        "env": [{ "name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://$(HOST_IP):4318" }],
        "envFrom": [{ "secretRef": { "name": "otlp" } }],
        "volumes": [{ "name": "events", "emptyDir": {} }],
        "volumeMounts": [{ "name": "events", "mountPath": "/events" }],
    })
}

#[test]
fn it_is_linted_and_every_example_is_valid_for_every_supported_api() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let chart = with_files(&folder)?;
    let mut cases = chart.examples()?;
    cases.push(("defaults".to_owned(), json!({})));
    cases.push(("packets by default".to_owned(), json!({ "mode": "packets" })));
    for mode in manifests::MODES {
        cases.push((format!("everything, {mode}"), everything(mode)));
    }
    let said = chart.check(&cases, &VERSIONS)?;
    ensure!(said.is_empty(), "{said:#?}");
    Ok(())
}

#[test]
fn the_schemas_refuse_what_no_api_knows() -> Result<()> {
    let rendered = Chart::ours().render(&everything("ebpf"))?;
    for (kind, place) in [
        ("DaemonSet", "/spec/template/spec/containers/0/securityContext"),
        ("ClusterRole", "/rules/0"),
        ("PodMonitor", "/spec/podMetricsEndpoints/0"),
        ("ServiceMonitor", "/spec/endpoints/0/authorization"),
        ("SecurityContextConstraints", ""),
    ] {
        let mut object = rendered.one(kind)?.clone();
        ensure!(chart::objections(std::slice::from_ref(&object), VERSIONS[0])?.is_empty());
        let there = object.pointer_mut(place).context("no such place")?;
        there.as_object_mut().context("no object")?.insert("privilegd".to_owned(), json!(true));
        let said = chart::objections(&[object], VERSIONS[0])?;
        ensure!(said.iter().any(|line| line.contains("privilegd")), "{kind}: {said:?}");
    }
    Ok(())
}

#[test]
fn the_agent_takes_the_configuration_of_every_example() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut cases = Chart::ours().examples()?;
    cases.push(("everything".to_owned(), everything("ebpf")));
    for (name, values) in cases {
        let file = folder.path().join("wrongdoor.yaml");
        fs::write(&file, Chart::ours().render(&values)?.configuration()?)?;
        let output =
            binary::run(&["run", "--print-config", "--config", &file.display().to_string()])?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{name}: {said}");
    }
    Ok(())
}

#[test]
fn what_is_configured_is_what_the_agent_is_told() -> Result<()> {
    let told = |values: Value| chart::yaml(&Chart::ours().render(&values)?.configuration()?);
    let plain = told(json!({}))?;
    ensure!(plain["source"] == "ebpf" && plain["listen"] == "0.0.0.0:9421", "{plain:#}");
    ensure!(plain["http"]["allow_plain"] == true && plain["log"]["format"] == "json", "{plain:#}");
    ensure!(plain["kubernetes"]["pods"] == "auto", "{plain:#}");
    // In the node's network nothing is answered beyond loopback unless somebody says so.
    let packets = told(json!({ "mode": "packets", "kubernetes": { "enabled": false } }))?;
    ensure!(packets["listen"] == "127.0.0.1:9421" && packets["http"].is_null(), "{packets:#}");
    ensure!(packets["kubernetes"].is_null(), "{packets:#}");
    let guarded = told(everything("packets"))?;
    ensure!(guarded["listen"] == "0.0.0.0:9421" && guarded["http"]["allow_plain"].is_null());
    ensure!(guarded["http"]["tls_certificate"] == "/etc/wrongdoor/tls/tls.crt", "{guarded:#}");
    // Beside probes packets are those of the node, and the pod is in a network of its own.
    let both = told(everything("ebpf"))?;
    ensure!(both["packets"]["netns"] == "/proc/1/ns/net", "{both:#}");
    ensure!(both["packets"]["cleartext_ports"] == json!([8080]), "{both:#}");
    Ok(())
}

#[test]
fn another_configuration_is_another_pod() -> Result<()> {
    let sum = |values: Value| -> Result<Value> {
        let rendered = Chart::ours().render(&values)?;
        let annotations = "/spec/template/metadata/annotations/checksum~1config";
        Ok(rendered.one("DaemonSet")?.pointer(annotations).context("no checksum")?.clone())
    };
    let one = sum(json!({}))?;
    ensure!(one == sum(json!({ "podLabels": { "a": "b" } }))?);
    ensure!(one != sum(json!({ "config": { "log": { "level": "debug" } } }))?);
    Ok(())
}

#[test]
fn rules_and_dashboards_are_handed_on_as_they_are() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let chart = with_files(&folder)?;
    let rendered = chart.render(&everything("ebpf"))?;
    ensure!(rendered.one("PrometheusRule")?["spec"] == chart::yaml(RULES)?);
    let maps = rendered.objects.iter().filter(|object| object["kind"] == "ConfigMap");
    let board: Vec<&Value> = maps.filter(|map| !map["data"]["doors.json"].is_null()).collect();
    ensure!(board.len() == 1, "{board:#?}");
    for board in board {
        ensure!(
            board["data"]["doors.json"].as_str().map(str::trim) == Some(DASHBOARD.trim()),
            "{board:#}"
        );
        ensure!(board["metadata"]["labels"]["grafana_dashboard"] == "1", "{board:#}");
        ensure!(board["metadata"]["annotations"]["grafana_folder"] == "wrongdoor", "{board:#}");
    }
    let without = chart.render(&json!({}))?;
    ensure!(!without.has("PrometheusRule"), "nobody asked for rules");
    ensure!(without.objects.iter().filter(|object| object["kind"] == "ConfigMap").count() == 1);
    Ok(())
}

#[test]
fn the_notes_say_who_can_read_the_metrics() -> Result<()> {
    for (values, said) in [
        (json!({}), "Every client that can connect can read the metrics"),
        (json!({ "mode": "packets" }), "loopback only"),
        (
            json!({ "mode": "packets", "http": { "allowPlain": true } }),
            "A NetworkPolicy has no effect",
        ),
        (everything("ebpf"), "bearer token in the secret token"),
    ] {
        let notes = Chart::ours().render(&values)?.notes;
        ensure!(notes.contains(said), "{said}: {notes}");
    }
    Ok(())
}

#[test]
fn the_manifests_are_the_chart() -> Result<()> {
    for mode in manifests::MODES {
        let (path, rendered) = (manifests::path(mode), manifests::render(mode)?);
        let committed = fs::read_to_string(&path)?;
        ensure!(committed == rendered, "{} is old; run: cargo xtask manifests", path.display());
        ensure!(!rendered.contains("helm"), "{rendered}");
    }
    Ok(())
}

#[test]
fn what_is_packaged_is_the_chart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let archive = Chart::ours().package(folder.path())?;
    ensure!(
        archive.is_file() && archive.extension().is_some_and(|end| end == "tgz"),
        "{}",
        archive.display()
    );
    Ok(())
}

#[test]
fn no_label_is_there_twice_and_selectors_keep_theirs() -> Result<()> {
    let name = "app.kubernetes.io/name";
    let rendered = Chart::ours().render(&json!({
        "commonLabels": { "release": "all", "team": "doors", name: "other" },
        "podLabels": { "team": "gates", name: "another" },
        "podMonitor": { "enabled": true, "labels": { "release": "prometheus" } },
        "prometheusRule": { "enabled": true, "labels": { "release": "rules" } },
    }))?;
    let set = rendered.one("DaemonSet")?;
    let labels = &set["spec"]["template"]["metadata"]["labels"];
    for (label, value) in set["spec"]["selector"]["matchLabels"].as_object().context("none")? {
        ensure!(labels[label] == *value, "{labels:#}");
    }
    ensure!(labels["team"] == "gates" && labels["release"] == "all", "{labels:#}");
    let monitor = rendered.one("PodMonitor")?;
    ensure!(monitor["metadata"]["labels"]["release"] == "prometheus", "{monitor:#}");
    ensure!(monitor["metadata"]["labels"]["team"] == "doors", "{monitor:#}");
    // All entries of a map commented out is a map that is not there.
    let bare = json!({ "commonLabels": null, "podLabels": null });
    ensure!(Chart::ours().render(&bare)?.one("DaemonSet").is_ok());
    // An agent is called by its node, which outlives its pods.
    let relabelled = &monitor["spec"]["podMetricsEndpoints"][0]["relabelings"];
    let node = json!(["__meta_kubernetes_pod_node_name"]);
    ensure!(
        relabelled[0] == json!({ "sourceLabels": node, "targetLabel": "instance" }),
        "{relabelled:#}"
    );
    Ok(())
}

#[test]
fn links_of_alerts_begin_where_they_are_told_to() -> Result<()> {
    let links = |rules: &Value| -> Result<Vec<Value>> {
        let rendered = Chart::ours().render(&json!({ "prometheusRule": rules }))?;
        let listed = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let groups =
            rendered.all("PrometheusRule").flat_map(|file| listed(&file["spec"]["groups"]));
        let rules = groups.flat_map(|group| listed(&group["rules"]));
        let links: Vec<Value> = rules
            .map(|rule| rule["annotations"].clone())
            .filter(|links| !links.is_null())
            .collect();
        ensure!(!links.is_empty());
        Ok(links)
    };
    let (repository, grafana) = ("https://git.test/wrongdoor/", "https://grafana.test");
    let told = json!({ "enabled": true, "repositoryUrl": repository, "grafanaUrl": format!("{grafana}/") });
    for (rules, repository, grafana) in
        [(json!({ "enabled": true }), "", ""), (told, repository, grafana)]
    {
        for links in links(&rules)? {
            let begins = |link: &str, with: String| {
                links[link].as_str().is_some_and(|link| link.starts_with(&with))
            };
            ensure!(
                begins("runbook_url", format!("{repository}dashboards/runbooks/")),
                "{links:#}"
            );
            ensure!(begins("dashboard", format!("{grafana}/d/wrongdoor-")), "{links:#}");
        }
    }
    Ok(())
}
