//! Is anybody refused, who, why, and is it getting better: for whoever was just woken.

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
        description: "Requests on the wrong connection: who is refused with 421 Misdirected Request, why, and whether they get through. The first row says whether anybody is hurt now. All of it is counted at one end (Counted at), so that no request counts twice.",
        variables,
        sections: vec![
            Section { title: None, panels: now() },
            Section { title: Some("Is it getting better?"), panels: course() },
            Section { title: Some("Do clients get through?"), panels: recovery() },
            Section {
                title: Some("Which connections carry the wrong names?"),
                panels: mismatches(),
            },
            Section { title: Some("How are connections shared?"), panels: connections() },
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
    // 0 where requests are seen at all and none of them was one.
    let silent = format!(
        "sum({}) or 0 * sum({exchanges}{{{CHOSEN}}})",
        increase_from_none("wrongdoor_silent_misdirects_total", CHOSEN)
    );
    let http = format!(r#"{CLUSTER},{HTTP},visibility!="older_than_agent""#);
    let plain = format!(r#"{CLUSTER},{HTTP},visibility="plaintext""#);
    let seen = share(
        &format!("sum({})", increase("wrongdoor_connections_total", &plain)),
        &format!("sum({})", increase("wrongdoor_connections_total", &http)),
    );
    vec![
        Panel::stat(
            "421s now",
            "Is anybody refused at this moment? Requests a second that are answered with 421 Misdirected Request.",
            PER_SECOND,
            Query::over_time(refused.clone(), "421s"),
        )
        .colours(GOOD, &[(0.001, DOUBTFUL), (1.0, BAD)])
        .empty("no requests"),
        Panel::stat(
            "Of all requests",
            "How large a part is it? 421s among all requests that were seen. Coalescing browsers meet a few; from one in a hundred on an alert is sent.",
            SHARE,
            Query::over_time(share(&refused, &all), "of all"),
        )
        .colours(GOOD, &[(0.001, DOUBTFUL), (0.01, BAD)])
        .empty("no requests"),
        Panel::stat(
            "Against an hour ago",
            "Is it getting worse? 421s a second now, less those of an hour ago. Below 0 it gets better.",
            PER_SECOND,
            Query::over_time(format!("{refused} - ({an_hour_ago} or vector(0))"), "more"),
        )
        .colours(GOOD, &[(-1e9, GOOD), (0.001, DOUBTFUL), (1.0, BAD)])
        .empty("no requests"),
        Panel::stat(
            "Asked again in vain",
            "Does it hurt? Of the clients that asked again after a 421, the part that got a 421 again. The others got their answer, and lost a handshake. Who did not ask again is not counted here.",
            SHARE,
            Query::instant(stuck, "in vain"),
        )
        .colours(GOOD, &[(0.05, DOUBTFUL), (0.2, BAD)])
        .empty("nobody asked again"),
        Panel::stat(
            "Served by the wrong host",
            "Did anybody get another site's answer? Requests on a connection for another host that were answered with 2xx by who was never seen to serve them (silent misdirects).",
            COUNT,
            Query::instant(silent, "served"),
        )
        .colours(GOOD, &[(0.5, BAD)])
        .empty("no requests"),
        Panel::stat(
            "HTTP seen into",
            "Can these numbers be trusted? Of the connections for HTTP, the part whose requests are seen. What is not seen is in no other panel. For all of the cluster, whatever is chosen above.",
            SHARE,
            Query::instant(seen, "seen"),
        )
        .colours(BAD, &[(0.5, DOUBTFUL), (0.8, GOOD)])
        .up_to(1.0)
        .empty("no connections"),
        Panel::bars(
            "Hosts refused",
            "Which hosts are requests refused for? 421s in the time that is looked at, the five with most. A click leads to the host in depth.",
            COUNT,
            Query::instant(top(5, "authority", &increase(exchanges, &misdirected())), "{{authority}}"),
        )
        .colours(DOUBTFUL, &[])
        .leads_to_incident(),
        Panel::bars(
            "Workloads with 421s",
            "At which workloads are they counted? Those that answer where it is counted at the server, those that ask where at the client. What runs outside of Kubernetes has no name.",
            COUNT,
            Query::instant(
                named_workload(&top(5, "namespace, workload", &increase(exchanges, &misdirected()))),
                "{{namespace}} {{workload}}",
            ),
        )
        .colours(DOUBTFUL, &[]),
        Panel::bars(
            "Causes of 421s",
            "What is wrong? The causes of the 421s, the five most frequent. The runbook of WrongdoorMisdirectedRatioHigh says for each what to change.",
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
            "Which hosts are refused, and since when? The ten with most at each moment.",
            PER_SECOND,
            Query::over_time(format!("topk(10, sum by (authority) ({refused}) > 0)"), "{{authority}}"),
        )
        .leads_to_incident(),
        Panel::lines(
            "421s of all requests, by authority",
            "For which hosts is it a large part of what they are asked, and not only much because they are asked much?",
            SHARE,
            Query::over_time(format!("topk(10, {} > 0)", by("authority")), "{{authority}}"),
        )
        .up_to(1.0)
        .leads_to_incident(),
        Panel::lines(
            "421s by workload",
            "At which workloads did it begin: one after a deploy, or all at once?",
            PER_SECOND,
            Query::over_time(
                named_workload(&format!("topk(10, sum by (namespace, workload) ({refused}) > 0)")),
                "{{namespace}} {{workload}}",
            ),
        ),
        Panel::lines(
            "421s of all requests, by workload",
            "Which workloads suffer in proportion to what they do?",
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
            "Which causes come and go? One that begins with a deploy is that deploy's.",
            PER_SECOND,
            Query::over_time(
                format!("sum by (cause) ({}) > 0", rate("wrongdoor_misdirected_total", CHOSEN)),
                "{{cause}}",
            ),
        ),
        Panel::areas(
            "What became of clients",
            "Do clients get through after a 421? recovered_new_connection is as it should be; retried_same_connection_421 is a client to be changed; retried_still_421 a server that refuses the name on any connection; not_retried a client that gave up.",
            PER_SECOND,
            Query::over_time(format!("sum by (outcome) ({}) > 0", rate(recoveries, CHOSEN)), "{{outcome}}"),
        ),
        Panel::lines(
            "Time to get through",
            "What does a 421 cost those who get through? From the 421 to the answer. For all of the cluster, whatever is chosen above.",
            SECONDS,
            Query::over_time(quantile(0.5), "half of them within"),
        )
        .asks(Query::over_time(quantile(0.95), "95 % within")),
        Panel::lines(
            "Handshakes for each 421",
            "What does it cost the servers? Connections that clients opened for a host between a 421 and what became of it, for each 421. For all of the cluster and both ends.",
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
    let pairs = |metric: &str| {
        let counted = increase_from_none(metric, CHOSEN);
        format!("topk(20, sum by (sni, authority, verdict) ({counted}) > 0)")
    };
    vec![
        Panel::areas(
            "Mismatches by verdict",
            "Are these requests allowed where they come? Requests for another host than their connection is for: coalesced_legal is what HTTP/2 allows, misdirected_uncovered and mismatch_h1 are not.",
            PER_SECOND,
            Query::over_time(by("verdict"), "{{verdict}}"),
        ),
        Panel::areas(
            "Mismatches by outcome",
            "What do servers answer to them? misdirected is 421, rejected another 4xx, and served went well or to the wrong host.",
            PER_SECOND,
            Query::over_time(by("outcome"), "{{outcome}}"),
        ),
        Panel::table(
            "Top pairs",
            "Which hosts are asked for on which connections? The twenty most frequent in the time that is looked at. `other` is what has no place among the names that are told apart.",
            (COUNT, "Requests"),
            &[("sni", "Connection for (SNI)"), ("authority", "Asked for"), ("verdict", "Verdict")],
            pairs(mismatches),
        )
        .leads_to_incident(),
        Panel::table(
            "Silent misdirects",
            "Whose requests may have been answered by the wrong host? Answered with 2xx by who was never seen to serve the host under its own name.",
            (COUNT, "Requests"),
            &[("sni", "Connection for (SNI)"), ("authority", "Asked for"), ("verdict", "Verdict")],
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
            "Connections that ended",
            "How much traffic is this, and what does it speak? By the protocol that was negotiated; an empty one is none, as of HTTP/1.1 without ALPN or of cleartext.",
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
            "Authorities on a connection",
            "How many hosts share a connection? Of connections that were asked for any. For all of the cluster and both ends.",
            COUNT,
            Query::over_time(quantile(0.5), "half of them at most"),
        )
        .asks(Query::over_time(quantile(0.99), "99 % at most"))
        .size(8, 8),
        Panel::lines(
            "Connections with several authorities",
            "How common is sharing? The part of connections that were asked for more than one host: coalescing browsers, and proxies whose pools are not kept apart by name.",
            SHARE,
            Query::over_time(format!("1 - {}", share(&one, &count)), "shared"),
        )
        .up_to(1.0)
        .colours(NEUTRAL, &[])
        .size(8, 8),
    ]
}

/// The most frequent, of those that there are any of.
fn top(count: u8, labels: &str, increase: &str) -> String {
    format!("topk({count}, sum by ({labels}) ({increase}) > 0)")
}

/// Where a label is empty, something that can be read stands in its place.
fn named(label: &str, expression: &str) -> String {
    format!(r#"label_replace({expression}, "{label}", "(none)", "{label}", "")"#)
}

/// The same of what runs outside of Kubernetes.
pub(super) fn named_workload(expression: &str) -> String {
    named("workload", expression)
}
