//! 421 that has nothing to do with TLS, or is somebody else's.

use anyhow::Result;

use super::actors::{
    A, B, CLIENT_ADDRESS, PROXY_ADDRESS, Request, ask, curl, three_hosts, wildcard,
};
use super::finding::{HIGH, LIKELY, MEDIUM, finding};
use super::{BOTH, NEITHER, Reproduction};
use crate::curl::Curl;
use crate::curl::Http::{One, Two};
use crate::nginx::{self, ServerBlock};
use crate::scenario::{Sent, Stage};
use crate::{door, tools};

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "an application's own 421",
        play: |stage| one_path(stage, "/tenant/elsewhere"),
        hops: &[BOTH],
        findings: &[finding(0, Some(A), A, 421)
            .because(&[("application", LIKELY)])
            .by(&["go", "other", "unknown"])],
    },
    Reproduction {
        name: "a cluster's 421",
        play: |stage| one_path(stage, "/cluster/write"),
        hops: &[BOTH],
        findings: &[finding(0, Some(A), A, 421)
            // Without its body it is an application's.
            .because(&[("cluster_redirect", MEDIUM), ("application", MEDIUM)])
            .by(&["go", "other", "unknown"])],
    },
    Reproduction {
        name: "421 without TLS",
        play: cleartext,
        hops: &[NEITHER],
        findings: &[finding(0, None, A, 421).because(&[("application", LIKELY)]).by(&["nginx"])],
    },
    Reproduction {
        name: "a cached 421",
        play: cached,
        hops: &[BOTH, BOTH],
        findings: &[
            finding(1, Some(B), B, 421)
                .because(&[("proxy_omits_sni", LIKELY)])
                .by(&["apache"])
                .then_by_another(&["retried_still_421"]),
            finding(0, None, B, 421).because(&[("proxy_omits_sni", HIGH)]).by(&["apache"]),
            finding(1, Some(B), B, 421).because(&[("cached", HIGH)]).by(&["apache"]),
        ],
    },
    Reproduction {
        name: "a site that wants no crawling over HTTP/2",
        play: crawler,
        hops: &[BOTH],
        findings: &[finding(0, Some(A), A, 421)
            .because(&[("crawler_opt_out", HIGH)])
            .by(&["nginx"])
            .then_by_another(&["protocol_fallback"])],
    },
    Reproduction {
        name: "an alternative service that does not serve the name",
        play: bad_alternative,
        hops: &[BOTH, BOTH],
        findings: &[finding(1, Some(A), A, 421)
            .because(&[("bad_alternative", MEDIUM)])
            .by(&["nginx"])
            .then_by_another(&["recovered_new_connection"])],
    },
];

/// All other paths are served, before and after.
fn one_path(stage: &mut Stage, path: &str) -> Result<()> {
    let cert = wildcard(stage, "one")?;
    let server = door::go_server(stage.folder(), &cert)?;
    let port = stage.enter("Go", server);
    stage.record()?;
    let right = Request { port, sni: Some(A), authority: A, path: "/one", http: Two, status: 200 };
    ask(stage, right)?;
    ask(stage, Request { path, status: 421, ..right })?;
    ask(stage, Request { path: "/two", ..right })
}

fn cleartext(stage: &mut Stage) -> Result<()> {
    let refuse = "location /elsewhere { return 421; }\nlocation / { return 200; }";
    let server = ServerBlock::cleartext(A).with(refuse);
    let server = nginx::start(stage.folder(), "", &[server])?;
    let port = stage.enter("nginx, without TLS,", server);
    stage.record()?;
    for (path, status) in [("/", 200), ("/elsewhere", 421)] {
        let curl = Curl::new(&format!("http://{A}:{port}{path}"), One)?;
        let answer = curl.arg("--interface").arg(CLIENT_ADDRESS).status()?;
        let sent = Sent { sni: None, authority: A.to_owned(), http: One, status: answer };
        stage.note("curl", sent, status)?;
    }
    Ok(())
}

/// The first is Apache's, the second a copy of it.
fn cached(stage: &mut Stage) -> Result<()> {
    let back = three_hosts(stage)?;
    let front = wildcard(stage, "front")?;
    let cache = stage.folder().join("cache");
    let http = format!("proxy_cache_path {} keys_zone=kept:1m;", cache.display());
    let location = format!(
        "location / {{ proxy_pass https://127.0.0.1:{back}; proxy_set_header Host $host;\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_bind {PROXY_ADDRESS};\n\
         proxy_hide_header Upgrade; proxy_cache kept; proxy_cache_valid any 10m;\n\
         proxy_cache_key $host$uri; add_header X-Cache $upstream_cache_status always; }}"
    );
    let server =
        nginx::start(stage.folder(), &http, &[ServerBlock::new("_", &front).with(&location)])?;
    let port = stage.enter("nginx, which caches,", server);
    stage.record()?;
    for _ in 0..2 {
        ask(
            stage,
            Request { port, sni: Some(B), authority: B, path: "/kept", http: Two, status: 421 },
        )?;
    }
    Ok(())
}

fn crawler(stage: &mut Stage) -> Result<()> {
    const GOOGLEBOT: &str =
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    let cert = wildcard(stage, "one")?;
    let refuse = "if ($http_user_agent ~ Googlebot) { set $bot $server_protocol; }\n\
                  if ($bot = HTTP/2.0) { return 421; }";
    let server = nginx::start(stage.folder(), "", &[ServerBlock::new(A, &cert).with(refuse)])?;
    let port = stage.enter("nginx, which wants no crawling over HTTP/2,", server);
    stage.record()?;
    let person =
        Request { port, sni: Some(A), authority: A, path: "/page", http: Two, status: 200 };
    ask(stage, person)?;
    for (http, status) in [(Two, 421), (One, 200)] {
        let request = Request { path: "/crawled", http, status, ..person };
        let answer = curl(stage, &request)?.arg("--user-agent").arg(GOOGLEBOT).status()?;
        let (sni, authority) = (Some(A.to_owned()), A.to_owned());
        stage.note("curl", Sent { sni, authority, http, status: answer }, status)?;
    }
    Ok(())
}

/// The client has learnt earlier that the alternative is one.
fn bad_alternative(stage: &mut Stage) -> Result<()> {
    let cert = wildcard(stage, "one")?;
    let origin = nginx::start(stage.folder(), "", &[ServerBlock::new(A, &cert)])?;
    let folder = stage.folder().join("alternative");
    std::fs::create_dir_all(&folder)?;
    let servers = [ServerBlock::new("_", &cert).with("return 421;"), ServerBlock::new(B, &cert)];
    let alternative = nginx::start(&folder, "", &servers)?;
    let origin = stage.enter("nginx, which serves the name,", origin);
    let alternative = stage.enter("nginx, which does not,", alternative);
    stage.record()?;
    let learnt = stage.folder().join("alternatives");
    std::fs::write(
        &learnt,
        format!("h2 {A} {origin} h2 {B} {alternative} \"20990101 00:00:00\" 0 0\n"),
    )?;
    let request =
        Request { port: origin, sni: Some(A), authority: A, path: "/page", http: Two, status: 421 };
    // `--connect-to` would have the last word: names are resolved instead.
    let mut command = tools::command("curl")?;
    command.args(["--disable", "--noproxy", "*", "--silent", "--output", "/dev/null"]);
    command.args(["--write-out", "%{http_code}", "--interface", CLIENT_ADDRESS, "--cacert"]);
    command.arg(stage.authority().root()).arg("--alt-svc").arg(&learnt);
    for (name, port) in [(A, origin), (B, alternative)] {
        command.arg("--resolve").arg(format!("{name}:{port}:127.0.0.1"));
    }
    command.arg(format!("https://{A}:{origin}/page")).env("SSLKEYLOGFILE", stage.keylog());
    let status = String::from_utf8_lossy(&tools::output(&mut command)?).parse()?;
    let (sni, authority) = (Some(A.to_owned()), A.to_owned());
    stage.note("curl", Sent { sni, authority, http: Two, status }, 421)?;
    ask(stage, Request { status: 200, ..request })
}
