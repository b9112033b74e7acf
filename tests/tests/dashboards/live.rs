use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wrongdoor_tests::browser::Browser;
use wrongdoor_tests::curl::{Curl, Http};
use wrongdoor_tests::dashboards::{Answers, Choices, Dashboard, Names, folder, page, queries};
use wrongdoor_tests::live::{Agent, Ground, kernel};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::prometheus::{Prometheus, Scraped};
use wrongdoor_tests::server::Server;
use wrongdoor_tests::wait;

/// Where the pages and their pictures go, for eyes to look at; else they are gone after the test.
const DRAWINGS: &str = "WRONGDOOR_DRAWINGS";
/// Runs of a client in a round. The second round is what is looked at: counters that were not there before the first
/// request have no increase.
const RUNS: u32 = 10;
/// Of each run.
const REQUESTS: u32 = 4;

/// What packets, on a quiet loopback with a key log and without a cluster or a mesh, have no answer to.
const EMPTY: [&str; 8] = [
    "Kubernetes API server errors",
    "TLS processes by visibility",
    "Processes with unseen TLS",
    "Traces of 421s",
    "Attached probes",
    "Refused probes",
    "Joins of TLS sessions and connections",
    "Requests inside service meshes",
];
/// What is there or not by who else uses this machine, and what becomes of it.
const ANY: [&str; 4] = [
    "Losses by node, stage and reason",
    "Lost by stage and reason",
    "Decode errors",
    "Silent misdirects",
];

/// Refuses b.test on connections for a.test, and serves everything else.
fn server(ground: &Ground) -> Result<Server> {
    let block = ServerBlock::new("_", &ground.cert).with(
        "set $pair \"$ssl_server_name $host\"; if ($pair = \"a.test b.test\") { return 421; } location / { return 200; }",
    );
    nginx::start(&ground.subfolder("nginx")?, "", &[block])
}

/// Clients that ask for a.test, on the same connection for b.test, which is refused, and for c.test, which is not; and
/// then for b.test again, on a connection of its own. All of them are one client to the agent: it asks for the
/// next when the agent has told of the one before, so that nobody's answer is taken for another's.
fn round(
    ground: &Ground,
    server: &Server,
    (agent, keys): (&mut Agent, &Path),
    before: u32,
) -> Result<()> {
    let url = |name: &str| format!("https://{name}:{}/", server.port());
    for run in before + 1..=before + RUNS {
        let mut curl = Curl::new(&url("a.test"), Http::Two)?.trust(ground.root());
        for host in ["b.test", "c.test"] {
            curl = curl.next(&url("a.test"), Http::Two)?.trust(ground.root()).host(host);
        }
        let answers = curl.keylog(keys).send()?;
        ensure!(answers.iter().map(|answer| answer.status).eq([200, 421, 200]), "{answers:?}");
        let of_b = [("authority", "b.test")];
        agent.wait_for_metrics("the 421", |metrics| {
            metrics.sum("wrongdoor_misdirected_total", &of_b) >= run.into()
        })?;
        let again = Curl::new(&url("b.test"), Http::Two)?.trust(ground.root());
        ensure!(again.keylog(keys).status()? == 200);
        agent.wait_for_metrics("what became of the client", |metrics| {
            metrics.sum("wrongdoor_recoveries_total", &of_b) >= run.into()
        })?;
    }
    Ok(())
}

/// Waits until Prometheus has all of so many rounds.
fn scraped(prometheus: &Prometheus, rounds: u32) -> Result<()> {
    let of = |metric: &str| format!("sum({metric}{{role=\"observer\",authority=~\"[abc].test\"}})");
    prometheus.wait_for(&of("wrongdoor_exchanges_total"), (rounds * RUNS * REQUESTS).into())?;
    prometheus.wait_for(&of("wrongdoor_misdirected_total"), (rounds * RUNS).into())?;
    prometheus.wait_for(&of("wrongdoor_authority_mismatches_total"), (rounds * 2 * RUNS).into())?;
    prometheus.wait_for(&of("wrongdoor_recoveries_total"), (rounds * RUNS).into())
}

fn now() -> Result<f64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64())
}

#[test]
fn dashboards_show_what_clients_counted() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let server = server(&ground)?;
    let keys = ground.folder().join("keys.log");
    let rules = ["recording.yaml", "alerts.yaml"].map(|name| folder().join("rules").join(name));
    let wanted = Scraped {
        rules: rules.map(fs::canonicalize).into_iter().collect::<Result<_, _>>()?,
        ..Scraped::default()
    };
    let prometheus = Prometheus::start(ground.folder(), &wanted)?;
    let key_log = keys.to_string_lossy().into_owned();
    let mut agent =
        Agent::start_source(&turn, "packets", &["--interface", "lo", "--keylog", &key_log])?;
    prometheus.scrape(&[agent.port()])?;
    let first = now()?;
    round(&ground, &server, (&mut agent, &keys), 0)?;
    scraped(&prometheus, 1).with_context(|| agent.log())?;
    // Whole seconds before the end are looked at: a scrape of the first of them sees nothing of the second round.
    let start = now()?;
    wait::until("another scrape", || {
        let scraped = prometheus.value("min(timestamp(up))")?;
        Ok(scraped.is_some_and(|at| at > start + 2.0).then_some(()))
    })?;
    round(&ground, &server, (&mut agent, &keys), RUNS)?;
    scraped(&prometheus, 2).with_context(|| agent.log())?;
    let end = now()?;

    what_is_scraped_is_in_the_catalogue(&agent)?;
    rules_run(&prometheus)?;
    let range = format!("{}s", (end - start).floor());
    let choices =
        Choices { role: "observer", authority: "[abc].test", interval: "4s", range: &range };
    let mut pages = Vec::new();
    for dashboard in Dashboard::all()? {
        let answers = Answers::ask(&prometheus, &dashboard, &choices, (first, end))?;
        what_is_empty_may_be(&dashboard, &answers)?;
        if dashboard.name == "overview" {
            overview_is_right(&dashboard, &answers)?;
        }
        if dashboard.name == "incident" {
            incident_is_right(&dashboard, &answers)?;
        }
        pages.push((dashboard.name, page(&dashboard, &choices, &answers)));
    }
    drop(turn);
    draw(&pages)
}

fn what_is_scraped_is_in_the_catalogue(agent: &Agent) -> Result<()> {
    let names = Names::exported()?;
    let metrics = agent.metrics()?;
    ensure!(metrics.samples().len() > 50, "{metrics:?}");
    for sample in metrics.samples() {
        names.require_sample(&sample.name, &sample.labels)?;
    }
    Ok(())
}

fn rules_run(prometheus: &Prometheus) -> Result<()> {
    let mut last = Vec::new();
    wait::until("all rules to be evaluated", || {
        last = prometheus.rules()?;
        Ok(last.iter().all(|rule| rule["health"] == "ok").then_some(()))
    })
    .with_context(|| format!("{last:#?}"))?;
    ensure!(last.len() > 15, "{last:#?}");
    // One of two requests for b.test was refused. That is to be so for ten minutes before somebody is told.
    prometheus.wait_for("count(ALERTS{alertname=\"WrongdoorMisdirectedRatioHigh\",alertstate=\"pending\",authority=\"b.test\"})", 1.0)
}

fn what_is_empty_may_be(dashboard: &Dashboard, answers: &Answers) -> Result<()> {
    for panel in dashboard.panels() {
        let title = panel["title"].as_str().context("no title")?;
        let has = |query: &wrongdoor_tests::dashboards::Query| {
            answers.of(query.panel.0, &query.name).is_some_and(|series| !series.is_empty())
        };
        let is_empty = !queries(panel).iter().any(has);
        if !ANY.contains(&title) {
            ensure!(
                is_empty == EMPTY.contains(&title),
                "{}: {title} is empty: {is_empty}",
                dashboard.name
            );
        }
    }
    Ok(())
}

/// The values of the panel's first query, each with its labels.
fn values(dashboard: &Dashboard, answers: &Answers, title: &str) -> Result<Vec<(Value, f64)>> {
    let panels = dashboard.panels();
    let panel =
        panels.iter().find(|panel| panel["title"] == title).with_context(|| title.to_owned())?;
    let found = answers.of(panel["id"].as_u64().context("no id")?, "A").context("no answer")?;
    let value = |series: &Value| {
        let value = series.pointer("/value/1").and_then(Value::as_str).context("no value")?;
        Ok((series["metric"].clone(), value.parse()?))
    };
    found.iter().map(value).collect()
}

/// How many there were: what an increase says goes a little beyond the samples, of all series by the same factor. So
/// what it says of all requests, whose number is known, is the measure.
fn counted(found: &[(Value, f64)], measure: f64) -> Vec<(Value, f64)> {
    let exact = |value: f64| (value / measure * 1e6).round() / 1e6;
    found.iter().map(|(labels, value)| (labels.clone(), exact(*value))).collect()
}

fn overview_is_right(dashboard: &Dashboard, answers: &Answers) -> Result<()> {
    let hosts = values(dashboard, answers, "Hosts with 421s")?;
    let [(host, refused)] = &hosts[..] else { anyhow::bail!("{hosts:?}") };
    ensure!(host["authority"] == "b.test", "{host}");
    let measure = refused / f64::from(RUNS);
    for title in ["Workloads with 421s", "Causes of 421s"] {
        let found = counted(&values(dashboard, answers, title)?, measure);
        ensure!(
            found.iter().map(|(_, count)| count).sum::<f64>() == f64::from(RUNS),
            "{title}: {found:?}"
        );
    }
    let pairs = counted(&values(dashboard, answers, "Top pairs of SNI and authority")?, measure);
    let pairs: BTreeSet<_> = pairs
        .iter()
        .map(|(pair, count)| format!("{} {} {count}", pair["sni"], pair["authority"]))
        .collect();
    let expected = ["b.test", "c.test"].map(|host| format!("\"a.test\" \"{host}\" {RUNS}"));
    ensure!(pairs.iter().eq(&expected), "{pairs:?}");
    Ok(())
}

fn incident_is_right(dashboard: &Dashboard, answers: &Answers) -> Result<()> {
    let requests = values(dashboard, answers, "Requests")?;
    let [(_, requests)] = &requests[..] else { anyhow::bail!("{requests:?}") };
    let measure = requests / f64::from(RUNS * REQUESTS);
    let refused = counted(&values(dashboard, answers, "Answered with 421")?, measure);
    ensure!(refused.iter().map(|(_, count)| *count).eq([f64::from(RUNS)]), "{refused:?}");
    for (title, expected) in
        [("421 share of requests", 0.25), ("Recovered", 1.0), ("Not retried", 0.0)]
    {
        let found = counted(&values(dashboard, answers, title)?, 1.0);
        ensure!(found.iter().map(|(_, share)| *share).eq([expected]), "{title}: {found:?}");
    }
    Ok(())
}

/// Draws the pages in a browser, light and dark.
fn draw(pages: &[(&str, String)]) -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = std::env::var_os(DRAWINGS).map_or_else(|| temporary.path().to_owned(), Into::into);
    fs::create_dir_all(&folder)?;
    let mut browser = Browser::start()?;
    for (name, page) in pages {
        let file = folder.join(format!("{name}.html"));
        fs::write(&file, page)?;
        for scheme in ["light", "dark"] {
            browser.emulate("screen", scheme)?;
            browser.resize(1600, 1000)?;
            browser.open(&file)?;
            let height = browser.value("document.documentElement.scrollHeight")?;
            browser.resize(1600, height.as_u64().context("no height")?)?;
            let complaints = browser.complaints()?;
            ensure!(complaints.is_empty(), "{name}: {complaints:#?}");
            let panels = browser.value("document.querySelectorAll('.panel').length")?;
            ensure!(
                panels.as_u64().is_some_and(|panels| panels > 10),
                "{name} has {panels} panels"
            );
            let overflowing = browser.value("overflowing()")?;
            ensure!(overflowing == serde_json::json!([]), "{name}: does not fit: {overflowing:#}");
            browser.save_screenshot(&folder.join(format!("{name}-{scheme}.png")))?;
        }
    }
    Ok(())
}
