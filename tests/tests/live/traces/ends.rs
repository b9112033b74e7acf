use std::collections::BTreeSet;

use crate::collector::{Collector, Protocol, Span};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use wrongdoor_tests::live::agent::Events;
use wrongdoor_tests::live::namespaces::{End, Namespaces};
use wrongdoor_tests::live::{Agent, Ground, kernel};
use wrongdoor_tests::report::text;
use wrongdoor_tests::wait;

#[test]
fn two_agents_at_two_ends_write_one_trace() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let namespaces = Namespaces::new(&ground)?;
    let collector = Collector::rust(Protocol::Grpc, &[])?;
    let mut arguments = collector.arguments();
    arguments.push("--include".to_owned());
    let agent = |end| {
        let rule = namespaces.rule(end)?;
        let arguments = arguments.iter().chain([&rule]).map(String::as_str);
        Agent::start_in(&turn, &[], Events::All, &arguments.collect::<Vec<_>>())
    };
    let curl = namespaces.client()?;
    let (server, client) = (agent(End::Server)?, agent(End::Client)?);
    namespaces.ask(curl, &ground, &["a.test", "d.test", "b.test"])?;
    wait::until("both ends' spans", || Ok((collector.spans()?.len() == 8).then_some(())))
        .with_context(|| format!("{:#?}\n{}\n{}", collector.spans(), server.log(), client.log()))?;
    let spans = collector.spans()?;
    let traces: BTreeSet<&str> = spans.iter().map(|span| span.trace_id.as_str()).collect();
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    ensure!(traces.len() == 1 && ids.len() == spans.len(), "{traces:?} {ids:?}");
    for (agent, role) in [(server, "server"), (client, "client")] {
        let report = agent.stop()?;
        let own = |span: &&Span| span.attribute("wrongdoor.role") == Some(&json!(role));
        let own: Vec<&Span> = spans.iter().filter(own).collect();
        let parents = own.iter().filter(|span| span.name == "connection");
        let [parent] = parents.collect::<Vec<_>>()[..] else { anyhow::bail!("{own:#?}") };
        let kinds: Vec<_> = own.iter().filter(|span| span.kind == role).collect();
        ensure!(own.len() == 4 && kinds.len() == 3, "{own:#?}");
        ensure!(kinds.iter().all(|span| span.parent_span_id == parent.span_id), "{own:#?}");
        // Each saw its own end only, and both the same trace.
        ensure!(report.exchanges.iter().all(|line| text(line, "role") == Some(role)), "{role}");
        let told = report.connections.iter().filter_map(|line| text(line, "trace_id"));
        ensure!(told.collect::<BTreeSet<_>>().is_superset(&traces), "{role}");
    }
    ensure!(collector.spans()?.len() == spans.len(), "more came at the end");
    Ok(())
}
