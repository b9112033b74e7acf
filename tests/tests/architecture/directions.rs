use std::collections::BTreeMap;
use std::fs;

use anyhow::{Result, ensure};

use super::imports::{Import, imports};
use super::root;

/// A module, and the modules that it may import.
type Row = (&'static str, &'static [&'static str]);

const AGENT: &[Row] = &[
    (
        "command",
        &[
            "error",
            "service",
            "doctor",
            "pipeline",
            "state",
            "cli",
            "export",
            "capture",
            "enrich",
            "probe",
            "log",
            "progress",
            "text",
            "exit_status",
            "config",
        ],
    ),
    ("error", &["service", "pipeline", "export", "capture", "enrich", "probe", "exit_status"]),
    (
        "service",
        &[
            "state",
            "cli",
            "export",
            "capture",
            "log",
            "privileges",
            "build_info",
            "tls_files",
            "text",
            "config",
        ],
    ),
    ("doctor", &["capture", "privileges", "kernel_release", "build_info", "text", "config"]),
    ("pipeline", &["state", "export", "capture", "enrich", "log", "progress", "ledger", "text"]),
    ("state", &["export", "enrich", "config"]),
    ("cli", &["probe", "build_info", "exit_status", "config"]),
    ("probe", &["progress", "tls_files", "text"]),
    (
        "export",
        &[
            "enrich",
            "tls_files",
            "ledger",
            "time_histogram",
            "privileges",
            "build_info",
            "files",
            "text",
            "config",
        ],
    ),
    (
        "capture",
        &[
            "ledger",
            "time_histogram",
            "privileges",
            "kernel_release",
            "build_info",
            "files",
            "text",
            "config",
        ],
    ),
    ("enrich", &["privileges", "text", "config"]),
    ("log", &["config"]),
    ("progress", &[]),
    ("ledger", &["time_histogram"]),
    ("time_histogram", &[]),
    ("privileges", &[]),
    ("kernel_release", &[]),
    ("build_info", &[]),
    ("files", &[]),
    ("text", &[]),
    ("tls_files", &[]),
    ("exit_status", &[]),
    ("config", &[]),
];

/// The sinks, and what they share.
const EXPORT: &[Row] = &[
    ("events", &["output", "record", "sink_stats"]),
    ("json_lines", &["shapes", "output", "record"]),
    ("metrics", &["record", "sink_stats"]),
    ("recent", &["shapes", "record"]),
    ("report", &["output", "record", "unread"]),
    ("table", &["output", "record", "unread"]),
    ("traces", &["record", "sink_stats"]),
    ("shapes", &[]),
    ("output", &["rotation"]),
    ("rotation", &[]),
    ("record", &[]),
    ("unread", &[]),
    ("sink_stats", &[]),
];

const CORE: &[Row] = &[
    ("engine", &["connection", "observation", "wire", "counters", "side", "time"]),
    (
        "explain",
        &[
            "observation",
            "http_facts",
            "http",
            "name",
            "wire",
            "bounded_map",
            "counters",
            "seen",
            "side",
            "time",
        ],
    ),
    ("connection", &["layer", "observation", "name", "wire", "counters", "side", "time"]),
    (
        "layer",
        &[
            "observation",
            "http_facts",
            "http",
            "name",
            "wire",
            "trace_context",
            "counters",
            "seen",
            "side",
            "time",
        ],
    ),
    (
        "observation",
        &[
            "http_facts",
            "http",
            "name",
            "wire",
            "trace_context",
            "counters",
            "seen",
            "side",
            "time",
        ],
    ),
    ("http_facts", &["wire", "seen"]),
    ("http", &[]),
    ("wire", &["name", "seen", "time"]),
    ("name", &["seen"]),
    ("trace_context", &[]),
    ("bounded_map", &[]),
    ("counters", &[]),
    ("seen", &[]),
    ("side", &[]),
    ("time", &[]),
];

const EBPF: &[Row] = &[
    (
        "uprobes",
        &[
            "tail_calls",
            "socket",
            "calls",
            "objects",
            "cursor",
            "functions",
            "registers",
            "settings",
            "counters",
        ],
    ),
    (
        "tail_calls",
        &[
            "http1",
            "start",
            "http2",
            "identify",
            "pieces",
            "calls",
            "objects",
            "cursor",
            "functions",
            "slot",
            "registers",
            "counters",
        ],
    ),
    ("socket", &["handshake", "kernel_socket", "calls", "objects", "settings", "counters"]),
    ("handshake", &["pre_accept", "segment", "lost", "counters"]),
    ("pre_accept", &["segment", "lost", "counters"]),
    ("identify", &["segment", "calls", "objects", "slot", "user_memory", "counters"]),
    ("segment", &["kernel_socket", "slot", "ring", "settings", "counters"]),
    ("kernel_socket", &[]),
    (
        "http1",
        &["message", "pieces", "calls", "objects", "cursor", "slot", "user_memory", "counters"],
    ),
    ("start", &["http2", "calls", "cursor", "user_memory", "bounds"]),
    (
        "http2",
        &["pieces", "calls", "objects", "cursor", "slot", "user_memory", "bounds", "counters"],
    ),
    ("message", &["objects", "cursor"]),
    (
        "messages",
        &["objects", "registers", "slot", "ring", "user_memory", "bounds", "settings", "counters"],
    ),
    ("pieces", &["objects", "lost", "cursor", "slot", "ring", "counters"]),
    ("calls", &["functions", "counters"]),
    ("objects", &["lost", "cursor", "ring", "counters"]),
    ("lost", &["ring", "counters"]),
    ("cursor", &[]),
    ("slot", &["counters"]),
    ("ring", &["settings", "counters"]),
    ("functions", &[]),
    ("registers", &[]),
    ("settings", &[]),
    ("user_memory", &[]),
    ("bounds", &[]),
    ("counters", &[]),
];

const XTASK: &[Row] = &[
    ("ci", &["deny", "fuzz", "kernel", "test", "toolchain", "cargo"]),
    ("bench", &["toolchain", "packages", "cargo"]),
    ("demo", &["toolchain", "packages", "cargo"]),
    ("image", &["toolchain", "cargo"]),
    ("setup", &["toolchain", "packages"]),
    ("test", &["docs", "toolchain", "packages", "cargo"]),
    ("docs", &["cargo"]),
    ("deny", &["cargo"]),
    ("pictures", &["packages", "cargo"]),
    ("kernel", &["packages", "cargo"]),
    ("fixtures", &["packages", "cargo"]),
    ("soak", &["packages", "cargo"]),
    ("build", &["cargo"]),
    ("dashboards", &["cargo"]),
    ("fuzz", &["cargo"]),
    ("hpack_stories", &[]),
    ("manifests", &[]),
    ("toolchain", &["packages", "cargo"]),
    ("packages", &["cargo"]),
    ("cargo", &[]),
];

/// Where a table holds: the sources of a crate, the module inside it, and the table.
const TABLES: &[(&str, &[&str], &[Row])] = &[
    ("agent/src", &[], AGENT),
    ("agent/src", &["export"], EXPORT),
    ("agent/core/src", &[], CORE),
    ("ebpf/src", &[], EBPF),
    ("xtask/src", &[], XTASK),
];

#[test]
fn dependencies_run_one_way() -> Result<()> {
    let mut wrong = Vec::new();
    for (source, inside, rows) in TABLES {
        let place = [&[*source], *inside].concat().join("/");
        check_table(&place, rows)?;
        for Import { from, to } in imports(&root().join(source))? {
            let below = |path: &[String]| {
                let rest = path.strip_prefix(
                    &inside.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>()[..],
                );
                rest.and_then(|rest| rest.first().cloned())
            };
            let (Some(from), Some(to)) = (below(&from), below(&to)) else { continue };
            let allowed = rows.iter().find(|(module, _)| *module == from);
            let is_module = rows.iter().any(|(module, _)| *module == to);
            let is_allowed = allowed.is_some_and(|(_, may)| may.contains(&to.as_str()));
            if from != to && is_module && !is_allowed {
                wrong.push(format!("{place}: `{from}` must not import `{to}`"));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Every module has a row, and each imports only rows below its own: so there is no circle.
fn check_table(place: &str, rows: &[Row]) -> Result<()> {
    let order: BTreeMap<&str, usize> =
        rows.iter().enumerate().map(|(index, (module, _))| (*module, index)).collect();
    for (index, (module, may)) in rows.iter().enumerate() {
        for other in *may {
            let below = order.get(other).is_some_and(|other| *other > index);
            ensure!(below, "{place}: `{other}` is not below `{module}` in the table");
        }
    }
    for entry in fs::read_dir(root().join(place))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_root = matches!(name.as_str(), "lib" | "main" | "mod" | "bin" | "tests" | "testing");
        ensure!(is_root || order.contains_key(name.as_str()), "{place}: `{name}` has no row");
    }
    Ok(())
}
