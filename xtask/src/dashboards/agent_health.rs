//! The agent health dashboard: what the agents see, which events they lose, and which resources they use.

use super::dashboard::{Dashboard, Section};
use super::panel::{
    BAD, BYTES, COUNT, DOUBTFUL, EVENTS_PER_SECOND, GOOD, NEUTRAL, PER_SECOND, Panel, SHARE,
};
use super::query::{AGENTS, HTTP, Query, increase, rate, share};
use super::variable::{Variable, cluster, datasource};

const CONNECTIONS: &str = "wrongdoor_connections_total";
const EVENTS: &str = "wrongdoor_events_total";
const LOST: &str = "wrongdoor_events_lost_total";

pub(super) fn dashboard() -> Dashboard {
    let instance = Variable::Label {
        name: "instance",
        label: "Node",
        of: r#"wrongdoor_build_info{cluster=~"$cluster"}"#,
    };
    Dashboard {
        name: "agent-health",
        title: "wrongdoor / Agent health",
        description: "Are the other dashboards complete? Which traffic the agents see, which events they lose, whether their probes are attached, and which resources they use.",
        variables: vec![datasource(), cluster(), instance],
        sections: vec![
            Section { title: None, panels: now() },
            Section { title: Some("How much traffic do the agents see?"), panels: coverage() },
            Section { title: Some("Which events do the agents lose?"), panels: ledger() },
            Section { title: Some("Are probes attached?"), panels: probes() },
            Section { title: Some("Which resources do the agents use?"), panels: cost() },
        ],
    }
}

/// Excludes the reason `repeated`: those events are duplicates.
fn lost() -> String {
    format!(r#"{AGENTS},reason!="repeated""#)
}

/// Restricts a `process_*` metric to agents: every kind of target exports these metrics.
fn of_agents(expression: &str) -> String {
    format!("{expression} and on (cluster, job, instance) wrongdoor_build_info{{{AGENTS}}}")
}

fn now() -> Vec<Panel> {
    let http = format!(r#"{AGENTS},{HTTP},visibility!="older_than_agent""#);
    let plain = format!(r#"{AGENTS},{HTTP},visibility=~"plaintext|not_http""#);
    let known = format!(r#"{AGENTS},tls_version!="",sni_state!="unseen""#);
    let of_connections = |part: &str, whole: &str| {
        share(
            &format!("sum({})", increase(CONNECTIONS, part)),
            &format!("sum({})", increase(CONNECTIONS, whole)),
        )
    };
    // Only connections with TLS.
    let encrypted = format!(r#"{AGENTS},tls_version!="""#);
    vec![
        Panel::stat(
            "Agents",
            "How many agents does Prometheus scrape? The expected number is the number of nodes.",
            COUNT,
            Query::over_time(format!("count(wrongdoor_build_info{{{AGENTS}}})"), "agents"),
        )
        .colours(BAD, &[(0.5, GOOD)])
        .empty("none"),
        Panel::stat(
            "Highest event loss",
            "Are events missing from the counts? The highest loss in a stage of any agent, as a share of the events in that stage. Above 1 %, an alert fires.",
            SHARE,
            Query::over_time(
                format!(
                    "max({})",
                    share(
                        &format!("sum by (cluster, job, instance, stage) ({})", rate(LOST, &lost())),
                        &format!("sum by (cluster, job, instance, stage) ({})", rate(EVENTS, AGENTS)),
                    )
                ),
                "lost",
            ),
        )
        .colours(GOOD, &[(0.001, DOUBTFUL), (0.01, BAD)])
        .empty("no events"),
        Panel::stat(
            "HTTP connections decoded",
            "What share of the HTTP connections do the agents decode? On these connections they see the requests. Connections older than the agent are excluded.",
            SHARE,
            Query::instant(of_connections(&plain, &http), "decoded"),
        )
        .colours(BAD, &[(0.5, DOUBTFUL), (0.8, GOOD)])
        .up_to(1.0)
        .empty("no connections"),
        Panel::stat(
            "SNI known",
            "On what share of the TLS connections do the agents know the SNI, or that there is none? Without this the agent cannot find a mismatch.",
            SHARE,
            Query::instant(of_connections(&known, &encrypted), "known"),
        )
        .colours(BAD, &[(0.5, DOUBTFUL), (0.8, GOOD)])
        .up_to(1.0)
        .empty("no connections"),
        Panel::stat(
            "Authority known",
            "For what share of the observed requests do the agents know the requested host? `other` counts as known: such a host only has no label value of its own.",
            SHARE,
            Query::instant(
                share(
                    &format!(
                        "sum({})",
                        increase("wrongdoor_exchanges_total", &format!(r#"{AGENTS},authority!="""#))
                    ),
                    &format!("sum({})", increase("wrongdoor_exchanges_total", AGENTS)),
                ),
                "known",
            ),
        )
        .colours(BAD, &[(0.5, DOUBTFUL), (0.9, GOOD)])
        .up_to(1.0)
        .empty("no requests"),
        Panel::stat(
            "Processes with unseen TLS",
            "How many processes use TLS that no probe can decode? `wrongdoor doctor` on the node lists them.",
            COUNT,
            Query::over_time(
                format!(r#"sum(wrongdoor_tls_processes{{{AGENTS},visibility="unseen"}})"#),
                "unseen",
            ),
        )
        .colours(GOOD, &[(0.5, DOUBTFUL)])
        .empty("not measured"),
    ]
}

fn coverage() -> Vec<Panel> {
    let by = |label: &str| format!("sum by ({label}) ({})", rate(CONNECTIONS, AGENTS));
    vec![
        Panel::areas(
            "Connections by visibility",
            "How much of each connection do the agents see? plaintext: the headers. handshake_only: only the handshake, because the TLS library has no probes. not_http: the content, which is not HTTP. unresolved: headers of an unknown connection. older_than_agent: the connection started before the agent; these disappear as connections end.",
            EVENTS_PER_SECOND,
            Query::over_time(by("visibility"), "{{visibility}}"),
        ),
        Panel::areas(
            "Connections by SNI state",
            "Do the agents know the SNI of connections? name: the SNI is known. absent: the client sent none. encrypted: ECH hides it. unseen: the agent missed the handshake, or the connection is cleartext.",
            EVENTS_PER_SECOND,
            Query::over_time(by("sni_state"), "{{sni_state}}"),
        ),
        Panel::areas(
            "Requests with and without a verdict",
            "For how many requests does the agent know the SNI and the authority? judged: the agent knows both names, or knows that there is no SNI. unknown: one of the names was not seen. not_tls: cleartext. no_authority and malformed: the request has no valid authority.",
            PER_SECOND,
            Query::over_time(
                format!(
                    "sum by (verdict) ({})",
                    rate(
                        "wrongdoor_exchanges_total",
                        &format!(r#"{AGENTS},verdict=~"unknown|not_tls|no_authority|malformed""#)
                    )
                ),
                "{{verdict}}",
            )
        )
        .asks(Query::over_time(
            format!(
                "sum({})",
                rate(
                    "wrongdoor_exchanges_total",
                    &format!(r#"{AGENTS},verdict!~"unknown|not_tls|no_authority|malformed""#)
                )
            ),
            "judged",
        )),
        Panel::areas(
            "TLS processes by visibility",
            "How many processes use TLS that the agents cannot decode? The current number of processes. If an unseen process is the gateway of a node, the agent misses the most important traffic.",
            COUNT,
            Query::over_time(
                format!("sum by (visibility, library) (wrongdoor_tls_processes{{{AGENTS}}}) > 0"),
                "{{visibility}} {{library}}",
            ),
        ),
        Panel::lines(
            "Kubernetes API server errors",
            "Do the agents receive pods and services from the API server? The number of agents without the complete list, and the number of failed requests and interrupted watches. A few interruptions per hour are normal. There is no data outside Kubernetes.",
            COUNT,
            Query::over_time(
                format!("sum by (resource) (1 - wrongdoor_kubernetes_synced{{{AGENTS}}})"),
                "agents without {{resource}}",
            ),
        )
        .asks(Query::over_time(
            format!(
                "sum by (resource) (increase(wrongdoor_kubernetes_errors_total{{{AGENTS}}}[$__rate_interval]))"
            ),
            "errors for {{resource}}",
        ))
        .size(24, 6),
    ]
}

fn ledger() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Lost by stage and reason",
            "In which stage are events lost, and why? The runbook of WrongdoorEventsLost lists the action for each reason.",
            EVENTS_PER_SECOND,
            Query::over_time(
                format!("sum by (stage, reason) ({}) > 0", rate(LOST, &lost())),
                "{{stage}} {{reason}}",
            ),
        ),
        Panel::lines(
            "Events by stage",
            "How many events enter each stage? The stages are kernel, capture, decode, correlate and export. Each stage counts another kind of event, so the lines can differ.",
            EVENTS_PER_SECOND,
            Query::over_time(format!("sum by (stage) ({})", rate(EVENTS, AGENTS)), "{{stage}}"),
        ),
        Panel::table(
            "Losses by node, stage and reason",
            "How many events were lost in the time range, and on which node?",
            (COUNT, "Lost"),
            &[("instance", "Node"), ("stage", "Stage"), ("reason", "Reason")],
            format!("topk(20, sum by (instance, stage, reason) ({}) > 0)", increase(LOST, &lost())),
        ),
        Panel::lines(
            "Decode errors",
            "Which traffic can the agent not decode? By protocol and kind. One kind is encrypted content without keys.",
            EVENTS_PER_SECOND,
            Query::over_time(
                format!(
                    "sum by (protocol, kind) ({}) > 0",
                    rate("wrongdoor_decode_errors_total", AGENTS)
                ),
                "{{protocol}} {{kind}}",
            ),
        ),
    ]
}

fn probes() -> Vec<Panel> {
    vec![
        Panel::table(
            "Attached probes",
            "To how many places is each kernel program attached? A program with 0 places sees nothing.",
            (COUNT, "Places"),
            &[("program", "Program")],
            format!("sum by (program) (wrongdoor_probe_attached{{{AGENTS}}})"),
        )
        .size(8, 8),
        Panel::table(
            "Refused probes",
            "Which probes could not be attached, and why? The kernel or a library file refused them. `foreign` is a library for another machine architecture, and can be ignored.",
            (COUNT, "Count"),
            &[("instance", "Node"), ("program", "Program"), ("reason", "Reason")],
            format!(
                "topk(20, sum by (instance, program, reason) (wrongdoor_probe_failures_total{{{AGENTS}}}) > 0)"
            ),
        )
        .size(8, 8),
        Panel::lines(
            "Joins of TLS sessions and connections",
            "Does each SNI belong to the right connection? A second check confirms or contradicts each join. A contradicted join is a bug: please report it.",
            EVENTS_PER_SECOND,
            Query::over_time(
                format!("sum by (result) ({})", rate("wrongdoor_joins_total", AGENTS)),
                "{{result}}",
            ),
        )
        .size(8, 8),
    ]
}

fn cost() -> Vec<Panel> {
    vec![
        Panel::lines(
            "CPU",
            "What share of one CPU core does each agent use? The overhead of the probes in the traced programs is not included.",
            SHARE,
            Query::over_time(of_agents(&rate("process_cpu_seconds_total", AGENTS)), "{{instance}}"),
        ),
        Panel::lines(
            "Memory",
            "How much memory does each agent use? Memory is bounded: 100,000 connections fit into 256 MiB.",
            BYTES,
            Query::over_time(
                of_agents(&format!("process_resident_memory_bytes{{{AGENTS}}}")),
                "{{instance}}",
            ),
        ),
        Panel::lines(
            "Tracked connections",
            "How many open connections does each agent track? Tracked connections need most of the memory.",
            COUNT,
            Query::over_time(format!("wrongdoor_connections_tracked{{{AGENTS}}}"), "{{instance}}"),
        ),
        Panel::bars(
            "Version and build",
            "Which agent versions run? `probes` is false if the build has no probes.",
            COUNT,
            Query::instant(
                format!("count by (version, probes) (wrongdoor_build_info{{{AGENTS}}})"),
                "{{version}}, probes {{probes}}",
            ),
        )
        .colours(NEUTRAL, &[])
        .size(12, 8),
    ]
}
