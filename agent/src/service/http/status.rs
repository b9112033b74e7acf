//! How the agent stands, for people.

use crate::build_info;
use crate::export::AgentCounts;
use crate::state::AgentState;
use crate::text::json_line;
use serde::Serialize;

#[derive(Serialize)]
struct Status<'a> {
    version: &'static str,
    commit: &'static str,
    alive: bool,
    ready: bool,
    /// Why it is not ready.
    trouble: Option<&'static str>,
    source: &'a str,
    uptime_seconds: u64,
    #[serde(flatten)]
    counted: AgentCounts,
}

/// One JSON object.
pub(super) fn line(shared: &AgentState) -> Vec<u8> {
    let counted = shared.metrics().counted();
    json_line(&Status {
        version: env!("CARGO_PKG_VERSION"),
        commit: build_info::COMMIT,
        alive: shared.health.alive().is_ok(),
        ready: shared.health.ready().is_ok(),
        trouble: shared.health.ready().err(),
        source: shared.health.source(),
        uptime_seconds: shared.health.uptime().as_secs(),
        counted,
    })
}
