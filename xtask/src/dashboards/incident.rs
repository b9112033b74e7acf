//! The incident dashboard: details of one host or one workload, from the counts to the traces.

use super::dashboard::{Dashboard, Section};
use super::overview::named_workload;
use super::panel::{BAD, COUNT, DOUBTFUL, GOOD, NEUTRAL, PER_SECOND, Panel, SHARE};
use super::query::{AT_ANY_END, CHOSEN, Query, increase, misdirected, rate, share};
use super::variable::{Variable, cluster, datasource, requests};

const EXCHANGES: &str = "wrongdoor_exchanges_total";
const MISDIRECTED: &str = "wrongdoor_misdirected_total";
const MISMATCHES: &str = "wrongdoor_authority_mismatches_total";

/// The TraceQL query for the 421s of the selected hosts.
const TRACES: &str =
    r#"{ span.http.response.status_code = 421 && span.server.address =~ "${authority:regex}" }"#;

pub(super) fn dashboard() -> Dashboard {
    let traces = Variable::Datasource { name: "traces", label: "Traces", plugin: "tempo" };
    let mut variables = vec![datasource(), traces, cluster()];
    variables.extend(requests());
    Dashboard {
        name: "incident",
        title: "wrongdoor / Incident",
        description: "Details of one host or one workload: select it in the variables. The panels show which requests get a 421, on which connections, from which software, why, on which node, and the traces of single requests.",
        variables,
        sections: vec![
            Section { title: None, panels: now() },
            Section {
                title: Some("What is the cause, and which requests are affected?"),
                panels: why(),
            },
            Section {
                title: Some("Which connections carry these requests?"),
                panels: connections(),
            },
            Section { title: Some("Where do the agents see the 421s?"), panels: places() },
        ],
    }
}

fn now() -> Vec<Panel> {
    let refused = misdirected();
    let again = format!(r#"{CHOSEN},outcome=~"retried_still_421|retried_same_connection_421""#);
    let gave_up = format!(r#"{CHOSEN},outcome="not_retried""#);
    let recovered = format!(
        r#"{CHOSEN},outcome=~"recovered_new_connection|recovered_same_connection|protocol_fallback""#
    );
    let of_all = |chosen: &str| {
        share(
            &format!("sum({})", increase("wrongdoor_recoveries_total", chosen)),
            &format!("sum({})", increase("wrongdoor_recoveries_total", CHOSEN)),
        )
    };
    vec![
        Panel::stat(
            "Requests",
            "How many requests are there in the time range?",
            COUNT,
            Query::instant(format!("sum({})", increase(EXCHANGES, CHOSEN)), "requests"),
        )
        .empty("no requests"),
        Panel::stat(
            "Answered with 421",
            "How many requests got a 421 in the time range?",
            COUNT,
            Query::instant(format!("sum({})", increase(EXCHANGES, &refused)), "421s"),
        )
        .colours(GOOD, &[(0.5, DOUBTFUL)])
        .empty("no requests"),
        Panel::stat(
            "421 share of requests",
            "What share of the requests got a 421 in the time range?",
            SHARE,
            Query::instant(
                share(
                    &format!("sum({})", increase(EXCHANGES, &refused)),
                    &format!("sum({})", increase(EXCHANGES, CHOSEN)),
                ),
                "421 share",
            ),
        )
        .colours(GOOD, &[(0.001, DOUBTFUL), (0.01, BAD)])
        .empty("no requests"),
        Panel::stat(
            "Recovered",
            "After what share of the 421s did the client retry and get another response than 421?",
            SHARE,
            Query::instant(of_all(&recovered), "recovered"),
        )
        .colours(BAD, &[(0.5, DOUBTFUL), (0.8, GOOD)])
        .up_to(1.0)
        .empty("no 421s"),
        Panel::stat(
            "Retried, 421 again",
            "After what share of the 421s did the client retry and get a 421 again?",
            SHARE,
            Query::instant(of_all(&again), "421 again"),
        )
        .colours(GOOD, &[(0.05, DOUBTFUL), (0.2, BAD)])
        .up_to(1.0)
        .empty("no 421s"),
        Panel::stat(
            "Not retried",
            "After what share of the 421s did the client not retry? The user of such a client usually sees an error.",
            SHARE,
            Query::instant(of_all(&gave_up), "not retried"),
        )
        .colours(GOOD, &[(0.05, DOUBTFUL), (0.2, BAD)])
        .up_to(1.0)
        .empty("no 421s"),
    ]
}

fn why() -> Vec<Panel> {
    vec![
        Panel::lines(
            "421s by cause",
            "What causes the 421s, since when, and for which requests? The marks are exemplars of single requests. Each mark links to the trace of its connection.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (cause) ({}) > 0", rate(MISDIRECTED, CHOSEN)),
                "{{cause}}",
            )
            .with_exemplars(),
        ),
        Panel::lines(
            "Mismatches by verdict",
            "Which requests arrive on connections for another host, and do the specifications allow that? The marks are exemplars and link to traces.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (verdict) ({}) > 0", rate(MISMATCHES, CHOSEN)),
                "{{verdict}}",
            )
            .with_exemplars(),
        ),
        Panel::table(
            "421s by SNI, cause and generator",
            "Which software must change which setting? The SNI, the cause, and the software that generated the 421 (generator). The runbook of WrongdoorMisdirectedRatioHigh names the setting.",
            (COUNT, "421s"),
            &[
                ("sni", "SNI"),
                ("authority", "Authority"),
                ("cause", "Cause"),
                ("generator", "Generator"),
            ],
            format!(
                "topk(20, sum by (sni, authority, cause, generator) ({}) > 0)",
                increase(MISDIRECTED, CHOSEN)
            ),
        ),
        Panel::traces(
            "Traces of 421s",
            "What happened on one of these connections? Traces that agents sent with `--otlp-endpoint`, from the data source in the variable Traces, latest first.",
            TRACES,
        ),
    ]
}

fn connections() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Mismatches by SNI",
            "For which SNI were the connections opened? A single SNI points to the configuration of one client or proxy. Many SNIs point to a certificate that covers too many names.",
            PER_SECOND,
            Query::over_time(
                format!("topk(10, sum by (sni) ({}) > 0)", rate(MISMATCHES, CHOSEN)),
                "SNI {{sni}}",
            ),
        ),
        Panel::areas(
            "All requests by outcome",
            "Which responses do clients get? misdirected is 421, rejected is another 4xx, failed is 5xx or a reset by the server, served is 1xx to 3xx, and unanswered has no observed response.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (outcome) ({}) > 0", rate(EXCHANGES, CHOSEN)),
                "{{outcome}}",
            ),
        ),
        Panel::areas(
            "All requests by verdict",
            "Do requests arrive on connections for their own host (match), on shared connections, between proxies of a service mesh (mesh), or without SNI? `unknown`: the agent did not see the SNI or the authority.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (verdict) ({}) > 0", rate(EXCHANGES, CHOSEN)),
                "{{verdict}}",
            ),
        ),
        Panel::areas(
            "421s by HTTP version",
            "Is connection coalescing the cause? Only HTTP/2 coalesces. 421s over HTTP/1.1 come from proxies, and from clients that set the names explicitly.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (http_version) ({}) > 0", rate(EXCHANGES, &misdirected())),
                "HTTP/{{http_version}}",
            ),
        ),
    ]
}

fn places() -> Vec<Panel> {
    let refused = format!(r#"{AT_ANY_END},outcome="misdirected""#);
    vec![
        Panel::lines(
            "421s by role",
            "Do agents see the 421s at the client, at the server, or at both? Only client: the server runs elsewhere, or its TLS cannot be decoded. Only server: the clients run elsewhere. The lines count the same requests, so do not add them up.",
            PER_SECOND,
            Query::over_time(format!("sum by (role) ({})", rate(EXCHANGES, &refused)), "{{role}}"),
        )
        .size(8, 8),
        Panel::bars(
            "421s by node",
            "Is one node affected, or several? The ten nodes with the most 421s in the time range.",
            COUNT,
            Query::instant(
                format!("topk(10, sum by (instance) ({}) > 0)", increase(EXCHANGES, &misdirected())),
                "{{instance}}",
            ),
        )
        .colours(NEUTRAL, &[])
        .size(8, 8),
        Panel::bars(
            "421s by workload",
            "Which workloads see the 421s? The ten workloads with the most 421s in the time range.",
            COUNT,
            Query::instant(
                named_workload(&format!(
                    "topk(10, sum by (namespace, workload) ({}) > 0)",
                    increase(EXCHANGES, &misdirected())
                )),
                "{{namespace}} {{workload}}",
            ),
        )
        .colours(NEUTRAL, &[])
        .size(8, 8),
    ]
}
