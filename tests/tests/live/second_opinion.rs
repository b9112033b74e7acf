use anyhow::{Context, Result};
use wrongdoor_tests::binary;
use wrongdoor_tests::capture::Capture;
use wrongdoor_tests::curl::{Curl, Http};
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::{Ground, Software};

/// The comparison itself, and the servers' logs, against what `analyze` makes of the packets: a truth that is wrong
/// would find the agent wrong.
#[test]
fn peers_agree_with_what_was_on_the_wire() -> Result<()> {
    for software in Software::ALL {
        let ground = Ground::new()?;
        let peer = software.start(&ground)?;
        let file = ground.folder().join("wire.pcap");
        let keys = ground.folder().join("keys.log");
        let capture = Capture::start(&file, &[peer.port()])?;
        let mut count = 0;
        for http in [Http::One, Http::Two] {
            for (sni, authority) in [
                ("a.test", "a.test"),
                ("a.test", "c.test"),
                ("b.test", "d.test:8443"),
                ("127.0.0.1", "e.test"),
            ] {
                let url = format!("https://{sni}:{}/", peer.port());
                let curl =
                    Curl::new(&url, http)?.trust(ground.root()).host(authority).keylog(&keys);
                curl.send()?;
                count += 1;
            }
        }
        let truth = peer.truth(count)?;
        capture.finish()?;
        let mut command = binary::command(&["analyze", "--format", "json", "--keylog"]);
        let report = binary::report(command.arg(&keys).arg(&file))?;
        let told = compare(&truth, &report.exchanges, Role::None, &[peer.port()]);
        told.require_all().with_context(|| format!("{software:?}"))?;
    }
    Ok(())
}
