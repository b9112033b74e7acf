//! Chromium, with a page whose picture comes from another name under the same certificate.

use anyhow::{Result, ensure};

use super::actors::{A, ANY_PATH, B, WILDCARD};
use super::finding::{HIGH, LIKELY, UNSURE, finding};
use super::{Reproduction, SERVER};
use crate::apache::{self, VirtualHost};
use crate::certs::Cert;
use crate::nginx::{self, ServerBlock};
use crate::scenario::Stage;
use crate::{caddy, chromium};

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "Chromium, and Apache with one certificate in two files",
        play: apache,
        hops: &[SERVER],
        findings: &[finding(0, Some(A), B, 421)
            .because(&[("coalesced_tls_policy", LIKELY)])
            .by(&["apache"])
            .then(&["recovered_new_connection"])],
    },
    Reproduction {
        name: "Chromium, and Caddy, strict",
        play: caddy,
        hops: &[SERVER],
        findings: &[finding(0, Some(A), B, 421)
            .because(&[("coalesced_name_check", LIKELY)])
            .by(&["caddy"])
            .then(&["recovered_new_connection"])],
    },
    Reproduction {
        name: "Chromium, and nginx, which does not serve the other name",
        play: nginx,
        hops: &[SERVER],
        findings: &[
            finding(0, Some(A), B, 421)
                // The first refusal looks like those of servers that compare.
                .because(&[
                    ("name_not_served", LIKELY),
                    ("coalesced_name_check", UNSURE),
                    ("coalesced_tls_policy", UNSURE),
                ])
                .by(&["nginx"])
                .then(&["retried_still_421"]),
            finding(0, Some(B), B, 421).because(&[("name_not_served", HIGH)]).by(&["nginx"]),
        ],
    },
    Reproduction {
        name: "Chromium, and Apache with one certificate file",
        play: apache_with_one_file,
        hops: &[SERVER],
        findings: &[],
    },
];

const PAGE: &str = "<!doctype html><title>waiting</title><script>\n\
    const script = document.createElement('script');\n\
    script.src = `https://b.door.test:${location.port}/script`;\n\
    document.head.append(script);\n\
    </script>\n";
const SCRIPT: &str = "document.title = 'the script came';\n";

fn apache(stage: &mut Stage) -> Result<()> {
    let one = stage.authority().issue("one", &[WILDCARD])?;
    let two = Cert { chain: stage.folder().join("two.pem"), key: stage.folder().join("two.key") };
    std::fs::copy(&one.chain, &two.chain)?;
    std::fs::copy(&one.key, &two.key)?;
    with_apache(stage, &one, &two)
}

fn apache_with_one_file(stage: &mut Stage) -> Result<()> {
    let one = stage.authority().issue("one", &[WILDCARD])?;
    with_apache(stage, &one, &one)
}

fn with_apache(stage: &mut Stage, one: &Cert, two: &Cert) -> Result<()> {
    let hosts = [VirtualHost::new(A, one).with(ANY_PATH), VirtualHost::new(B, two).with(ANY_PATH)];
    let server = apache::start(stage.folder(), &hosts)?;
    for (name, text) in [(A, PAGE), (B, SCRIPT)] {
        let page = stage.folder().join("apache/html").join(name).join("index.html");
        std::fs::write(page, text)?;
    }
    let port = stage.enter("Apache", server);
    open(stage, port, one, "the script came")
}

fn caddy(stage: &mut Stage) -> Result<()> {
    let cert = stage.authority().issue("one", &[WILDCARD])?;
    let pages = [("/page", "text/html", PAGE), ("/script", "text/javascript", SCRIPT)];
    let server = caddy::strict(stage.folder(), &cert, &pages)?;
    let port = stage.enter("Caddy", server);
    open(stage, port, &cert, "the script came")
}

fn nginx(stage: &mut Stage) -> Result<()> {
    let cert = stage.authority().issue("one", &[WILDCARD])?;
    std::fs::write(stage.folder().join("page.html"), PAGE)?;
    let others = ServerBlock::new("_", &cert).with("return 421;");
    let location = format!(
        "root {}; location / {{ try_files /page.html =404; default_type text/html; }}",
        stage.folder().display()
    );
    let servers = [others, ServerBlock::new(A, &cert).with(&location)];
    let server = nginx::start(stage.folder(), "", &servers)?;
    let port = stage.enter("nginx, with a host,", server);
    open(stage, port, &cert, "waiting")
}

/// What the page's title is in the end says whether the browser came to its script.
fn open(stage: &mut Stage, port: u16, cert: &Cert, title: &str) -> Result<()> {
    stage.record()?;
    let url = format!("https://{A}:{port}/page");
    let page = chromium::open(stage.folder(), &url, "door.test", cert, &stage.keylog())?;
    ensure!(page.contains(&format!("<title>{title}</title>")), "the page is {page}");
    Ok(())
}
