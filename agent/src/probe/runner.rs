//! Asks all that was planned, a few at a time.

use super::connection::{self, ProbeOptions};
use super::error::ProbeSetupError;
use super::outcome::{ProbeError, ProbeResult};
use super::plan::Plan;
use super::rate::{Pace, Rate};
use crate::progress::Progress;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Builder;
use tokio::task::{JoinError, JoinSet};

/// How much at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// The most connections at the same time.
    pub(crate) concurrency: usize,
    /// How fast they are opened.
    pub(crate) rate: Option<Rate>,
}

/// Everything that came back.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// Each server, and why it could not be reached at all.
    pub(crate) servers: Vec<(SocketAddr, Option<ProbeError>)>,
    /// Server by server, each in the order of the plan; servers that were not reached have none.
    pub(crate) found: Vec<ProbeResult>,
}

/// Asks.
pub(crate) fn run(
    plan: &Plan,
    options: ProbeOptions,
    load: Load,
    progress: &Progress,
) -> Result<Results, ProbeSetupError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ProbeSetupError::Runtime)?;
    Ok(runtime.block_on(all(plan, Arc::new(options), load, progress)))
}

async fn all(plan: &Plan, options: Arc<ProbeOptions>, load: Load, progress: &Progress) -> Results {
    let mut pace = Pace::new(load.rate);
    // An address where nobody listens is asked once, not for every pair of names.
    let timeout = options.timeout;
    let reached = each(&plan.servers, load.concurrency, &mut pace, |&server| async move {
        // Nothing is said on it: it only shows that somebody accepts.
        connection::reach(server, timeout).await.map(drop).err()
    })
    .await;
    let servers: Vec<_> = plan.servers.iter().copied().zip(reached).collect();
    let there: Vec<_> = servers
        .iter()
        .filter(|(_, probe_error)| probe_error.is_none())
        .map(|(server, _)| *server)
        .collect();
    // Servers by turns, so that none has all the load.
    let turns: Vec<_> = plan
        .probes
        .iter()
        .flat_map(|probe| there.iter().map(move |server| (*server, Arc::clone(probe))))
        .collect();
    progress.expect(turns.len());
    let done = std::cell::Cell::new(0_u64);
    let mut found = each(&turns, load.concurrency, &mut pace, |(server, probe)| {
        done.set(done.get() + 1);
        progress.at(done.get());
        let (server, probe, options) = (*server, Arc::clone(probe), Arc::clone(&options));
        async move { connection::probe(&options, server, probe).await }
    })
    .await;
    let order: HashMap<_, _> = there.iter().enumerate().map(|(at, server)| (*server, at)).collect();
    // Stable: within a server the order is the plan's.
    found.sort_by_key(|found| order.get(&found.server).copied());
    Results { servers, found }
}

/// Does something for each, at most so many at a time, and returns what came of it in order.
async fn each<T, R, F>(
    items: &[T],
    concurrency: usize,
    pace: &mut Pace,
    begin: impl Fn(&T) -> F,
) -> Vec<R>
where
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let mut running = JoinSet::new();
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let mut put = |joined: Option<Result<(usize, R), JoinError>>| match joined {
        Some(Ok((at, result))) => {
            if let Some(place) = results.get_mut(at) {
                *place = Some(result);
            }
        }
        // Nobody cancels them, so it panicked: as if it had done so here.
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Some(Err(_)) | None => {}
    };
    for (at, item) in items.iter().enumerate() {
        if running.len() >= concurrency {
            put(running.join_next().await);
        }
        let moment = pace.next(Instant::now());
        tokio::time::sleep_until(moment.into()).await;
        let work = begin(item);
        running.spawn(async move { (at, work.await) });
    }
    while let Some(joined) = running.join_next().await {
        put(Some(joined));
    }
    results.into_iter().flatten().collect()
}
