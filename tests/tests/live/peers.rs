use anyhow::{Context, Result, ensure};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::installed::Symbols;
use wrongdoor_tests::live::{Client, Ground, Software, scene};

/// Every client asks this server everything over both versions of HTTP.
fn agree(software: Software) -> Result<()> {
    let ground = Ground::new()?;
    let peer = software.start(&ground)?;
    let mut statuses = Vec::new();
    for client in Client::ALL {
        for http in [Http::One, Http::Two].into_iter().filter(|http| client.speaks(*http)) {
            let played = scene::play(&ground, &peer, client, http)
                .with_context(|| format!("{software:?}, {client:?}, {http:?}"))?;
            for row in &played.server {
                ensure!(row.http_version == http.version(), "{client:?}: {row:?}");
                ensure!(row.pid.is_some(), "{row:?}");
            }
            statuses.extend(played.server.iter().map(|row| row.status));
        }
    }
    ensure!(statuses.contains(&200) && statuses.contains(&421), "{statuses:?}");
    Ok(())
}

#[test]
fn peers_agree_with_nginx() -> Result<()> {
    agree(Software::Nginx)
}

#[test]
fn peers_agree_with_apache() -> Result<()> {
    agree(Software::Apache)
}

#[test]
fn peers_agree_with_haproxy() -> Result<()> {
    agree(Software::Haproxy)
}

#[test]
fn peers_agree_with_caddy() -> Result<()> {
    agree(Software::Caddy)
}

#[test]
fn peers_agree_with_node() -> Result<()> {
    agree(Software::Node)
}

#[test]
fn peers_agree_with_go() -> Result<()> {
    agree(Software::Go(Symbols::Kept))
}
