//! The chart for those without Helm: plain manifests, one for each mode.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::chart::Chart;

/// The modes, each with a file.
pub const MODES: [&str; 2] = ["ebpf", "packets"];

/// What only Helm means something by.
const HELMS: [&str; 3] = ["# Source: ", "helm.sh/chart:", "app.kubernetes.io/managed-by:"];

/// Where the manifest of a mode is.
pub fn path(mode: &str) -> PathBuf {
    super::repository().join("deploy/manifests").join(format!("{mode}.yaml"))
}

/// What is in it.
pub fn render(mode: &str) -> Result<String> {
    let rendered = Chart::ours().render(&json!({ "mode": mode }))?;
    let mut text = format!(
        "# The defaults of the chart in mode {mode}, rendered by `cargo xtask manifests`. To apply: kubectl apply -f {mode}.yaml\n\
         apiVersion: v1\n\
         kind: Namespace\n\
         metadata:\n  name: wrongdoor\n  labels:\n    \
         # Only the Pod Security level `privileged` allows these pods.\n    \
         pod-security.kubernetes.io/enforce: privileged\n"
    );
    for file in rendered.texts {
        text += "---\n";
        let is_meant =
            |line: &&str| !HELMS.iter().any(|of_helm| line.trim_start().starts_with(of_helm));
        for line in file.trim().trim_start_matches("---\n").lines().filter(is_meant) {
            text += line;
            text += "\n";
        }
    }
    Ok(text)
}
