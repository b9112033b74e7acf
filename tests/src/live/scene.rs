//! What each client asks each server in the pairwise scenes.

use anyhow::{Context, Result};

use super::{Ask, Client, Ground, Peer, Truth};
use crate::curl::Http;

/// What both ends of the exchanges of one client know.
#[derive(Clone, Debug)]
pub struct Played {
    /// As the server saw it.
    pub server: Vec<Truth>,
    /// As the client saw it.
    pub client: Vec<Truth>,
}

/// What `client` can be asked to do over `http`: names that agree with the SNI and ones that do not, served and
/// refused, and no SNI.
pub fn asks(client: Client, http: Http) -> Vec<Ask> {
    let one = |sni, authority| Ask::new(sni, &[authority], http);
    match client {
        Client::Wget => vec![one(Some("localhost"), "a.test"), one(Some("localhost"), "d.test")],
        Client::Nghttp => vec![one(None, "a.test"), one(None, "d.test")],
        // It sends all at once, and Apache closes after a 421.
        Client::GnutlsCli => {
            vec![Ask::new(Some("a.test"), &["a.test", "b.test", "c.test", "d.test:8443"], http)]
        }
        Client::H2load => vec![Ask { http, ..Ask::many("a.test", &["a.test"], 200, 100) }],
        _ => vec![
            Ask::new(
                Some("a.test"),
                &["a.test", "b.test", "d.test:8443", "c.test", "a.test"],
                http,
            ),
            one(Some("b.test"), "b.test"),
            one(None, "a.test"),
        ],
    }
}

/// Plays all that `client` can do with `peer`, and requires that both ends agree.
pub fn play(ground: &Ground, peer: &Peer, client: Client, http: Http) -> Result<Played> {
    let mut played = Played { server: Vec::new(), client: Vec::new() };
    for ask in asks(client, http) {
        let before = peer.seen()?.len();
        let more = play_one(ground, peer, client, &ask, before)
            .with_context(|| format!("{client:?} asks {ask:?}"))?;
        played.server.extend(more.server);
        played.client.extend(more.client);
    }
    Ok(played)
}

/// Plays one request for `ask` behind the `before` exchanges that `peer` has seen already.
pub fn play_one(
    ground: &Ground,
    peer: &Peer,
    client: Client,
    ask: &Ask,
    before: usize,
) -> Result<Played> {
    let told = client.ask(ground, peer.port(), ask)?;
    let seen = peer.truth(before + told.count)?;
    let server = seen.get(before..).unwrap_or_default().to_vec();
    let client = told.truth(&server);
    super::truth::agree(&server, &client)?;
    Ok(Played { server, client })
}
