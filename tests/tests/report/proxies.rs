use std::net::SocketAddr;

use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::wire::{Frame, Talk};

use super::{Page, in_turn};

const REQUEST: &str = "GET /there HTTP/1.1\r\nHost: b.test\r\n\r\n";
const REFUSAL: &str =
    "HTTP/1.1 421 Misdirected Request\r\nServer: Apache\r\nContent-Length: 0\r\n\r\n";
const SUCCESS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// One question and its answer, on a connection of its own.
fn asked(client: SocketAddr, server: SocketAddr, answer: &str) -> Vec<Frame> {
    let mut talk = Talk::between(client, server);
    talk.handshake();
    talk.client(REQUEST).server(answer).close();
    talk.frames()
}

#[test]
fn both_hops_of_a_proxy_are_lanes_and_so_is_the_connection_that_got_through() -> Result<()> {
    let (client, again) = (([192, 0, 2, 1], 50_000).into(), ([192, 0, 2, 1], 50_001).into());
    let (proxy, upstream) = (([10, 0, 0, 1], 8080).into(), ([10, 0, 0, 2], 8081).into());
    let front = asked(client, proxy, REFUSAL);
    let back = asked(([10, 0, 0, 1], 40_000).into(), upstream, REFUSAL);
    // The proxy asks before it answers.
    let (request, response) = front.split_at(4);
    let frames =
        in_turn(&[request.to_vec(), back, response.to_vec(), asked(again, proxy, SUCCESS)]);
    let page = Page::of_frames(&frames, b"")?;
    let mut browser = page.open()?;
    let drawing = "document.querySelector('.finding svg.drawn')";
    for (what, count) in
        [("path.relayed", 2), ("path.retried", 1), (".lane", 3), (".mark.misdirected", 2)]
    {
        let found = browser.value(&format!("{drawing}.querySelectorAll('{what}').length"))?;
        assert_eq!(found, json!(count), "{what}");
    }
    let words = browser.text("document.querySelector('.finding figcaption').textContent")?;
    assert!(words.contains("c2 relayed the response of c1."), "{words}");
    assert!(words.contains("the client retried on c3: response"), "{words}");
    let lead = browser.text("document.querySelector('.lead').textContent")?;
    assert!(lead.contains("succeeded on another connection"), "{lead}");
    Ok(())
}
