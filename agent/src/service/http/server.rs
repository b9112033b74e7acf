//! The listener: so many connections at a time, each of which is for one answer and has so much time, TLS
//! handshake included. Whoever holds on to theirs keeps nobody else out for long.

use super::access::Access;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Connections at a time; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 128;
/// From the first byte of a connection to the last.
const MAX_TIME: Duration = Duration::from_secs(10);
/// Until the request is complete: a silent client does not block other clients for long.
const MAX_SILENCE: Duration = Duration::from_secs(2);
/// Before another try where no connection can be taken, as without descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers until it is dropped.
pub(super) async fn answer(listener: TcpListener, router: Router, access: Arc<Access>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // Never closed, so that there is a place in the end.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let (router, access) = (router.clone(), Arc::clone(&access));
        tokio::spawn(async move {
            let answered = timeout(MAX_TIME, connection(stream, router, &access)).await;
            if answered.is_err() {
                tracing::debug!("a scraper took too long");
            }
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, router: Router, access: &Access) {
    let Some(tls) = access.tls() else { return exchange(stream, router).await };
    match timeout(MAX_SILENCE, tls.accept(stream)).await {
        Ok(Ok(stream)) => exchange(stream, router).await,
        Ok(Err(error)) => tracing::debug!("a scraper's TLS handshake failed: {error}"),
        Err(_elapsed) => tracing::debug!("a scraper's TLS handshake took too long"),
    }
}

async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router) {
    let served = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_SILENCE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = served.await {
        tracing::debug!("the connection of a scraper failed: {error}");
    }
}
