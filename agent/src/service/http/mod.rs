//! What the agent answers over HTTP: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever runs it, and
//! `/debug/status` and `/debug/recent` for people.

mod access;
mod server;
mod status;

pub(crate) use access::{Access, AccessFiles};

use crate::export::Dialect;
use crate::state::AgentState;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<AgentState>, access: Arc<Access>) {
    let router = router(shared, Arc::clone(&access));
    server::answer(listener, router, access).await;
}

fn router(shared: Arc<AgentState>, access: Arc<Access>) -> Router {
    // An orchestrator asks for health without a token, and learns nothing of the traffic by it.
    let open = Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz));
    Router::new()
        .route("/metrics", get(metrics))
        .route("/debug/status", get(status))
        .route("/debug/recent", get(recent))
        .route_layer(from_fn_with_state(access, authorize))
        .merge(open)
        .fallback(|| async {
            let pages = "there is /metrics, /healthz, /readyz, /debug/status, /debug/recent";
            answer(StatusCode::NOT_FOUND, pages)
        })
        .with_state(shared)
}

async fn authorize(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes());
    if access.allows(given) {
        return next.run(request).await;
    }
    let refusal = answer(StatusCode::UNAUTHORIZED, "a bearer token is needed");
    ([(WWW_AUTHENTICATE, "Bearer")], refusal).into_response()
}

async fn metrics(State(shared): State<Arc<AgentState>>, request: Request) -> Response {
    let accept = request.headers().get_all(ACCEPT).iter();
    let dialect = Dialect::accepted(accept.filter_map(|value| value.to_str().ok()));
    // The lock is given back before the text is made.
    let snapshot = shared.metrics().snapshot();
    match snapshot.encode(dialect) {
        Ok(text) => ([(CONTENT_TYPE, dialect.content_type())], text).into_response(),
        Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

async fn healthz(State(shared): State<Arc<AgentState>>) -> Response {
    match shared.health.alive() {
        Ok(()) => answer(StatusCode::OK, "ok"),
        Err(why) => answer(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

async fn readyz(State(shared): State<Arc<AgentState>>) -> Response {
    match shared.health.ready() {
        Ok(()) => answer(StatusCode::OK, &format!("ok: {}", shared.health.source())),
        Err(why) => answer(StatusCode::SERVICE_UNAVAILABLE, &format!("not ready: {why}")),
    }
}

async fn status(State(shared): State<Arc<AgentState>>) -> Response {
    json(status::line(&shared))
}

async fn recent(State(shared): State<Arc<AgentState>>) -> Response {
    // The lock is given back before the text is made.
    let recent = shared.recent().clone();
    json(recent.to_json())
}

fn json(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn answer(status: StatusCode, text: &str) -> Response {
    (status, format!("{text}\n")).into_response()
}

#[cfg(test)]
mod tests;
