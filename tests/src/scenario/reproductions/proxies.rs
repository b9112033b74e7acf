//! Proxies in front of Apache, and how they are set up.

use anyhow::Result;

use super::actors::{
    B, DEFAULT, PROXY_ADDRESS, Request, ask, three_hosts, three_unreadable_hosts, wildcard,
};
use crate::curl::Http::{One, Two};
use crate::nginx::{self, ServerBlock};
use crate::scenario::Stage;
use crate::{caddy, door, haproxy};

/// How a proxy asks Apache.
#[derive(Clone, Copy)]
pub(super) struct Setup {
    /// What says which server name it sends, in the proxy's own language.
    pub name: &'static str,
    /// All names are served in the end.
    pub is_right: bool,
    /// The address that it asks from.
    pub from: &'static str,
    /// Nobody logs the keys of the connections behind.
    pub unreadable: bool,
}

/// Nothing said of names.
pub(super) const AS_IT_IS: Setup =
    Setup { name: "", is_right: false, from: PROXY_ADDRESS, unreadable: false };

impl Setup {
    fn enter_apache(self, stage: &mut Stage) -> Result<u16> {
        if self.unreadable { three_unreadable_hosts(stage) } else { three_hosts(stage) }
    }

    /// The default host is served whatever the proxy says; what is asked for next may not be.
    fn play(self, stage: &mut Stage, port: u16) -> Result<()> {
        let status = if self.is_right { 200 } else { 421 };
        stage.record()?;
        for (http, [first, second]) in [(One, ["/one", "/two"]), (Two, ["/three", "/four"])] {
            let (sni, authority) = (Some(DEFAULT), DEFAULT);
            let right = Request { port, sni, authority, path: first, http, status: 200 };
            ask(stage, right)?;
            ask(stage, Request { sni: Some(B), authority: B, path: second, status, ..right })?;
        }
        Ok(())
    }
}

/// nginx; the name is said in directives.
pub(super) fn nginx(stage: &mut Stage, setup: Setup) -> Result<()> {
    nginx_to(stage, setup, false)
}

/// nginx, which calls Apache `up.door.test`.
pub(super) fn nginx_with_upstream(stage: &mut Stage, setup: Setup) -> Result<()> {
    nginx_to(stage, setup, true)
}

fn nginx_to(stage: &mut Stage, setup: Setup, upstream: bool) -> Result<()> {
    let Setup { name, from, .. } = setup;
    let back = setup.enter_apache(stage)?;
    let cert = wildcard(stage, "front")?;
    let http = format!("upstream up.door.test {{ server 127.0.0.1:{back}; }}");
    let target = if upstream { "up.door.test".to_owned() } else { format!("127.0.0.1:{back}") };
    // Apache offers `Upgrade: h2`, which must not reach a client that speaks HTTP/2 already.
    let location = format!(
        "location / {{ proxy_pass https://{target}; proxy_set_header Host $host;\n\
         proxy_hide_header Upgrade; proxy_bind {from}; {name} }}"
    );
    let servers = [ServerBlock::new("_", &cert).with(&location)];
    let server = nginx::start(stage.folder(), &http, &servers)?;
    let port = stage.enter("nginx, in front,", server);
    setup.play(stage, port)
}

/// HAProxy; the name is said with `sni`.
pub(super) fn haproxy(stage: &mut Stage, setup: Setup) -> Result<()> {
    let back = setup.enter_apache(stage)?;
    let port = enter_haproxy(stage, back, setup.name, setup.from)?;
    setup.play(stage, port)
}

/// HAProxy, which ends TLS and asks the server at `back`.
pub(super) fn enter_haproxy(stage: &mut Stage, back: u16, sni: &str, from: &str) -> Result<u16> {
    let joined = haproxy::joined(&wildcard(stage, "front")?)?;
    let server = haproxy::start(stage.folder(), |port| {
        format!(
            "frontend front\n\
             bind 127.0.0.1:{port} ssl crt {} alpn h2,http/1.1\n\
             option forwardfor\n\
             default_backend back\n\
             backend back\n\
             source {from}\n\
             http-response del-header upgrade\n\
             server only 127.0.0.1:{back} ssl verify none {sni}\n",
            joined.display()
        )
    })?;
    Ok(stage.enter("HAProxy, in front,", server))
}

/// Caddy; the name is a placeholder, and what uses every connection once is no pool.
pub(super) fn caddy(stage: &mut Stage, setup: Setup, keep: bool) -> Result<()> {
    let back = setup.enter_apache(stage)?;
    let cert = wildcard(stage, "front")?;
    let server = caddy::proxy(stage.folder(), &cert, back, setup.name, keep)?;
    let port = stage.enter("Caddy, in front,", server);
    setup.play(stage, port)
}

/// Go's reverse proxy; the name is the host of the URL that it is made for.
pub(super) fn go(stage: &mut Stage, setup: Setup) -> Result<()> {
    let back = setup.enter_apache(stage)?;
    let cert = wildcard(stage, "front")?;
    let target = format!("https://{}:{back}", setup.name);
    let server = door::go_proxy(stage.folder(), &cert, &target, setup.from, setup.is_right)?;
    let port = stage.enter("Go, in front,", server);
    setup.play(stage, port)
}
