use super::super::owners::FoundProcesses;
use super::*;
use std::sync::Arc;
use wrongdoor_core::counters::Loss;
use wrongdoor_core::engine::{EngineConfig, Event};
use wrongdoor_ebpf_common::{Closed, Head, Kind, Lost, Object, Piece, Plaintext, Tuple};

const PID: u32 = u32::MAX - 1;
const OBJECT: u64 = 0x1000;
const EPOCH: u64 = 5;
const COOKIE: u64 = 77;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// The way from records to connections.
struct Way {
    sessions: Sessions,
    owners: ObjectOwners,
    clock: BootClock,
    engine: Engine,
}

impl Way {
    fn new() -> Self {
        Self {
            sessions: Sessions::new(ProcessScope::default()),
            owners: ObjectOwners::new(FoundProcesses::default()),
            clock: BootClock::new(),
            engine: Engine::new(EngineConfig::default(), Arc::default()),
        }
    }

    fn record(&mut self, bytes: &[u8]) {
        let Self { sessions, owners, clock, engine } = self;
        sessions.record(bytes, clock, owners, engine);
    }

    /// The object of a client, on its socket.
    fn object(&mut self) {
        let head =
            Head { kind: Kind::Object as u8, flags: kernel::Flags::CLIENT.0, ..Head::default() };
        let tuple = Tuple { cookie: COOKIE, family: 2, local_port: 9, ..Tuple::default() };
        let (pid, object, epoch) = (PID, OBJECT, EPOCH);
        self.record(bytemuck::bytes_of(&Object {
            head,
            pid,
            object,
            epoch,
            tuple,
            ..Object::default()
        }));
    }

    /// A request of the object.
    fn request(&mut self, sequence: u32) {
        let direction = kernel::Direction::Sent as u8;
        let head = Head { kind: Kind::Plaintext as u8, direction, count: 1, ..Head::default() };
        let (pid, object, epoch) = (PID, OBJECT, EPOCH);
        let record = Plaintext { head, pid, sequence, object, epoch };
        let length = u32::try_from(REQUEST.len()).unwrap();
        let piece = Piece { omitted: 0, length, at_boundary: 1 };
        self.record(&[bytemuck::bytes_of(&record), bytemuck::bytes_of(&piece), REQUEST].concat());
    }

    fn closed(&mut self, kind: Kind, lost: u32) {
        let head = Head { kind: kind as u8, ..Head::default() };
        let closed = match kind {
            Kind::ObjectClosed => Closed { head, pid: PID, lost, object: OBJECT, epoch: EPOCH },
            _ => Closed { head, pid: 0, lost, object: 0, epoch: COOKIE },
        };
        self.record(bytemuck::bytes_of(&closed));
    }

    fn unseen(&mut self, owner: &kernel::Owner, is_unnamed: u32) {
        let lost = Lost { at: 1, records: 3, is_unnamed };
        self.sessions.lost_unseen(owner, &lost, &self.clock, &mut self.engine);
    }

    /// The gaps of each connection that was reported.
    fn gaps(mut self) -> Vec<u64> {
        self.engine.finish();
        let counters = self.engine.counters();
        assert_eq!(self.sessions.counts().news, counters.reports, "the ledger does not add up");
        let told = self.engine.drain().into_iter().filter_map(|told| match told.event {
            Event::Connection(end) => Some(end.gaps),
            Event::Exchange(_) | Event::Serves { .. } | Event::Hello(_) => None,
        });
        told.collect()
    }
}

#[test]
fn the_end_of_an_object_names_records_that_were_lost() {
    for lost in [0, 2] {
        let mut way = Way::new();
        way.object();
        way.request(0);
        way.closed(Kind::ObjectClosed, lost);
        way.closed(Kind::SocketClosed, 0);
        assert_eq!(way.gaps(), [u64::from(lost > 0)]);
    }
}

#[test]
fn the_end_of_a_socket_names_records_that_were_lost() {
    let mut way = Way::new();
    way.object();
    way.request(0);
    way.closed(Kind::SocketClosed, 1);
    assert_eq!(way.gaps(), [1]);
}

#[test]
fn lost_ends_are_read_from_the_table() {
    let object = kernel::Owner::object(PID, OBJECT, EPOCH);
    for owner in [object, kernel::Owner::socket(COOKIE)] {
        let mut way = Way::new();
        way.object();
        way.request(0);
        way.unseen(&owner, 0);
        assert_eq!(way.gaps(), [1], "{owner:?}");
    }
}

#[test]
fn connections_of_which_every_record_was_lost_are_counted() {
    let mut way = Way::new();
    way.unseen(&kernel::Owner::socket(COOKIE), 1);
    way.unseen(&kernel::Owner::object(PID, OBJECT, EPOCH), 1);
    // The plaintext of the former: it is counted by its socket.
    way.unseen(&kernel::Owner::object(PID, OBJECT, EPOCH + 1), 0);
    let counters = way.engine.counters();
    assert_eq!(counters.decode_errors[&("live", "unseen_connection")], 2);
    assert_eq!(counters.lost[&Loss::Gap], 2);
    assert_eq!(way.gaps().len(), 0);
}
