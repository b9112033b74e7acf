//! An answered request, as much as it takes to know it again as the answer to an earlier 421.

use super::window::{WhoOf, port_of};
use crate::http::HttpVersion;
use crate::observation::{Exchange, TransportKind};
use crate::time::Timestamp;
use std::hash::BuildHasher;

/// It holds nothing of what was asked for but keyed hashes.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestAnswer {
    /// Of who asked, and which host for.
    pub(super) who: u64,
    /// Of that, the end it was seen at, the method and the path; none where one of them is not known.
    pub(super) what: Option<u64>,
    pub(super) connection: u64,
    pub(super) started: Timestamp,
    pub(super) responded: Timestamp,
    pub(super) status: u16,
    pub(super) version: HttpVersion,
    pub(super) transport: TransportKind,
    pub(super) port: Option<u16>,
}

impl RequestAnswer {
    /// Hashes are comparable where the hasher is the same.
    pub(super) fn new(
        connection: u64,
        exchange: &Exchange,
        status: u16,
        who: WhoOf<'_>,
        hasher: &impl BuildHasher,
    ) -> Self {
        let facts = &exchange.connection;
        let who = hasher.hash_one(who);
        let known = exchange.method.as_ref().known().zip(exchange.hints.path);
        let what =
            known.map(|(method, path)| hasher.hash_one((who, facts.observer.role, method, path)));
        Self {
            who,
            what,
            connection,
            started: exchange.started,
            responded: exchange.ended(),
            status,
            version: exchange.version,
            transport: facts.transport,
            port: port_of(facts),
        }
    }
}
