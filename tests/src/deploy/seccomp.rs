//! The seccomp profile that runtimes have by default, for a container with these capabilities.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::tools;

/// What containerd 1.7 and later allow to a capability, beside what the profile of Podman, CRI-O and buildah does.
const CONTAINERD: [(&str, &str); 2] = [("CAP_BPF", "bpf"), ("CAP_PERFMON", "perf_event_open")];

/// The profile in the form that runc reads: the one of Podman, CRI-O and buildah, with the additions of containerd.
pub fn runtime_default(capabilities: &[String]) -> Result<Value> {
    let text = fs::read_to_string(tools::path(tools::SECCOMP_PROFILE)?)?;
    let profile: Value = serde_json::from_str(&text).context("not a profile")?;
    let rules = profile["syscalls"].as_array().context("no rules")?;
    let holds = |rule: &&Value| {
        let names = |of: &str, key: &str| -> Vec<String> {
            let list = rule[of][key].as_array().cloned().unwrap_or_default();
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let is_here = |architecture: &String| *architecture == super::image::architecture();
        let wanted = names("includes", "caps").iter().all(|name| capabilities.contains(name))
            && !names("excludes", "caps").iter().any(|name| capabilities.contains(name));
        let architectures = names("includes", "arches");
        wanted
            && (architectures.is_empty() || architectures.iter().any(is_here))
            && !names("excludes", "arches").iter().any(is_here)
    };
    let added: Vec<&str> = CONTAINERD
        .into_iter()
        .filter(|(capability, _)| capabilities.iter().any(|has| has == capability))
        .map(|(_, call)| call)
        .collect();
    let rule = |rule: &Value| {
        let mut names = rule["names"].as_array().cloned().unwrap_or_default();
        names.retain(|name| !added.iter().any(|call| name == call));
        let mut told = json!({ "names": names, "action": rule["action"] });
        for key in ["args", "errnoRet"] {
            if !rule[key].is_null() {
                told[key] = rule[key].clone();
            }
        }
        told
    };
    let mut rules: Vec<Value> = rules.iter().filter(holds).map(rule).collect();
    if !added.is_empty() {
        rules.push(json!({ "names": added, "action": "SCMP_ACT_ALLOW" }));
    }
    Ok(json!({
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "syscalls": rules,
    }))
}
