//! Why a request has no answer.

use crate::probe::outcome::{ProbeError, ProbeStage};
use h2::Reason;
use std::error::Error;
use std::io;

/// What an error means, by its causes.
pub(super) fn of(error: &hyper::Error) -> ProbeError {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = known(error) {
            return found;
        }
        said = format!("{said}: {error}");
        cause = error.source();
    }
    let kind = if error.is_canceled() || error.is_closed() {
        return ProbeError::new(ProbeStage::Reuse, "connection_closed", said);
    } else if error.is_incomplete_message() {
        "closed_without_answer"
    } else {
        "http_error"
    };
    ProbeError::new(ProbeStage::Request, kind, said)
}

fn known(error: &(dyn Error + 'static)) -> Option<ProbeError> {
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return Some(of_http2(error));
    }
    error.downcast_ref::<io::Error>().map(of_io)
}

fn of_http2(error: &h2::Error) -> ProbeError {
    if let Some(error) = error.get_io() {
        return of_io(error);
    }
    let stage = match error.reason() {
        // Not looked at, and free to be sent elsewhere (RFC 9113 §8.7); or a server that takes its leave.
        Some(Reason::REFUSED_STREAM) => ProbeStage::Reuse,
        Some(Reason::NO_ERROR) if error.is_go_away() => ProbeStage::Reuse,
        _ => ProbeStage::Request,
    };
    let kind = match (stage, error.is_reset()) {
        (ProbeStage::Reuse, false) => "connection_closed",
        (_, true) => "stream_reset",
        (_, false) => "connection_reset",
    };
    let detail = error.reason().map_or_else(|| error.to_string(), |reason| format!("{reason:?}"));
    ProbeError::new(stage, kind, detail)
}

fn of_io(error: &io::Error) -> ProbeError {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "connection_reset",
        _ => "closed_without_answer",
    };
    ProbeError::new(ProbeStage::Request, kind, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Request;
    use http_body_util::Empty;
    use hyper::client::conn::{http1, http2};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::runtime::Builder;

    /// SETTINGS, as every server begins.
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

    /// What a client makes of these frames, which it gets when it has asked.
    fn over_http2(frames: &[&'static [u8]]) -> ProbeError {
        let answer = [&[SETTINGS], frames].concat().concat();
        Builder::new_current_thread().build().unwrap().block_on(async {
            let (ours, mut theirs) = duplex(64 * 1024);
            let server = tokio::spawn(async move {
                let mut asked = Vec::new();
                // HEADERS of the first stream: its head without the length.
                while !asked.windows(5).any(|bytes| bytes == [1, 5, 0, 0, 0]) {
                    asked.push(theirs.read_u8().await.unwrap());
                }
                theirs.write_all(&answer).await.unwrap();
                // Stays, so that nothing but the frames says anything.
                drop(theirs.read_to_end(&mut Vec::new()).await);
            });
            let begun = http2::handshake(TokioExecutor::new(), TokioIo::new(ours)).await;
            let (mut client, driver) = begun.unwrap();
            let driver = tokio::spawn(driver);
            let request = Request::get("https://one.test/").body(Empty::<Bytes>::new()).unwrap();
            let probe_error = of(&client.send_request(request).await.unwrap_err());
            server.abort();
            driver.abort();
            probe_error
        })
    }

    fn over_http1(answer: &'static [u8]) -> ProbeError {
        Builder::new_current_thread().build().unwrap().block_on(async {
            let (ours, mut theirs) = duplex(64 * 1024);
            tokio::spawn(async move {
                theirs.read_u8().await.unwrap();
                theirs.write_all(answer).await.unwrap();
            });
            let (mut client, driver) = http1::handshake(TokioIo::new(ours)).await.unwrap();
            tokio::spawn(driver);
            let request = Request::get("/").body(Empty::<Bytes>::new()).unwrap();
            of(&client.send_request(request).await.unwrap_err())
        })
    }

    #[test]
    fn a_reset_is_an_answer_and_a_farewell_is_none() {
        // RST_STREAM of stream 1, with a reason; GOAWAY with the last stream that was looked at, and a reason.
        const RESET: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1];
        const GOAWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let reset = over_http2(&[RESET, &[0, 0, 0, 1]]);
        assert_eq!(reset, ProbeError::new(ProbeStage::Request, "stream_reset", "PROTOCOL_ERROR"));
        let refused = over_http2(&[RESET, &[0, 0, 0, 7]]);
        assert_eq!(refused, ProbeError::new(ProbeStage::Reuse, "stream_reset", "REFUSED_STREAM"));
        let broken = over_http2(&[GOAWAY, &[0, 0, 0, 2]]);
        assert_eq!(
            broken,
            ProbeError::new(ProbeStage::Request, "connection_reset", "INTERNAL_ERROR")
        );
        let farewell = over_http2(&[GOAWAY, &[0, 0, 0, 0]]);
        assert_eq!(farewell, ProbeError::new(ProbeStage::Reuse, "connection_closed", "NO_ERROR"));
    }

    #[test]
    fn what_is_no_answer_is_told_from_none() {
        let closed = over_http1(b"");
        assert_eq!((closed.stage, &*closed.kind), (ProbeStage::Request, "closed_without_answer"));
        let nonsense = over_http1(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
        assert_eq!((nonsense.stage, &*nonsense.kind), (ProbeStage::Request, "http_error"));
    }
}
