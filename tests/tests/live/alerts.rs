use anyhow::{Result, ensure};
use serde_json::json;
use wrongdoor_tests::live::compare::{Role, is_of};
use wrongdoor_tests::live::{Agent, Ground, Residents, kernel};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::tools;

/// A server that refuses names it does not serve, before it chooses a certificate.
#[test]
fn the_alert_that_refuses_a_name_is_told_at_both_ends() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let refuses = ServerBlock::new("_", &ground.cert).with("ssl_reject_handshake on;");
    let serves = ServerBlock::new("a.test", &ground.cert);
    let server = nginx::start(&ground.subfolder("nginx")?, "", &[refuses, serves])?;
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    for (name, is_served) in [("a.test", true), ("z.test", false)] {
        let mut curl = tools::command("curl")?;
        curl.args([
            "--disable",
            "--silent",
            "--insecure",
            "--noproxy",
            "*",
            "--output",
            "/dev/null",
        ]);
        curl.arg("--resolve").arg(format!("{name}:{}:127.0.0.1", server.port()));
        let status = curl.arg(format!("https://{name}:{}/", server.port())).status()?;
        ensure!(status.success() == is_served, "{name}: {status}");
    }
    let report = agent.stop()?;
    let refused = json!({ "from": "server", "code": 112, "description": "unrecognized_name" });
    for role in [Role::Client, Role::Server] {
        let ours = report.connections.iter().filter(|line| is_of(line, role, &[server.port()]));
        let mut alerts: Vec<_> = ours.map(|line| (line["sni"].as_str(), &line["alert"])).collect();
        alerts.sort_unstable_by_key(|(sni, _)| *sni);
        let expected = [(Some("a.test"), &json!(null)), (Some("z.test"), &refused)];
        ensure!(alerts == expected, "{role:?}: {:#?}", report.connections);
    }
    Ok(())
}
