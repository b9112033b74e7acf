use anyhow::{Result, ensure};
use serde_json::Value;
use tempfile::tempdir;
use wrongdoor_tests::binary;
use wrongdoor_tests::certs::Authority;
use wrongdoor_tests::live::compare::{Role, is_of};
use wrongdoor_tests::live::{Agent, kernel};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::report::{number, text};

/// Names that no other test asks for: one that is served, one that is refused, one that only the default host answers for.
const NAMES: [&str; 3] = ["served.beside.test", "refused.beside.test", "default.beside.test"];

/// Everything that a rule about clients may look at.
const OF_CLIENTS: [&str; 5] = [
    "wrongdoor_exchanges_total",
    "wrongdoor_misdirected_total",
    "wrongdoor_authority_mismatches_total",
    "wrongdoor_silent_misdirects_total",
    "wrongdoor_recoveries_total",
];

#[test]
fn a_probe_beside_an_agent_is_in_no_count_of_clients() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let folder = tempdir()?;
    let authority = Authority::new(folder.path())?;
    let cert = authority.issue("shared", &NAMES)?;
    let [served, refused, _] = NAMES;
    let blocks = [
        ServerBlock::new("_", &cert),
        ServerBlock::new(served, &cert),
        ServerBlock::new(refused, &cert).with("location / { return 421; }"),
    ];
    let server = nginx::start(folder.path(), "", &blocks)?;
    let mut agent = Agent::start(&turn)?;
    let root = authority.root();
    let connect = format!("127.0.0.1:{}", server.port());
    let mut arguments = vec!["probe", "--format", "json", "--connect", &connect, "--ca"];
    arguments.push(root.to_str().unwrap_or_default());
    arguments.push("--authority");
    arguments.extend(NAMES);
    let asked = binary::run(&arguments)?;
    ensure!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let asked = String::from_utf8(asked.stdout)?;
    let probes = asked.lines().filter(|line| line.contains(r#""type":"probe""#)).count();
    ensure!(probes >= 2 * NAMES.len(), "{asked}");

    // Other tests probe at the same time: the lines show when all of this probe was seen.
    let is_ours = |line: &Value| is_of(line, Role::Server, &[server.port()]);
    agent.wait_for("the probe", probes, is_ours)?;
    let of = |role: &'static str| [("role", role)];
    agent.wait_for_metrics("the probe to be counted at both ends", |metrics| {
        let count = f64::from(u32::try_from(probes).unwrap_or(u32::MAX));
        let connections = "wrongdoor_probe_connections_total";
        metrics.sum("wrongdoor_probe_exchanges_total", &of("server")) >= count
            && metrics.sum(connections, &of("server")) >= count
            && metrics.sum(connections, &of("client")) >= count
    })?;
    let metrics = agent.metrics()?;
    let refused = [("role", "server"), ("outcome", "misdirected")];
    ensure!(metrics.sum("wrongdoor_probe_exchanges_total", &refused) > 0.0, "{metrics:#?}");
    for sample in metrics.samples().iter().filter(|sample| OF_CLIENTS.contains(&&*sample.name)) {
        let names = ["authority", "sni"].map(|label| sample.labels.get(label));
        let is_ours = names.into_iter().flatten().any(|name| NAMES.contains(&&**name));
        ensure!(!is_ours, "{sample:?}");
    }
    // The lines are there, and say what they are of.
    let lines = agent.stop()?.exchanges;
    let lines: Vec<_> = lines.iter().filter(|line| is_ours(line)).collect();
    ensure!(lines.len() >= probes, "{lines:#?}");
    for line in lines {
        let is_mismatch = text(line, "verdict").is_some_and(|verdict| {
            verdict.starts_with("coalesced") || verdict.starts_with("mismatch")
        });
        let is_finding = is_mismatch || number(line, "status") == Some(421);
        let cause = line.get("cause").and_then(|cause| text(cause, "id"));
        ensure!(cause == is_finding.then_some("probe"), "{line:#}");
        ensure!(line.get("silent_misdirect") == Some(&Value::Bool(false)), "{line:#}");
    }
    Ok(())
}
