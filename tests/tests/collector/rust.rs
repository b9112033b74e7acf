//! Collectors of tonic and axum.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::sync::oneshot;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::answers::{Answer, Answers};
use super::{Protocol, Span, span};

/// A thread that collects.
#[derive(Debug)]
pub(super) struct Rust {
    port: u16,
    kept: Arc<Kept>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Kept {
    answers: Answers,
    spans: Mutex<Vec<Span>>,
}

impl Rust {
    pub(super) fn start(protocol: Protocol, port: u16, answers: &[Answer]) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).context("no port")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let kept = Kept { answers: Answers::new(answers), spans: Mutex::default() };
        let kept = Arc::new(kept);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&kept);
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    served = serve(protocol, listener, shared) => drop(served),
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { port, kept, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.kept.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Rust {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

async fn serve(protocol: Protocol, listener: TcpListener, kept: Arc<Kept>) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    match protocol {
        Protocol::Grpc => {
            let service =
                TraceServiceServer::from_arc(kept).accept_compressed(CompressionEncoding::Gzip);
            let serving = Server::builder().add_service(service);
            Ok(serving.serve_with_incoming(TcpIncoming::from(listener)).await?)
        }
        Protocol::Http => {
            let router = Router::new().route("/v1/traces", post(export)).with_state(kept);
            Ok(axum::serve(listener, router).await?)
        }
    }
}

impl Kept {
    /// Takes a request's spans, or says why not.
    async fn take(
        &self,
        request: &ExportTraceServiceRequest,
    ) -> Result<ExportTraceServiceResponse, Answer> {
        let mut spans = span::of_request(request);
        let mut response = ExportTraceServiceResponse::default();
        match self.answers.next() {
            refusal @ (Answer::NotNow | Answer::Later(_) | Answer::Never) => return Err(refusal),
            Answer::Slowly(length) => tokio::time::sleep(length).await,
            Answer::ButOne => {
                spans.pop();
                let error_message = "one too many".to_owned();
                let partial = ExportTracePartialSuccess { rejected_spans: 1, error_message };
                response.partial_success = Some(partial);
            }
            Answer::Yes => {}
        }
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).extend(spans);
        Ok(response)
    }
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        let taken = self.take(request.get_ref()).await;
        taken.map(tonic::Response::new).map_err(|refusal| match refusal {
            Answer::Later(length) => {
                let details = ErrorDetails::with_retry_info(Some(length));
                Status::with_error_details(Code::ResourceExhausted, "too much", details)
            }
            Answer::Never => Status::invalid_argument("never"),
            _ => Status::unavailable("not now"),
        })
    }
}

async fn export(State(kept): State<Arc<Kept>>, headers: HeaderMap, body: Bytes) -> Response {
    let field = |name| headers.get(name).map(|value: &HeaderValue| value.as_bytes());
    let mut plain = Vec::new();
    let read = match field(header::CONTENT_ENCODING) {
        Some(b"gzip") => GzDecoder::new(&*body).read_to_end(&mut plain),
        _ => body.as_ref().read_to_end(&mut plain),
    };
    let kind = field(header::CONTENT_TYPE);
    let (Ok(_), Ok(request), Some(b"application/x-protobuf")) =
        (read, ExportTraceServiceRequest::decode(&*plain), kind)
    else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match kept.take(&request).await {
        Ok(response) => {
            let kind = [(header::CONTENT_TYPE, "application/x-protobuf")];
            (kind, response.encode_to_vec()).into_response()
        }
        Err(Answer::Later(length)) => {
            let fields = [(header::RETRY_AFTER, length.as_secs().to_string())];
            (StatusCode::TOO_MANY_REQUESTS, fields).into_response()
        }
        Err(Answer::Never) => StatusCode::BAD_REQUEST.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
