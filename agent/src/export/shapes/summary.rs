//! The last line: sums.

use super::SCHEMA_VERSION;
use crate::export::Summary;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The sums of a run. It is the last line.
#[derive(Serialize, JsonSchema)]
pub(in crate::export) struct SummaryLine<'a> {
    /// The type of the line.
    #[serde(rename = "type")]
    #[schemars(extend("const" = "summary"))]
    kind: &'static str,
    /// The version of the schema of the lines. It grows with changes that break programs, and not with new fields.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    schema: u8,
    /// How many packets, or records of probes, were read.
    packets: u64,
    /// Their bytes.
    bytes: u64,
    /// How many connections had a line.
    connections: u64,
    /// How many exchanges there were.
    exchanges: u64,
    /// How many of them were answered with 421.
    misdirected: u64,
    /// How many asked for another host than their connection was for.
    mismatched: u64,
    /// How many exchanges had no status or no authority that could be read.
    unreadable: u64,
    /// How much was lost, of any kind: packets, bytes of streams, exchanges at a bound.
    lost: u64,
    /// What could not be decoded: the protocol and the kind of error, and how often.
    decode_errors: &'a BTreeMap<String, u64>,
}

impl<'a> SummaryLine<'a> {
    pub(in crate::export) fn new(summary: &'a Summary) -> Self {
        Self {
            kind: "summary",
            schema: SCHEMA_VERSION,
            packets: summary.packets,
            bytes: summary.bytes,
            connections: summary.connections,
            exchanges: summary.exchanges,
            misdirected: summary.misdirected,
            mismatched: summary.mismatched,
            unreadable: summary.unreadable,
            lost: summary.lost,
            decode_errors: &summary.decode_errors,
        }
    }
}
