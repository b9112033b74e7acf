//! What the agent answers over HTTP: `/metrics`, `/healthz`, `/readyz`.
//!
//! Each connection is for one answer and has a fixed time, and there are at most so many: whoever holds
//! on to theirs keeps nobody else out for long.

mod bounded;

use super::metrics;
use crate::pipeline::live::Shared;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bounded::Bounded;
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    axum::serve(Bounded::new(listener), router(shared)).await
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(|| async {
            answer(StatusCode::NOT_FOUND, "there is /metrics, /healthz, /readyz")
        })
        .with_state(shared)
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    // The lock is given back before the text is made.
    let snapshot = shared.metrics().snapshot();
    match snapshot.encode() {
        Ok(text) => {
            ([(CONTENT_TYPE, metrics::CONTENT_TYPE), (CONNECTION, "close")], text).into_response()
        }
        Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

async fn healthz(State(shared): State<Arc<Shared>>) -> Response {
    told(shared.health.alive())
}

async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    told(shared.health.ready())
}

fn told(state: Result<(), &'static str>) -> Response {
    match state {
        Ok(()) => answer(StatusCode::OK, "ok"),
        Err(why) => answer(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

fn answer(status: StatusCode, text: &str) -> Response {
    (status, [(CONNECTION, "close")], format!("{text}\n")).into_response()
}

#[cfg(test)]
mod tests;
