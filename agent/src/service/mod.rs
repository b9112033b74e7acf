//! The thread beside capture: it answers scrapes, hears signals, and looks for files that have changed.

mod error;
mod http;
mod reload;
mod settings;
mod traces;

pub(crate) use error::{ConfigError, ServiceError};
pub(crate) use http::Access;
pub(crate) use reload::{Reload, files, overrides};
pub(crate) use settings::{load, to_yaml};
pub(crate) use traces::traces;

use crate::privileges;
use crate::state::AgentState;
use http::serve;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

/// How often the files of the certificate, the key and the token are compared with what is in use.
const FILES_CHECKED_EVERY: Duration = Duration::from_secs(10);

/// The running thread.
pub(crate) struct HttpService {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Takes the address, so that one that is in use is known before anything is done.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, ServiceError> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|source| ServiceError::Listen { address, source })
}

impl HttpService {
    /// Starts it. From here on SIGTERM and SIGINT set the wish to stop, and end nothing by themselves; SIGHUP
    /// reloads.
    pub(crate) fn start(
        listener: TcpListener,
        shared: Arc<AgentState>,
        access: Arc<Access>,
        reload: Reload,
    ) -> Result<Self, ServiceError> {
        let (stop, stopped) = oneshot::channel();
        let started = Builder::new_current_thread().enable_all().build().and_then(|runtime| {
            let signals = Signals::new(&runtime)?;
            let listener = {
                let _entered = runtime.enter();
                tokio::net::TcpListener::from_std(listener)?
            };
            thread::Builder::new().name("service".to_owned()).spawn(move || {
                privileges::keep(privileges::NOTHING, "service");
                runtime.block_on(async {
                    tokio::spawn(signals.hear(Arc::clone(&shared), reload));
                    tokio::select! {
                        () = serve(listener, shared, access) => {}
                        _ = stopped => {}
                    }
                });
            })
        });
        let thread = started.map_err(ServiceError::Thread)?;
        Ok(Self { stop, thread })
    }

    /// Ends it.
    pub(crate) fn stop(self) {
        if self.stop.send(()).is_err() || self.thread.join().is_err() {
            tracing::error!("the service thread had stopped before");
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new(runtime: &Runtime) -> io::Result<Self> {
        let _entered = runtime.enter();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { terminate, interrupt, hang_up: signal(SignalKind::hangup())? })
    }

    async fn hear(mut self, shared: Arc<AgentState>, reload: Reload) {
        let mut files = tokio::time::interval(FILES_CHECKED_EVERY);
        files.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let name = tokio::select! {
                _ = files.tick() => {
                    reload.check_files();
                    continue;
                }
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.hang_up.recv() => {
                    reload.now();
                    continue;
                }
            };
            tracing::info!("{name}: stopping");
            shared.stop.store(true, Ordering::Relaxed);
        }
    }
}
