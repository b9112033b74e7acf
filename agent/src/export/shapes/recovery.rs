//! What became of a client after a 421: as a part of its line, or as a line of its own.

use super::SCHEMA_VERSION;
use super::field::{Text, milliseconds, names};
use crate::export::ConnectionNumber;
use schemars::JsonSchema;
use serde::Serialize;
use wrongdoor_core::explain::recovery::{Outcome, Recovery, RecoveryReport};

/// What the client did after a 421.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct RecoveryPart {
    /// How it ended. `wrongdoor explain` lists the outcomes.
    #[schemars(extend("enum" = names(Outcome::ALL, Outcome::as_str)))]
    outcome: &'static str,
    /// The number of the connection on which the client asked again. Null if it did not.
    connection: Option<Text<ConnectionNumber>>,
    /// The status code of the response to the retry. Null without a retry.
    status: Option<u16>,
    /// Milliseconds from the 421 to that response. Null without a retry.
    after_ms: Option<f64>,
    /// How many connections the client opened for the host in the meantime.
    handshakes: u32,
    /// Whether clients of this class retry by themselves. Null if that is not known.
    retry_expected: Option<bool>,
}

/// What the client did after a 421 whose exchange line came before.
#[derive(Serialize, JsonSchema)]
pub(in crate::export) struct RecoveryLine {
    /// The type of the line.
    #[serde(rename = "type")]
    #[schemars(extend("const" = "recovery"))]
    kind: &'static str,
    /// The version of the schema of the lines. It grows with changes that break programs, and not with new fields.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    schema: u8,
    /// The number of the connection of the 421.
    #[schemars(extend("pattern" = "^c[0-9]+$"))]
    connection: Text<ConnectionNumber>,
    /// The `stream` of the 421.
    stream: u64,
    /// How it ended. `wrongdoor explain` lists the outcomes.
    #[schemars(extend("enum" = names(Outcome::ALL, Outcome::as_str)))]
    outcome: &'static str,
    /// The number of the connection on which the client asked again. Null if it did not.
    by_connection: Option<Text<ConnectionNumber>>,
    /// The status code of the response to the retry. Null without a retry.
    status: Option<u16>,
    /// Milliseconds from the 421 to that response. Null without a retry.
    after_ms: Option<f64>,
    /// How many connections the client opened for the host in the meantime.
    handshakes: u32,
    /// Whether clients of this class retry by themselves. Null if that is not known.
    retry_expected: Option<bool>,
}

impl RecoveryPart {
    pub(super) fn new(recovery: &Recovery) -> Self {
        Self {
            outcome: recovery.outcome.as_str(),
            connection: recovery.connection.map(|number| Text(ConnectionNumber(number))),
            status: recovery.status,
            after_ms: recovery.after.map(milliseconds),
            handshakes: recovery.handshakes,
            retry_expected: recovery.is_expected,
        }
    }
}

impl RecoveryLine {
    pub(in crate::export) fn new(number: ConnectionNumber, judged: &RecoveryReport) -> Self {
        let part = RecoveryPart::new(&judged.recovery);
        Self {
            kind: "recovery",
            schema: SCHEMA_VERSION,
            connection: Text(number),
            stream: judged.stream,
            outcome: part.outcome,
            by_connection: part.connection,
            status: part.status,
            after_ms: part.after_ms,
            handshakes: part.handshakes,
            retry_expected: part.retry_expected,
        }
    }
}
