//! A TLS stream that remembers the alert it ended with. Whoever speaks on it learns only that it ended: HTTP/2
//! keeps the text of an error alone, and in TLS 1.3 a server may refuse a client that takes the handshake for done.

use super::kind;
use crate::probe::outcome::{ProbeError, ProbeStage};
use rustls::Error;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alert(Arc<OnceLock<ProbeError>>);

/// The stream.
pub(crate) struct AlertRecorder<S> {
    stream: S,
    alert: Alert,
    /// What writing failed with, as long as it is not known what the other end said before.
    failed: Option<io::Error>,
}

impl Alert {
    /// Why TLS ended, where it said so.
    pub(crate) fn heard(&self) -> Option<ProbeError> {
        self.0.get().cloned()
    }

    fn hear(&self, error: &io::Error) {
        if let Some(cause) = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
            // The first is the reason, and the rest what followed from it.
            self.0.get_or_init(|| ProbeError::new(ProbeStage::Handshake, kind(cause), cause));
        }
    }
}

impl<S> AlertRecorder<S> {
    pub(crate) fn new(stream: S) -> (Self, Alert) {
        let alert = Alert::default();
        (Self { stream, alert: alert.clone(), failed: None }, alert)
    }
}

impl<S: AsyncRead + Unpin> AlertRecorder<S> {
    /// Who closes with an alert answers what still comes with a reset. Then writing fails before the alert was
    /// read, which is there all the same: so a failure is passed on when there is nothing left to read.
    fn read_on<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        // What has failed stays failed, whatever a second try says.
        let error = match (self.failed.take(), written) {
            (Some(error), _) | (None, Poll::Ready(Err(error))) => error,
            (None, written) => return written,
        };
        let mut bytes = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Ok(())) => return Poll::Ready(Err(error)),
                Poll::Ready(Err(heard)) => {
                    self.alert.hear(&heard);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => {
                    self.failed = Some(error);
                    return Poll::Pending;
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for AlertRecorder<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = ready!(Pin::new(&mut this.stream).poll_read(context, buffer));
        Poll::Ready(read.inspect_err(|error| this.alert.hear(error)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for AlertRecorder<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.read_on(context, written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.read_on(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
