//! The overview dashboard: which hosts get 421s, why, and whether clients recover.

use super::dashboard::{Dashboard, Section};
use super::panel::{
    BAD, COUNT, DOUBTFUL, EVENTS_PER_SECOND, GOOD, NEUTRAL, PER_SECOND, Panel, SECONDS, SHARE,
};
use super::query::{
    CHOSEN, CLUSTER, HTTP, Query, increase, increase_from_none, misdirected, rate, share,
};
use super::variable::{cluster, datasource, requests};

pub(super) fn dashboard() -> Dashboard {
    let mut variables = vec![datasource(), cluster()];
    variables.extend(requests());
    Dashboard {
        name: "overview",
        title: "wrongdoor / Overview",
        description: "Requests on the wrong connection: which requests get a 421 Misdirected Request, why, and whether their clients recover. The first row shows the current impact. All panels count at one end of the connections (variable Counted at), so that no request counts twice.",
        variables,
        sections: vec![
            Section { title: None, panels: now() },
            Section { title: Some("Do the 421s increase or decrease?"), panels: course() },
            Section { title: Some("Do clients recover?"), panels: recovery() },
            Section {
                title: Some("Which connections carry requests for other hosts?"),
                panels: mismatches(),
            },
            Section { title: Some("How many hosts share a connection?"), panels: connections() },
        ],
    }
}

fn now() -> Vec<Panel> {
    let exchanges = "wrongdoor_exchanges_total";
    let recoveries = "wrongdoor_recoveries_total";
    let refused = format!("sum({})", rate(exchanges, &misdirected()));
    let an_hour_ago = refused.replace("[$__rate_interval]", "[$__rate_interval] offset 1h");
    let all = format!("sum({})", rate(exchanges, CHOSEN));
    let again = format!(r#"{CHOSEN},outcome=~"retried_still_421|retried_same_connection_421""#);
    let asked = format!(r#"{CHOSEN},outcome!~"not_retried|other_connection_opened""#);
    let stuck = share(
        &format!("sum({})", increase_from_none(recoveries, &again)),
        &format!("sum({})", increase_from_none(recoveries, &asked)),
    );
    // 0 if there are requests, but no silent misdirects.
    let silent = format!(
        "sum({}) or 0 * sum({exchanges}{{{CHOSEN}}})",
        increase_from_none("wrongdoor_silent_misdirects_total", CHOSEN)
    );
    let http = format!(r#"{CLUSTER},{HTTP},visibility!="older_than_agent""#);
    let plain = format!(r#"{CLUSTER},{HTTP},visibility=~"plaintext|not_http""#);
    let seen = share(
        &format!("sum({})", increase("wrongdoor_connections_total", &plain)),
        &format!("sum({})", increase("wrongdoor_connections_total", &http)),
    );
    vec![
        Panel::stat(
            "421s now",
            "How many requests per second get a 421 Misdirected Request now?",
            PER_SECOND,
            Query::over_time(refused.clone(), "421s"),
        )
        .colours(GOOD, &[(0.001, DOUBTFUL), (1.0, BAD)])
        .empty("no requests"),
        Panel::stat(
            "421 share of requests",
            "What share of all observed requests gets a 421? A few 421s are normal where browsers coalesce connections. Above 1 %, an alert fires.",
            SHARE,
            Query::over_time(share(&refused, &all), "421 share"),
        )
        .colours(GOOD, &[(0.001, DOUBTFUL), (0.01, BAD)])
        .empty("no requests"),
        Panel::stat(
            "421s vs. 1 hour ago",
            "Does the number of 421s increase? 421s per second now, minus 421s per second one hour ago. A value below 0 is an improvement.",
            PER_SECOND,
            Query::over_time(format!("{refused} - ({an_hour_ago} or vector(0))"), "difference"),
        )
        .colours(GOOD, &[(-1e9, GOOD), (0.001, DOUBTFUL), (1.0, BAD)])
        .empty("no requests"),
        Panel::stat(
            "Retries with another 421",
            "Do users see errors? The share of retries after a 421 that got a 421 again. All other retries got another response, usually at the cost of a handshake. Clients that did not retry are not counted.",
            SHARE,
            Query::instant(stuck, "421 again"),
        )
        .colours(GOOD, &[(0.05, DOUBTFUL), (0.2, BAD)])
        .empty("no retries"),
        Panel::stat(
            "Possible wrong responses",
            "Did clients get the response of another site? Silent misdirects: requests that arrived on a connection for another host and got a 2xx response, from a server that the agent has not seen serve the requested host under its own name.",
            COUNT,
            Query::instant(silent, "silent misdirects"),
        )
        .colours(GOOD, &[(0.5, BAD)])
        .empty("no requests"),
        Panel::stat(
            "HTTP connections decoded",
            "Are the numbers complete? The share of HTTP connections whose requests the agents see. Requests on the other connections are in no other panel. This panel covers the whole cluster and ignores the other variables.",
            SHARE,
            Query::instant(seen, "decoded"),
        )
        .colours(BAD, &[(0.5, DOUBTFUL), (0.8, GOOD)])
        .up_to(1.0)
        .empty("no connections"),
        Panel::bars(
            "Hosts with 421s",
            "Which hosts get 421s? The five hosts with the most 421s in the time range. Click a host to open its incident dashboard.",
            COUNT,
            Query::instant(top(5, "authority", &increase(exchanges, &misdirected())), "{{authority}}"),
        )
        .colours(DOUBTFUL, &[])
        .leads_to_incident(),
        Panel::bars(
            "Workloads with 421s",
            "Which workloads see the 421s? The servers if Counted at is server, the clients if it is client. Processes outside Kubernetes have no workload name.",
            COUNT,
            Query::instant(
                named_workload(&top(5, "namespace, workload", &increase(exchanges, &misdirected()))),
                "{{namespace}} {{workload}}",
            ),
        )
        .colours(DOUBTFUL, &[]),
        Panel::bars(
            "Causes of 421s",
            "What causes the 421s? The five most frequent causes. The runbook of WrongdoorMisdirectedRatioHigh lists the change for each cause.",
            COUNT,
            Query::instant(
                top(5, "cause", &increase_from_none("wrongdoor_misdirected_total", CHOSEN)),
                "{{cause}}",
            ),
        )
        .colours(DOUBTFUL, &[]),
    ]
}

fn course() -> Vec<Panel> {
    let exchanges = "wrongdoor_exchanges_total";
    let refused = rate(exchanges, &misdirected());
    let all = rate(exchanges, CHOSEN);
    let by = |labels: &str| {
        share(&format!("sum by ({labels}) ({refused})"), &format!("sum by ({labels}) ({all})"))
    };
    vec![
        Panel::lines(
            "421s by authority",
            "Which hosts get 421s, and since when? The ten hosts with the most 421s at each point in time.",
            PER_SECOND,
            Query::over_time(format!("topk(10, sum by (authority) ({refused}) > 0)"), "{{authority}}"),
        )
        .leads_to_incident(),
        Panel::lines(
            "421 share of requests by authority",
            "Which hosts refuse a large share of their requests? A busy host can have many 421s and still a small share.",
            SHARE,
            Query::over_time(format!("topk(10, {} > 0)", by("authority")), "{{authority}}"),
        )
        .up_to(1.0)
        .leads_to_incident(),
        Panel::lines(
            "421s by workload",
            "Which workloads see the 421s, and since when? One workload points to its deployment; all workloads at once point to a shared change.",
            PER_SECOND,
            Query::over_time(
                named_workload(&format!("topk(10, sum by (namespace, workload) ({refused}) > 0)")),
                "{{namespace}} {{workload}}",
            ),
        ),
        Panel::lines(
            "421 share of requests by workload",
            "Which workloads see 421s on a large share of their requests?",
            SHARE,
            Query::over_time(
                named_workload(&format!("topk(10, {} > 0)", by("namespace, workload"))),
                "{{namespace}} {{workload}}",
            ),
        )
        .up_to(1.0),
    ]
}

fn recovery() -> Vec<Panel> {
    let recoveries = "wrongdoor_recoveries_total";
    let quantile = |at: f64| {
        format!(
            "histogram_quantile({at}, sum by (le) ({}))",
            rate("wrongdoor_recovery_seconds_bucket", CLUSTER)
        )
    };
    vec![
        Panel::areas(
            "421s by cause",
            "Which causes start or stop, and when? A cause that starts with a deployment belongs to that deployment.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (cause) ({}) > 0", rate("wrongdoor_misdirected_total", CHOSEN)),
                "{{cause}}",
            ),
        ),
        Panel::areas(
            "Client recovery by outcome",
            "Do clients recover after a 421? recovered_new_connection is the expected outcome. retried_same_connection_421: the client must be fixed. retried_still_421: the server refuses the name on every connection. not_retried: the client did not retry.",
            PER_SECOND,
            Query::over_time(format!("sum by (outcome) ({}) > 0", rate(recoveries, CHOSEN)), "{{outcome}}"),
        ),
        Panel::lines(
            "Time to recovery",
            "How long does a recovery take? The time from the 421 to the response. This panel covers the whole cluster and ignores the other variables.",
            SECONDS,
            Query::over_time(quantile(0.5), "median"),
        )
        .asks(Query::over_time(quantile(0.95), "95th percentile")),
        Panel::lines(
            "Handshakes per 421",
            "How many extra handshakes does a 421 cause? The connections that clients opened for a host between a 421 and its outcome, per 421. This panel covers the whole cluster and both ends of the connections.",
            COUNT,
            Query::over_time(
                share(
                    &format!("sum({})", rate("wrongdoor_recovery_handshakes_total", CLUSTER)),
                    &format!("sum({})", rate(recoveries, CLUSTER)),
                ),
                "handshakes",
            ),
        ),
    ]
}

fn mismatches() -> Vec<Panel> {
    let mismatches = "wrongdoor_authority_mismatches_total";
    let by = |label: &str| format!("sum by ({label}) ({}) > 0", rate(mismatches, CHOSEN));
    let mesh = format!(r#"{CHOSEN},verdict="mesh""#);
    let pairs = |metric: &str| {
        let counted = increase_from_none(metric, CHOSEN);
        format!("topk(20, sum by (sni, authority, verdict) ({counted}) > 0)")
    };
    vec![
        Panel::areas(
            "Mismatches by verdict",
            "Do the specifications allow these requests on their connections? Requests for a host that differs from the SNI of the connection. HTTP/2 allows coalesced_legal. misdirected_uncovered and mismatch_h1 are not allowed.",
            PER_SECOND,
            Query::over_time(by("verdict"), "{{verdict}}"),
        ),
        Panel::areas(
            "Mismatches by outcome",
            "How do servers respond to these requests? misdirected is 421, rejected is another 4xx, and served is a success, possibly from the wrong host.",
            PER_SECOND,
            Query::over_time(by("outcome"), "{{outcome}}"),
        ),
        Panel::areas(
            "Requests inside service meshes",
            "How much traffic is between the proxies of a service mesh, and how does it end? There the SNI names a workload by design, so these requests have the verdict mesh and are in no other panel of this row. No data: no mesh, or its proxies are not observed.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (outcome) ({}) > 0", rate("wrongdoor_exchanges_total", &mesh)),
                "{{outcome}}",
            ),
        ),
        Panel::table(
            "Top pairs of SNI and authority",
            "Which hosts do clients request on which connections? The twenty most frequent pairs in the time range. `other` stands for all names that have no label value of their own.",
            (COUNT, "Requests"),
            &[("sni", "SNI"), ("authority", "Authority"), ("verdict", "Verdict")],
            pairs(mismatches),
        )
        .leads_to_incident(),
        Panel::table(
            "Silent misdirects",
            "Which requests may have got the response of the wrong host? Requests with a 2xx response from a server that the agent has not seen serve the host under its own name.",
            (COUNT, "Requests"),
            &[("sni", "SNI"), ("authority", "Authority"), ("verdict", "Verdict")],
            pairs("wrongdoor_silent_misdirects_total"),
        )
        .leads_to_incident(),
    ]
}

fn connections() -> Vec<Panel> {
    let all = "wrongdoor_connection_authorities";
    let count = format!("sum({})", rate(&format!("{all}_count"), CLUSTER));
    let one = format!(r#"{CLUSTER},le="1""#);
    let one = format!("sum({})", rate(&format!("{all}_bucket"), &one));
    let quantile = |at: f64| {
        format!(
            "histogram_quantile({at}, sum by (le) ({}))",
            rate(&format!("{all}_bucket"), CLUSTER)
        )
    };
    let ended = format!(r#"{CLUSTER},role="$role""#);
    vec![
        Panel::areas(
            "Ended connections by protocol",
            "How many connections are there, and with which protocol? By negotiated ALPN protocol. (none) means no ALPN protocol, as in HTTP/1.1 without ALPN or in cleartext.",
            EVENTS_PER_SECOND,
            Query::over_time(
                named(
                    "alpn",
                    &format!("sum by (alpn) ({})", rate("wrongdoor_connections_total", &ended)),
                ),
                "{{alpn}}",
            ),
        )
        .size(8, 8),
        Panel::lines(
            "Authorities per connection",
            "How many different hosts do clients request on one connection? Only connections with at least one known host. This panel covers the whole cluster and both ends of the connections.",
            COUNT,
            Query::over_time(quantile(0.5), "median"),
        )
        .asks(Query::over_time(quantile(0.99), "99th percentile"))
        .size(8, 8),
        Panel::lines(
            "Connections with more than one authority",
            "What share of connections carries requests for more than one host? Such connections come from coalescing browsers, and from proxies whose connection pools are not separated by name.",
            SHARE,
            Query::over_time(format!("1 - {}", share(&one, &count)), "shared"),
        )
        .up_to(1.0)
        .colours(NEUTRAL, &[])
        .size(8, 8),
    ]
}

/// The most frequent values, without those that did not increase.
fn top(count: u8, labels: &str, increase: &str) -> String {
    format!("topk({count}, sum by ({labels}) ({increase}) > 0)")
}

/// Replaces an empty label value with `(none)`.
fn named(label: &str, expression: &str) -> String {
    format!(r#"label_replace({expression}, "{label}", "(none)", "{label}", "")"#)
}

/// The same for the workload, which is empty outside Kubernetes.
pub(super) fn named_workload(expression: &str) -> String {
    named("workload", expression)
}
