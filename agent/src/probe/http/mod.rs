//! Requests on a connection, and what came back.

mod fingerprint;
mod probe_error;

use super::connection::ProbeOptions;
use super::name::ProbeName;
use super::options::{ProbeMethod, Protocol};
use super::outcome::{ProbeAnswer, ProbeError, ProbeStage};
use super::tls::{Alert, AlertRecorder};
use bytes::Bytes;
use fingerprint::Fingerprint;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

/// The most of a body that is read; what is longer is left where it is.
const MAX_BODY: usize = 64 * 1024;
/// How long a body is waited for; streams have no end.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a connection may take to say goodbye.
const FAREWELL: Duration = Duration::from_millis(250);
/// Server logs show it, and agents keep these requests out of what they count of clients.
const AGENT: &str = concat!("wrongdoor-probe/", env!("CARGO_PKG_VERSION"));

/// A connection that can be asked on.
pub(super) struct Http {
    sender: Sender,
    driver: JoinHandle<()>,
    alert: Alert,
}

enum Sender {
    One(http1::SendRequest<Empty<Bytes>>),
    Two(http2::SendRequest<Empty<Bytes>>),
}

impl Http {
    /// Begins.
    pub(super) async fn over(
        stream: TlsStream<TcpStream>,
        protocol: Protocol,
    ) -> Result<Self, ProbeError> {
        let (stream, alert) = AlertRecorder::new(stream);
        let stream = TokioIo::new(stream);
        // How the connection ends is told by the request on it.
        match protocol {
            Protocol::Http1 => {
                let begun = http1::handshake(stream).await;
                let (sender, driver) = begun
                    .map_err(|error| alert.heard().unwrap_or_else(|| probe_error::of(&error)))?;
                let driver = tokio::spawn(async { drop(driver.await) });
                Ok(Self { sender: Sender::One(sender), driver, alert })
            }
            Protocol::H2 => {
                let begun = http2::handshake(TokioExecutor::new(), stream).await;
                let (sender, driver) = begun
                    .map_err(|error| alert.heard().unwrap_or_else(|| probe_error::of(&error)))?;
                let driver = tokio::spawn(async { drop(driver.await) });
                Ok(Self { sender: Sender::Two(sender), driver, alert })
            }
        }
    }

    /// Whether it takes another request.
    pub(super) async fn ready(&mut self) -> bool {
        match &mut self.sender {
            Sender::One(sender) => sender.ready().await.is_ok(),
            Sender::Two(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Why TLS ended, where it did so with an alert.
    pub(super) fn alert(&self) -> Option<ProbeError> {
        self.alert.heard()
    }

    /// Asks for a name.
    pub(super) async fn ask(
        &mut self,
        options: &ProbeOptions,
        name: &ProbeName,
    ) -> Result<ProbeAnswer, ProbeError> {
        let request = self.request(options, name)?;
        let response = match &mut self.sender {
            Sender::One(sender) => sender.send_request(request).await,
            Sender::Two(sender) => sender.send_request(request).await,
        };
        Ok(answer(response.map_err(|error| probe_error::of(&error))?).await)
    }

    fn request(
        &self,
        options: &ProbeOptions,
        name: &ProbeName,
    ) -> Result<Request<Empty<Bytes>>, ProbeError> {
        let method = match options.method {
            ProbeMethod::Head => http::Method::HEAD,
            ProbeMethod::Get => http::Method::GET,
        };
        let request = Request::builder().method(method);
        let request = match &self.sender {
            // The authority is the pseudo-header, and no `Host` beside it.
            Sender::Two(_) => request.uri(name.uri(&options.path).unwrap_or_default()),
            Sender::One(_) => request.uri(options.path.as_str()).header(HOST, name.raw.as_str()),
        };
        let request = request.header(USER_AGENT, AGENT).header(ACCEPT, "*/*").body(Empty::new());
        request.map_err(|error| ProbeError::new(ProbeStage::Request, "http_error", error))
    }

    /// Ends it as well-bred clients do.
    pub(super) async fn close(self) {
        let Self { sender, mut driver, .. } = self;
        drop(sender);
        if timeout(FAREWELL, &mut driver).await.is_err() {
            driver.abort();
        }
    }
}

/// The head is the answer. A body that breaks off, or takes its time, only leaves less to know it again by.
async fn answer(response: Response<Incoming>) -> ProbeAnswer {
    let (head, body) = response.into_parts();
    let mut fingerprint = Fingerprint::new(head.status, &head.headers);
    let whole = timeout(BODY_TIMEOUT, read(body, &mut fingerprint)).await;
    ProbeAnswer {
        status: head.status.as_u16(),
        version: match head.version {
            Version::HTTP_2 => "2",
            Version::HTTP_11 => "1.1",
            _ => "1.0",
        },
        fingerprint: whole.ok().flatten().and_then(|()| fingerprint.finish()),
    }
}

/// As much as is compared; nothing where it breaks off before.
async fn read(mut body: Incoming, fingerprint: &mut Fingerprint) -> Option<()> {
    let mut room = MAX_BODY;
    while let Some(frame) = body.frame().await {
        let frame = frame.ok()?;
        let Some(data) = frame.data_ref() else { continue };
        let data = data.get(..data.len().min(room)).unwrap_or_default();
        fingerprint.body(data);
        room -= data.len();
        if room == 0 {
            break;
        }
    }
    Some(())
}
