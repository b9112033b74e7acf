//! The seccomp profile that runtimes have by default, for a container with these capabilities.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::tools;

/// As runc is told it. The profile is that of Podman, CRI-O and buildah. It allows a capability no more than that of
/// containerd does, of which newer ones have `bpf` for CAP_BPF and `perf_event_open` for CAP_PERFMON besides.
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
    let rule = |rule: &Value| {
        let mut told = json!({ "names": rule["names"], "action": rule["action"] });
        for key in ["args", "errnoRet"] {
            if !rule[key].is_null() {
                told[key] = rule[key].clone();
            }
        }
        told
    };
    Ok(json!({
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "syscalls": rules.iter().filter(holds).map(rule).collect::<Vec<_>>(),
    }))
}
