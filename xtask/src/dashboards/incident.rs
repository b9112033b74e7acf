//! One host or one workload in depth: from the count to the trace.

use super::dashboard::{Dashboard, Section};
use super::overview::named_workload;
use super::panel::{BAD, COUNT, DOUBTFUL, GOOD, NEUTRAL, PER_SECOND, Panel, SHARE};
use super::query::{AT_ANY_END, CHOSEN, Query, increase, misdirected, rate, share};
use super::variable::{Variable, cluster, datasource, requests};

const EXCHANGES: &str = "wrongdoor_exchanges_total";
const MISDIRECTED: &str = "wrongdoor_misdirected_total";
const MISMATCHES: &str = "wrongdoor_authority_mismatches_total";

/// Of the chosen host, what agents wrote of its refused requests: what a trace backend finds by itself.
const TRACES: &str =
    r#"{ span.http.response.status_code = 421 && span.server.address =~ "${authority:regex}" }"#;

pub(super) fn dashboard() -> Dashboard {
    let traces = Variable::Datasource { name: "traces", label: "Traces", plugin: "tempo" };
    let mut variables = vec![datasource(), traces, cluster()];
    variables.extend(requests());
    Dashboard {
        name: "incident",
        title: "wrongdoor / Incident",
        description: "One host or one workload in depth: choose it above. What is refused, on which connections, by whom and why, at which end, on which node, with the traces of single requests.",
        variables,
        sections: vec![
            Section { title: None, panels: now() },
            Section { title: Some("Why, and which request was it?"), panels: why() },
            Section { title: Some("Which connections do they come on?"), panels: connections() },
            Section { title: Some("Where is it seen?"), panels: places() },
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
            "Is it asked for at all? All requests in the time that is looked at.",
            COUNT,
            Query::instant(format!("sum({})", increase(EXCHANGES, CHOSEN)), "requests"),
        )
        .empty("no requests"),
        Panel::stat(
            "Answered with 421",
            "How many were refused in the time that is looked at?",
            COUNT,
            Query::instant(format!("sum({})", increase(EXCHANGES, &refused)), "421s"),
        )
        .colours(GOOD, &[(0.5, DOUBTFUL)])
        .empty("no requests"),
        Panel::stat(
            "Of all requests",
            "How large a part is refused? In the time that is looked at.",
            SHARE,
            Query::instant(
                share(
                    &format!("sum({})", increase(EXCHANGES, &refused)),
                    &format!("sum({})", increase(EXCHANGES, CHOSEN)),
                ),
                "of all",
            ),
        )
        .colours(GOOD, &[(0.001, DOUBTFUL), (0.01, BAD)])
        .empty("no requests"),
        Panel::stat(
            "Got through after all",
            "Of the 421s, after how many did the client ask again and get its answer?",
            SHARE,
            Query::instant(of_all(&recovered), "got through"),
        )
        .colours(BAD, &[(0.5, DOUBTFUL), (0.8, GOOD)])
        .up_to(1.0)
        .empty("no 421s"),
        Panel::stat(
            "Asked again in vain",
            "Of the 421s, after how many did the client ask again and get another 421?",
            SHARE,
            Query::instant(of_all(&again), "in vain"),
        )
        .colours(GOOD, &[(0.05, DOUBTFUL), (0.2, BAD)])
        .up_to(1.0)
        .empty("no 421s"),
        Panel::stat(
            "Gave up",
            "Of the 421s, after how many did the client not ask again? To its user that is an error.",
            SHARE,
            Query::instant(of_all(&gave_up), "gave up"),
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
            "What is wrong, since when, and which request was it? The marks are single requests: each leads to the trace of its connection.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (cause) ({}) > 0", rate(MISDIRECTED, CHOSEN)),
                "{{cause}}",
            )
            .with_exemplars(),
        ),
        Panel::lines(
            "Mismatches by verdict",
            "Which of its requests come on connections for another host, and are they allowed to? The marks lead to traces.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (verdict) ({}) > 0", rate(MISMATCHES, CHOSEN)),
                "{{verdict}}",
            )
            .with_exemplars(),
        ),
        Panel::table(
            "Cause and who says so",
            "Which setting of whom is to be changed? Each SNI, cause and the software that made the 421; the runbook of WrongdoorMisdirectedRatioHigh names the setting.",
            (COUNT, "421s"),
            &[
                ("sni", "Connection for (SNI)"),
                ("authority", "Asked for"),
                ("cause", "Cause"),
                ("generator", "Made by"),
            ],
            format!(
                "topk(20, sum by (sni, authority, cause, generator) ({}) > 0)",
                increase(MISDIRECTED, CHOSEN)
            ),
        ),
        Panel::traces(
            "Traces of 421s",
            "What happened on one such connection? Traces that agents have sent (`--otlp-endpoint`), from the store that is chosen above; the latest first.",
            TRACES,
        ),
    ]
}

fn connections() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Mismatches by SNI",
            "Which hosts' connections carry these requests? One name is one client or proxy that is set so; many are a certificate that covers too much.",
            PER_SECOND,
            Query::over_time(
                format!("topk(10, sum by (sni) ({}) > 0)", rate(MISMATCHES, CHOSEN)),
                "for {{sni}}",
            ),
        ),
        Panel::areas(
            "All requests by outcome",
            "What do its clients get in all? misdirected is 421, rejected another 4xx, failed 5xx or a stream that the server reset.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (outcome) ({}) > 0", rate(EXCHANGES, CHOSEN)),
                "{{outcome}}",
            ),
        ),
        Panel::areas(
            "All requests by verdict",
            "How do its requests come: on connections of their own (match), shared ones, without SNI? `unknown` is what the agent could not see.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (verdict) ({}) > 0", rate(EXCHANGES, CHOSEN)),
                "{{verdict}}",
            ),
        ),
        Panel::areas(
            "421s by HTTP version",
            "Is it coalescing? Only HTTP/2 coalesces: 421s over HTTP/1.1 come from proxies and from clients that set names by hand.",
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
            "421s at each end",
            "Do both ends see it? Only the client's: the server is elsewhere, or cannot be looked into. Only the server's: the clients are outside. These are the same requests and do not add up.",
            PER_SECOND,
            Query::over_time(format!("sum by (role) ({})", rate(EXCHANGES, &refused)), "{{role}}"),
        )
        .size(8, 8),
        Panel::bars(
            "421s by node",
            "Is it one node? In the time that is looked at; the ten with most.",
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
            "Whose pods see it? In the time that is looked at; the ten with most.",
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
