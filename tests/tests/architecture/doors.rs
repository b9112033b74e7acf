//! Each protocol or export library is imported in one place.

use std::fs;
use std::path::{Path, PathBuf};

use super::root;
use anyhow::{Context, Result, ensure};

/// Each protocol or export library has one door: where it is imported.
const DOORS: &[(&str, &[&str])] = &[
    ("pcap_parser", &["agent/pcap/src"]),
    ("memmap2", &["agent/pcap/src"]),
    ("ruzstd", &["agent/pcap/src", "agent/core/src/wire/tls/compressed_certificate"]),
    ("flate2", &["agent/pcap/src", "agent/src/export/traces"]),
    ("rustls_native_certs", &["agent/src/tls_files"]),
    ("tls_parser", &["agent/core/src/wire/tls"]),
    ("x509_parser", &["agent/core/src/wire/tls/certificate"]),
    ("httparse", &["agent/core/src/layer/http1"]),
    ("idna", &["agent/core/src/name"]),
    (
        "serde_json",
        &[
            "agent/src/text/json",
            "agent/src/config/reload",
            "agent/src/export/recent",
            "agent/src/export/shapes",
            "agent/src/enrich/kubernetes/tests",
        ],
    ),
    ("schemars", &["agent/src/export/shapes", "agent/src/text/clock"]),
    ("serde_saphyr", &["agent/src/service/settings"]),
    ("base64", &["agent/src/export/report"]),
    ("maud", &["agent/src/export/report"]),
    ("comfy_table", &["agent/src/export/table", "agent/src/text/table"]),
    ("indicatif", &["agent/src/progress"]),
    ("prometheus", &["agent/src/export/metrics/text"]),
    ("axum", &["agent/src/service/http", "agent/src/enrich/kubernetes/tests"]),
    ("kube", &["agent/src/enrich/kubernetes"]),
    ("k8s_openapi", &["agent/src/enrich/kubernetes"]),
    ("futures_util", &["agent/src/enrich/kubernetes"]),
    ("opentelemetry", &["agent/src/export/traces"]),
    ("opentelemetry_sdk", &["agent/src/export/traces"]),
    ("opentelemetry_proto", &["agent/src/export/traces"]),
    ("tonic", &["agent/src/export/traces"]),
    ("prost", &["agent/src/export/traces"]),
    (
        "rustls",
        &[
            "agent/src/export/traces",
            "agent/src/service/http/access",
            "agent/src/probe/tls",
            "agent/src/probe/http",
            "agent/src/tls_files",
        ],
    ),
    (
        "hyper_util",
        &["agent/src/export/traces", "agent/src/service/http/server", "agent/src/probe/http"],
    ),
    ("tracing_subscriber", &["agent/src/log"]),
    ("hyper", &["agent/src/service/http/server", "agent/src/probe/http"]),
    ("h2", &["agent/src/probe/http"]),
    (
        "tokio_rustls",
        &["agent/src/service/http/access", "agent/src/probe/tls", "agent/src/probe/http"],
    ),
    (
        "clap",
        &[
            "agent/src/cli",
            "agent/src/config/options",
            "agent/src/probe/options",
            "agent/src/command/manual",
            "agent/src/testing",
        ],
    ),
    ("clap_complete", &["agent/src/cli", "agent/src/command/manual"]),
    ("clap_mangen", &["agent/src/command/manual"]),
    ("aya_obj", &["agent/src/capture/ebpf/uprobe_multi"]),
    ("jiff", &["agent/src/text/clock"]),
    ("brotli_decompressor", &["agent/core/src/wire/tls/compressed_certificate"]),
    ("miniz_oxide", &["agent/core/src/wire/tls/compressed_certificate"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn each_library_has_one_door() -> Result<()> {
    let mut files = Vec::new();
    sources(&root().join("agent"), &mut files)?;
    ensure!(!files.is_empty(), "no sources found");
    let mut trespassers = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root())?.to_string_lossy().into_owned();
        for (library, doors) in DOORS {
            if !doors.iter().any(|door| name.starts_with(door))
                && text.contains(&format!("{library}::"))
            {
                trespassers.push(format!("{name} uses {library}, whose doors are {doors:?}"));
            }
        }
    }
    assert!(trespassers.is_empty(), "{}", trespassers.join("\n"));
    Ok(())
}
