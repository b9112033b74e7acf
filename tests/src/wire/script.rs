//! What was said on a connection, apart from how it was cut into segments: and cut anew.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use wrongdoor_core::side::Side;

use super::segment::{ACK, FIN, RST, SYN};
use super::talk::stamped;
use super::{Dice, Frame, Segment};

/// One connection: what each end said, and how much each had heard when it did.
#[derive(Clone, Debug)]
pub struct Script {
    /// The sender of the SYN.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// What the client said.
    pub said_by_client: Said,
    /// What the server said.
    pub said_by_server: Said,
    /// Who aborted.
    reset: Option<Side>,
}

/// What one end said.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// All of it.
    pub bytes: Vec<u8>,
    /// From this offset on, so many bytes of the other end had been heard.
    heard: Vec<(usize, usize)>,
    closed: bool,
}

/// How to cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// The longest segment.
    pub longest: usize,
    /// Once in so many segments, something is sent again: the same, or from the middle of it on.
    pub again: usize,
    /// How far a segment may be from its place.
    pub displaced: usize,
}

/// The connections in `frames`, by their endpoints. Each must begin with its SYN; the tail of one
/// that was over before the capture is none.
pub fn scripts(frames: &[Frame]) -> Result<Vec<Script>> {
    let mut connections: BTreeMap<(SocketAddr, SocketAddr), Vec<Segment>> = BTreeMap::new();
    for segment in frames.iter().filter_map(Segment::of) {
        let (a, b) = (segment.from.min(segment.to), segment.from.max(segment.to));
        connections.entry((a, b)).or_default().push(segment);
    }
    let is_tail =
        |segments: &&Vec<Segment>| segments.iter().all(|segment| segment.payload.is_empty());
    connections
        .values()
        .filter(|segments| !is_tail(segments))
        .map(|segments| Script::of(segments))
        .collect()
}

// ===== impl Said =====

impl Said {
    /// Splits the TLS record in front into records of at most `len` bytes.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn split_first_record(&mut self, len: usize) {
        let Some((&[kind, major, minor, a, b], rest)) = self.bytes.split_first_chunk::<5>() else {
            panic!("no record");
        };
        let (payload, behind) = rest.split_at(usize::from(u16::from_be_bytes([a, b])));
        let mut split = Vec::new();
        for piece in payload.chunks(len.max(1)) {
            split.extend_from_slice(&[kind, major, minor]);
            split.extend_from_slice(&u16::try_from(piece.len()).unwrap_or(0).to_be_bytes());
            split.extend_from_slice(piece);
        }
        let longer = split.len() - payload.len() - 5;
        split.extend_from_slice(behind);
        self.bytes = split;
        self.heard.iter_mut().skip(1).for_each(|(from, _)| *from += longer);
    }
}

// ===== impl Script =====

impl Script {
    fn of(segments: &[Segment]) -> Result<Self> {
        let mut opening = segments.iter().filter(|segment| segment.has(SYN));
        let (syn, answer) =
            (opening.next().context("no SYN")?, opening.next().context("no answer to the SYN")?);
        ensure!(opening.next().is_none() && !syn.has(ACK), "more than one connection");
        let first = |syn: &Segment| syn.sequence.wrapping_add(1);
        let mut script = Self {
            client: syn.from,
            server: syn.to,
            said_by_client: Said::default(),
            said_by_server: Said::default(),
            reset: None,
        };
        for segment in segments.iter().filter(|segment| !segment.has(SYN)) {
            let is_client = segment.from == script.client;
            let (mine, others) = if is_client { (syn, answer) } else { (answer, syn) };
            let place = usize::try_from(segment.sequence.wrapping_sub(first(mine)))?;
            let other_said = script.said(!is_client).bytes.len();
            let heard = usize::try_from(segment.acknowledgment.wrapping_sub(first(others)))?;
            let said = script.said(is_client);
            let known = said.bytes.len().saturating_sub(place);
            if let Some(fresh @ [_, ..]) = segment.payload.get(known..) {
                ensure!(place <= said.bytes.len(), "a capture with a gap");
                said.heard.push((said.bytes.len(), heard.min(other_said)));
                said.bytes.extend_from_slice(fresh);
            }
            said.closed |= segment.has(FIN);
            if segment.has(RST) && script.reset.is_none() {
                script.reset = Some(if is_client { Side::Client } else { Side::Server });
            }
        }
        Ok(script)
    }

    fn said(&mut self, by_client: bool) -> &mut Said {
        if by_client { &mut self.said_by_client } else { &mut self.said_by_server }
    }

    /// The same conversation in other segments: any sizes, with repetitions and overlaps, the two
    /// directions in any order in which nobody answers what was not said yet.
    pub fn cut(&self, dice: &mut Dice, cut: Cut) -> Vec<Frame> {
        let mut cutter = Cutter::new(self, dice);
        cutter.open();
        let opened = cutter.segments.len();
        while cutter.step(dice, cut) {}
        let mut segments = cutter.segments;
        if let Some(said) = segments.get_mut(opened..) {
            displace(said, dice, cut.displaced);
        }
        let mut end = Cutter { segments, ..cutter };
        end.end();
        stamped(&end.segments)
    }
}

/// Everything a cut needs to know while it is made: of the client first, then of the server.
struct Cutter<'a> {
    script: &'a Script,
    initial: [u32; 2],
    sent: [usize; 2],
    segments: Vec<Segment>,
}

impl<'a> Cutter<'a> {
    fn new(script: &'a Script, dice: &mut Dice) -> Self {
        // Sequence numbers that wrap somewhere within, mostly.
        let mut near_the_end = |len: usize| {
            let before = u32::try_from(dice.within(0..len + 4)).unwrap_or(0);
            if dice.once_in(4) { before } else { u32::MAX - before }
        };
        let initial = [
            near_the_end(script.said_by_client.bytes.len()),
            near_the_end(script.said_by_server.bytes.len()),
        ];
        Self { script, initial, sent: [0, 0], segments: Vec::new() }
    }

    fn said(&self, by_client: bool) -> &'a Said {
        if by_client { &self.script.said_by_client } else { &self.script.said_by_server }
    }

    fn of(&self, by_client: bool) -> (u32, usize) {
        let ([client, server], [by_c, by_s]) = (self.initial, self.sent);
        if by_client { (client, by_c) } else { (server, by_s) }
    }

    fn push(&mut self, by_client: bool, flags: u8, place: usize, payload: &[u8]) {
        let number = |(initial, at): (u32, usize)| {
            initial.wrapping_add(1).wrapping_add(u32::try_from(at).unwrap_or(0))
        };
        let Script { client, server, .. } = self.script;
        let (from, to) = if by_client { (*client, *server) } else { (*server, *client) };
        let is_first = flags & SYN != 0;
        let sequence = number((self.of(by_client).0, place)).wrapping_sub(u32::from(is_first));
        let acknowledgment = if flags & ACK == 0 { 0 } else { number(self.of(!by_client)) };
        let payload = payload.to_vec();
        self.segments.push(Segment { from, to, sequence, acknowledgment, flags, payload });
    }

    fn open(&mut self) {
        self.push(true, SYN, 0, &[]);
        self.push(false, SYN | ACK, 0, &[]);
        self.push(true, ACK, 0, &[]);
    }

    /// One more segment; false when everything is said.
    fn step(&mut self, dice: &mut Dice, cut: Cut) -> bool {
        let mut by_client = dice.once_in(2);
        if self.may_say(by_client) == 0 {
            by_client = !by_client;
        }
        let may = self.may_say(by_client);
        if may == 0 {
            return false;
        }
        let (_, place) = self.of(by_client);
        let len = 1 + dice.within(0..may.min(cut.longest));
        let bytes = &self.said(by_client).bytes;
        // What was sent before goes along, now and then.
        let back = if dice.once_in(cut.again) { dice.within(0..place.min(50) + 1) } else { 0 };
        let payload = bytes.get(place - back..place + len).unwrap_or_default();
        self.push(by_client, ACK, place - back, payload);
        if by_client {
            self.sent[0] += len;
        } else {
            self.sent[1] += len;
        }
        if dice.once_in(cut.again) {
            let (_, sent) = self.of(by_client);
            let from = sent - dice.within(0..sent.min(3000)) - 1;
            let to = from + 1 + dice.within(0..(sent - from).min(1400));
            let payload = bytes.get(from..to).unwrap_or_default();
            self.push(by_client, ACK, from, payload);
        }
        true
    }

    /// How many bytes one end may say before it would answer what it has not heard.
    fn may_say(&self, by_client: bool) -> usize {
        let ((_, place), (_, heard)) = (self.of(by_client), self.of(!by_client));
        let said = self.said(by_client);
        let blocked = said.heard.iter().find(|(_, needs)| *needs > heard);
        let end = blocked.map_or(said.bytes.len(), |(from, _)| *from);
        end.saturating_sub(place)
    }

    fn end(&mut self) {
        for by_client in [true, false] {
            if self.said(by_client).closed {
                let (_, place) = self.of(by_client);
                self.push(by_client, FIN | ACK, place, &[]);
            }
        }
        if let Some(side) = self.script.reset {
            let by_client = side == Side::Client;
            let (_, place) = self.of(by_client);
            self.push(by_client, RST | ACK, place, &[]);
        }
    }
}

/// Moves segments, none further than `displaced` places.
fn displace(segments: &mut [Segment], dice: &mut Dice, displaced: usize) {
    for block in segments.chunks_mut(displaced + 1) {
        for at in (1..block.len()).rev() {
            block.swap(at, dice.within(0..at + 1));
        }
    }
}
