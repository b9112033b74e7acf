//! What other than 421 servers answer to a request that came through the wrong door.

use crate::explain::cause::{Past, Refusal};
use crate::http_facts::{Attribution, BodyMark, ContentType, Generator, ServerSoftware};
use crate::observation::verdict::Verdict;
use crate::observation::{Exchange, Response};

/// RST_STREAM's PROTOCOL_ERROR (RFC 9113 §7): Tomcat's answer over HTTP/2.
const PROTOCOL_ERROR: u32 = 1;

/// Whether an exchange may have been refused for its name with something other than 421: the name is not what the
/// connection was opened for, and the answer is one that servers give then.
pub(super) fn is_sibling(exchange: &Exchange) -> bool {
    let is_about_names = exchange.is_mismatched()
        || matches!(
            exchange.verdict,
            Verdict::NoSni | Verdict::MatchDot | Verdict::SniInvalid | Verdict::AuthorityConflict
        );
    let is_refused = match exchange.response {
        Response::Answered { status, .. } => {
            matches!(status, 400 | 403) || status == 404 && exchange.is_mismatched()
        }
        Response::StreamReset(code) => code == PROTOCOL_ERROR,
        Response::Unseen | Response::ConnectionReset => false,
    };
    is_about_names && is_refused
}

/// How it was refused; `None` where the status is more likely about something else.
pub(super) fn of(exchange: &Exchange, past: &Past, origin: &Attribution) -> Option<Refusal> {
    let Some(status) = exchange.status() else { return Some(Refusal::Reset) };
    if status == 421 {
        return Some(Refusal::Misdirected);
    }
    // The same names were served: this is about the resource.
    if past.served_alike || origin.is_relayed {
        return None;
    }
    let answer = exchange.answer().unwrap_or_default();
    let is_names = match status {
        // Tomcat names itself nowhere; Jetty, Apache and nginx do.
        400 => match answer.server {
            None
            | Some(ServerSoftware::Tomcat | ServerSoftware::Jetty | ServerSoftware::Apache) => true,
            Some(ServerSoftware::Nginx) => answer.content_type == Some(ContentType::Html),
            Some(_) => exchange.verdict == Verdict::AuthorityConflict,
        },
        // SSLStrictSNIVHostCheck.
        403 => origin.generator == Generator::Apache,
        // Envoy has no route for the host in this listener: an empty page.
        404 => {
            let is_empty = answer.content_length == Some(0) || answer.body == BodyMark::Empty;
            origin.generator == Generator::Envoy && is_empty || !past.served_under_own_name
        }
        _ => false,
    };
    is_names.then_some(Refusal::Rejected(status))
}
