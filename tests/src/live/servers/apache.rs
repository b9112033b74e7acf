//! Apache, with a virtual host that serves and one that has another certificate.

use std::path::PathBuf;

use anyhow::Result;

use super::refused;
use crate::apache::{self, VirtualHost};
use crate::live::Ground;
use crate::live::ground::SERVED;
use crate::server::Server;

const FORMAT: &str = r#"{\"client\":\"%a:%{remote}p\",\"server\":\"%A:%{local}p\",\"sni\":\"%{SSL_TLS_SNI}x\",\"host\":\"%{Host}i\",\"status\":%>s,\"method\":\"%m\",\"protocol\":\"%H\",\"pid\":%P,\"stream\":\"%{H2_STREAM_ID}e\"}"#;

pub(super) fn start(ground: &Ground) -> Result<(Server, PathBuf)> {
    let log = ground.folder().join("apache-truth.log");
    let directives = format!("MaxKeepAliveRequests 0\nCustomLog {} \"{FORMAT}\"", log.display());
    let host = |names: &[&str], cert| VirtualHost {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        ..VirtualHost::new("", cert).with(&directives)
    };
    let served = [&SERVED[..], &["localhost", "127.0.0.1"]].concat();
    let hosts = [host(&served, &ground.cert), host(&refused(), &ground.other)];
    Ok((apache::start(ground.folder(), &hosts)?, log))
}
