//! Why a request has no answer.

use crate::probe::outcome::{Stage, Trouble};
use crate::probe::tls;
use h2::Reason;
use std::error::Error;
use std::io;

/// What an error means, by its causes.
pub(super) fn of(error: &hyper::Error) -> Trouble {
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
        return Trouble::new(Stage::Reuse, "connection_closed", said);
    } else if error.is_incomplete_message() {
        "closed_without_answer"
    } else {
        "http_error"
    };
    Trouble::new(Stage::Request, kind, said)
}

fn known(error: &(dyn Error + 'static)) -> Option<Trouble> {
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return Some(of_http2(error));
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return Some(of_io(error));
    }
    tls::cause(error)
}

fn of_http2(error: &h2::Error) -> Trouble {
    if let Some(error) = error.get_io() {
        return of_io(error);
    }
    let stage = match error.reason() {
        // Not looked at, and free to be sent elsewhere (RFC 9113 §8.7); or a server that takes its leave.
        Some(Reason::REFUSED_STREAM) => Stage::Reuse,
        Some(Reason::NO_ERROR) if error.is_go_away() => Stage::Reuse,
        _ => Stage::Request,
    };
    let kind = match (stage, error.is_reset()) {
        (Stage::Reuse, false) => "connection_closed",
        (_, true) => "stream_reset",
        (_, false) => "connection_reset",
    };
    let detail = error.reason().map_or_else(|| error.to_string(), |reason| format!("{reason:?}"));
    Trouble::new(stage, kind, detail)
}

fn of_io(error: &io::Error) -> Trouble {
    if let Some(found) = error.get_ref().and_then(|cause| tls::cause(cause)) {
        return found;
    }
    let kind = match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "connection_reset",
        _ => "closed_without_answer",
    };
    Trouble::new(Stage::Request, kind, error)
}
