//! Scenes with a proxy in front: whose SNI does the server behind see?

use anyhow::Result;

use super::{Scene, Stage};
use crate::apache::VirtualHost;
use crate::curl::Http::{One, Two};
use crate::nginx::ServerBlock;
use crate::{apache, nginx};

/// How nginx speaks TLS to the server behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// As it does by default: without SNI.
    NoSni,
    /// With the name that the client asked for.
    HostName,
    /// With that name, through a pool of connections that does not look at names.
    Pool,
}

impl Upstream {
    fn directives(self, back: u16) -> (String, String) {
        let with_name = "proxy_ssl_server_name on; proxy_ssl_name $host;";
        let (upstream, target, name) = match self {
            Self::NoSni => (String::new(), format!("127.0.0.1:{back}"), ""),
            Self::HostName => (String::new(), format!("127.0.0.1:{back}"), with_name),
            Self::Pool => {
                let upstream = format!("upstream back {{ server 127.0.0.1:{back}; keepalive 4; }}");
                (upstream, "back".to_owned(), with_name)
            }
        };
        // Apache offers `Upgrade: h2`, which must not reach a client that speaks HTTP/2 already.
        let location = format!(
            "location / {{ proxy_pass https://{target}; proxy_set_header Host $host;\n\
             proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
             proxy_hide_header Upgrade; {name} }}"
        );
        (upstream, location)
    }

    /// What the client gets for `a.test`, the default host behind, `b.test`, and `a.test` again.
    pub fn statuses(self) -> [u16; 3] {
        match self {
            Self::NoSni | Self::Pool => [200, 421, 200],
            Self::HostName => [200, 200, 200],
        }
    }
}

/// nginx in front of Apache, both with TLS: a client whose SNI and authority agree gets what the
/// hop behind makes of them. The ports are the server's behind, then the proxy's.
pub fn proxy_chain(upstream: Upstream) -> Result<Scene> {
    let mut stage = Stage::new()?;
    let a = stage.authority().issue("a", &["a.test"])?;
    let b = stage.authority().issue("b", &["b.test"])?;
    let front = stage.authority().issue("front", &["a.test", "b.test"])?;
    let hosts = [VirtualHost::new("a.test", &a), VirtualHost::new("b.test", &b)];
    let back = apache::start(stage.folder(), &hosts)?;
    let back = stage.enter("Apache behind", back);

    let (http, location) = upstream.directives(back);
    let servers = [ServerBlock::new("_", &front).with(&location)];
    let proxy = nginx::start(stage.folder(), &http, &servers)?;
    let port = stage.enter("nginx in front", proxy);

    stage.record()?;
    for http in [One, Two] {
        for (name, status) in ["a.test", "b.test", "a.test"].into_iter().zip(upstream.statuses()) {
            stage.curl(port, Some(name), name, http, status)?;
        }
    }
    stage.finish()
}
