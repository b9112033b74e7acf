use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wrongdoor_tests::deploy::chart::Chart;

/// The README's table ("Kernels and privileges"): the smallest set for probes, and that for packets.
const EBPF: [&str; 6] =
    ["BPF", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH", "NET_ADMIN", "PERFMON", "SYS_PTRACE"];
const PACKETS: [&str; 2] = ["BPF", "NET_RAW"];

/// A pod's specification.
fn pod(values: &Value) -> Result<Value> {
    let rendered = Chart::ours().render(values)?;
    Ok(rendered.one("DaemonSet")?.pointer("/spec/template/spec").context("no pod")?.clone())
}

#[test]
fn a_container_may_do_what_its_mode_takes_and_no_more() -> Result<()> {
    let cleartext = json!({ "packets": { "cleartext_ports": [8080] } });
    let with = |more: &'static str| {
        let mut all: Vec<&str> = EBPF.into_iter().chain([more]).collect();
        all.sort_unstable();
        all
    };
    let (with_packets, with_sys_admin) = (with("NET_RAW"), with("SYS_ADMIN"));
    let older_kernel = json!({ "security": { "sysAdmin": true } });
    for (values, added, apparmor) in [
        (json!({}), &EBPF[..], json!({ "type": "Unconfined" })),
        (json!({ "config": cleartext }), &with_packets, json!({ "type": "Unconfined" })),
        (older_kernel, &with_sys_admin, json!({ "type": "Unconfined" })),
        (json!({ "mode": "packets" }), &PACKETS, Value::Null),
        (json!({ "mode": "packets", "config": cleartext }), &PACKETS, Value::Null),
    ] {
        let pod = pod(&values)?;
        let mut expected = json!({
            "privileged": false,
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "runAsUser": 0,
            "runAsGroup": 0,
            "capabilities": { "drop": ["ALL"], "add": added },
            "seccompProfile": { "type": "RuntimeDefault" },
        });
        if !apparmor.is_null() {
            expected["appArmorProfile"] = apparmor;
        }
        let given = &pod["containers"][0]["securityContext"];
        ensure!(*given == expected, "{values}: {given:#}");
        ensure!(pod["securityContext"].is_null() && pod["initContainers"].is_null(), "{pod:#}");
    }
    Ok(())
}

#[test]
fn a_pod_has_of_the_node_what_its_mode_takes_and_no_more() -> Result<()> {
    for (mode, pids, network, paths) in
        [("ebpf", true, false, &["/sys/fs/cgroup"][..]), ("packets", false, true, &[])]
    {
        let pod = pod(&json!({ "mode": mode }))?;
        let is = |key: &str| pod[key] == true;
        ensure!(is("hostPID") == pids && is("hostNetwork") == network && !is("hostIPC"), "{pod:#}");
        let volumes = pod["volumes"].as_array().context("no volumes")?;
        let of_node: Vec<&str> =
            volumes.iter().filter_map(|volume| volume["hostPath"]["path"].as_str()).collect();
        ensure!(of_node == paths, "{mode}: {of_node:?}");
        let mounts = pod["containers"][0]["volumeMounts"].as_array().context("no mounts")?;
        ensure!(mounts.iter().all(|mount| mount["readOnly"] == true), "{mounts:#?}");
    }
    Ok(())
}

#[test]
fn the_api_server_is_asked_for_pods_and_nothing_else_or_not_at_all() -> Result<()> {
    let with = Chart::ours().render(&json!({}))?;
    let rules = json!([
        { "apiGroups": [""], "resources": ["pods", "services"], "verbs": ["list", "watch"] },
        { "apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get"] },
    ]);
    ensure!(with.one("ClusterRole")?["rules"] == rules, "{:#}", with.one("ClusterRole")?);
    ensure!(with.one("ClusterRoleBinding")?["subjects"][0]["name"] == "wrongdoor");
    ensure!(!with.has("Role") && !with.has("RoleBinding"));
    ensure!(pod(&json!({}))?["automountServiceAccountToken"] == true);

    let off = json!({ "kubernetes": { "enabled": false } });
    let without = Chart::ours().render(&off)?;
    ensure!(!without.has("ClusterRole") && !without.has("ClusterRoleBinding"));
    ensure!(pod(&off)?["automountServiceAccountToken"] == false);
    Ok(())
}

#[test]
fn openshift_is_asked_for_what_the_pod_has() -> Result<()> {
    for mode in ["ebpf", "packets"] {
        let values = json!({ "mode": mode, "security": { "securityContextConstraints": { "create": true } } });
        let rendered = Chart::ours().render(&values)?;
        let allowed = rendered.one("SecurityContextConstraints")?;
        let pod = pod(&values)?;
        let added = &pod["containers"][0]["securityContext"]["capabilities"]["add"];
        ensure!(allowed["allowedCapabilities"] == *added, "{allowed:#}");
        ensure!(allowed["allowHostPID"] == (pod["hostPID"] == true), "{allowed:#}");
        ensure!(allowed["allowHostNetwork"] == (pod["hostNetwork"] == true), "{allowed:#}");
        ensure!(allowed["allowPrivilegedContainer"] == false, "{allowed:#}");
        ensure!(
            allowed["users"] == json!(["system:serviceaccount:wrongdoor:wrongdoor"]),
            "{allowed:#}"
        );
    }
    Ok(())
}

#[test]
fn openshift_allows_the_profile_and_the_type_that_the_pod_names() -> Result<()> {
    for (profile, expected) in [
        (json!({ "type": "RuntimeDefault" }), "runtime/default"),
        (json!({ "type": "Unconfined" }), "unconfined"),
        (json!({ "type": "Localhost", "localhostProfile": "door.json" }), "localhost/door.json"),
    ] {
        let values = json!({ "security": {
            "securityContextConstraints": { "create": true },
            "seccompProfile": profile,
            "seLinuxOptions": { "type": "spc_t" },
        }});
        let rendered = Chart::ours().render(&values)?;
        let allowed = rendered.one("SecurityContextConstraints")?;
        ensure!(allowed["seccompProfiles"] == json!([expected]), "{allowed:#}");
        // It would also want the level of the namespace, which the pod does not name.
        ensure!(allowed["seLinuxContext"] == json!({ "type": "RunAsAny" }), "{allowed:#}");
    }
    Ok(())
}
