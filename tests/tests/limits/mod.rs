//! Bounds are small here, so that floods need not be large.

/// Many connections.
mod connections;
/// HTTP/1.
mod http1;
/// HTTP/2 and its header compression.
mod http2;
/// TLS.
mod tls;

use std::sync::Arc;

use wrongdoor_core::counters::Loss;
use wrongdoor_core::engine::EngineConfig;
use wrongdoor_core::wire::tls::keylog::KeyLog;
use wrongdoor_tests::wire::{Found, Frame, observe_with};

/// The most bytes that an engine in these tests may hold.
const HELD: usize = 1024 * 1024;

/// Observes under small bounds, and checks that they held.
#[track_caller]
fn bounded(frames: &[Frame], keys_may_come: bool) -> Found {
    let config = EngineConfig { max_held_bytes: HELD, keys_may_come, ..EngineConfig::default() };
    let found = observe_with(config, &Arc::new(KeyLog::default()), frames);
    assert!(found.peak_held <= HELD, "{} bytes held: {:?}", found.peak_held, found.counters);
    found
}

fn lost(found: &Found, loss: Loss) -> u64 {
    found.counters.lost.get(&loss).copied().unwrap_or_default()
}
