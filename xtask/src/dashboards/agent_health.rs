//! Can the other dashboards be believed: what agents see, what they lose, and what they cost.

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
        description: "Can the other dashboards be believed? What agents see and do not see, what they lose on the way, whether their probes are attached, and what they cost.",
        variables: vec![datasource(), cluster(), instance],
        sections: vec![
            Section { title: None, panels: now() },
            Section { title: Some("How much is seen?"), panels: coverage() },
            Section { title: Some("What is lost?"), panels: ledger() },
            Section { title: Some("Are probes attached?"), panels: probes() },
            Section { title: Some("What does it cost?"), panels: cost() },
        ],
    }
}

/// What says `repeated` lost nothing: it had been said.
fn lost() -> String {
    format!(r#"{AGENTS},reason!="repeated""#)
}

/// A metric of processes, of agents only: its name does not tell whose it is.
fn of_agents(expression: &str) -> String {
    format!("{expression} and on (cluster, job, instance) wrongdoor_build_info{{{AGENTS}}}")
}

fn now() -> Vec<Panel> {
    let http = format!(r#"{AGENTS},{HTTP},visibility!="older_than_agent""#);
    let plain = format!(r#"{AGENTS},{HTTP},visibility="plaintext""#);
    let known = format!(r#"{AGENTS},tls_version!="",sni_state!="unseen""#);
    let of_connections = |part: &str, whole: &str| {
        share(
            &format!("sum({})", increase(CONNECTIONS, part)),
            &format!("sum({})", increase(CONNECTIONS, whole)),
        )
    };
    // Of what was encrypted at all.
    let encrypted = format!(r#"{AGENTS},tls_version!="""#);
    vec![
        Panel::stat(
            "Agents",
            "How many agents are scraped? As many as nodes.",
            COUNT,
            Query::over_time(format!("count(wrongdoor_build_info{{{AGENTS}}})"), "agents"),
        )
        .colours(BAD, &[(0.5, GOOD)])
        .empty("none"),
        Panel::stat(
            "Lost on the way",
            "Is anything missing from the counts? The worst part of what entered a stage of the agent and was lost in it, of any agent. From one in a hundred on an alert is sent.",
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
            "HTTP seen into",
            "How much is seen of what matters? Of the connections for HTTP, the part whose requests are seen. Those that are older than the agent are left out.",
            SHARE,
            Query::instant(of_connections(&plain, &http), "seen"),
        )
        .colours(BAD, &[(0.5, DOUBTFUL), (0.8, GOOD)])
        .up_to(1.0)
        .empty("no connections"),
        Panel::stat(
            "SNI known",
            "Are names known? Of the connections with TLS, the part of which it was seen what name they are for, or that they have none. Without it there is no mismatch to be found.",
            SHARE,
            Query::instant(of_connections(&known, &encrypted), "known"),
        )
        .colours(BAD, &[(0.5, DOUBTFUL), (0.8, GOOD)])
        .up_to(1.0)
        .empty("no connections"),
        Panel::stat(
            "Authority known",
            "Is it known who is asked for? Of the requests that were seen, the part that names a host that could be read. `other` is one too, only without a place of its own.",
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
            "TLS nobody sees",
            "How many processes use TLS that no probe sees? `wrongdoor doctor` on the node names them.",
            COUNT,
            Query::over_time(
                format!(r#"sum(wrongdoor_tls_processes{{{AGENTS},visibility="unseen"}})"#),
                "unseen",
            ),
        )
        .colours(GOOD, &[(0.5, DOUBTFUL)])
        .empty("not looked for"),
    ]
}

fn coverage() -> Vec<Panel> {
    let by = |label: &str| format!("sum by ({label}) ({})", rate(CONNECTIONS, AGENTS));
    vec![
        Panel::areas(
            "Connections by visibility",
            "How far into connections do agents see? plaintext is the headers; handshake_only a library without probes, or no HTTP; unresolved headers without their connection; older_than_agent goes away by itself.",
            EVENTS_PER_SECOND,
            Query::over_time(by("visibility"), "{{visibility}}"),
        ),
        Panel::areas(
            "Connections by SNI",
            "How are connections named? absent is a client that sends none, encrypted is ECH, unseen a handshake that was missed, or cleartext.",
            EVENTS_PER_SECOND,
            Query::over_time(by("sni_state"), "{{sni_state}}"),
        ),
        Panel::areas(
            "Requests by what could be judged",
            "How many requests can be ruled on? `unknown` lacks a name that was not seen, not_tls is cleartext; all others are verdicts.",
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
            "Processes with TLS",
            "Is there TLS that cannot be looked into? Processes now; where a node's line of unseen is its gateway, it is blind where it matters.",
            COUNT,
            Query::over_time(
                format!("sum by (visibility) (wrongdoor_tls_processes{{{AGENTS}}})"),
                "{{visibility}}",
            ),
        ),
        Panel::lines(
            "Trouble with the API server",
            "Are namespaces and workloads known? Agents that have not learnt all pods or services yet, and how often the API server did not answer one; a few breaks an hour are usual. Nothing outside of Kubernetes.",
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
            "no answer about {{resource}}",
        ))
        .size(24, 6),
    ]
}

fn ledger() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Lost by stage and reason",
            "Where does it get lost, and why? The runbook of WrongdoorEventsLost says for each reason what to do.",
            EVENTS_PER_SECOND,
            Query::over_time(
                format!("sum by (stage, reason) ({}) > 0", rate(LOST, &lost())),
                "{{stage}} {{reason}}",
            ),
        ),
        Panel::lines(
            "Entered by stage",
            "How much work is it? What enters kernel, capture, decode, correlate and export; each counts things of its own, so that the lines need not meet.",
            EVENTS_PER_SECOND,
            Query::over_time(format!("sum by (stage) ({})", rate(EVENTS, AGENTS)), "{{stage}}"),
        ),
        Panel::table(
            "The ledger",
            "What was lost in the time that is looked at, on which node?",
            (COUNT, "Lost"),
            &[("instance", "Node"), ("stage", "Stage"), ("reason", "Reason")],
            format!("topk(20, sum by (instance, stage, reason) ({}) > 0)", increase(LOST, &lost())),
        ),
        Panel::lines(
            "What could not be decoded",
            "Is there traffic that the agent does not understand? By protocol and kind; encrypted content without keys is one of them.",
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
            "Attached",
            "Which programs are attached to how many places? 0 sees nothing.",
            (COUNT, "Places"),
            &[("program", "Program")],
            format!("sum by (program) (wrongdoor_probe_attached{{{AGENTS}}})"),
        )
        .size(8, 8),
        Panel::table(
            "Refused",
            "What did the kernel or a file refuse, and why? `foreign` is another machine's library and no matter.",
            (COUNT, "Times"),
            &[("instance", "Node"), ("program", "Program"), ("reason", "Reason")],
            format!(
                "topk(20, sum by (instance, program, reason) (wrongdoor_probe_failures_total{{{AGENTS}}}) > 0)"
            ),
        )
        .size(8, 8),
        Panel::lines(
            "Joins of TLS sessions and connections",
            "Is the SNI that of the right connection? confirmed and contradicted are what a second look said; any contradicted is a bug to be reported.",
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
            "Processor",
            "How much of a core does each agent take? What the traps cost the traced programs is not in it.",
            SHARE,
            Query::over_time(of_agents(&rate("process_cpu_seconds_total", AGENTS)), "{{instance}}"),
        ),
        Panel::lines(
            "Memory",
            "How much memory does each agent take? It is bounded; 100,000 connections fit into 256 MiB.",
            BYTES,
            Query::over_time(
                of_agents(&format!("process_resident_memory_bytes{{{AGENTS}}}")),
                "{{instance}}",
            ),
        ),
        Panel::lines(
            "Connections that are followed",
            "What is the memory for? Connections that are open now.",
            COUNT,
            Query::over_time(format!("wrongdoor_connections_tracked{{{AGENTS}}}"), "{{instance}}"),
        ),
        Panel::bars(
            "Version and build",
            "Which versions run? `probes` is false in a build that cannot load any.",
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
