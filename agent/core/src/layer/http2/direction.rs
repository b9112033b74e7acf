//! One direction of an HTTP/2 connection: from bytes to whole frames, bodies passed over.

use crate::http_facts::MAX_SNIFFED;
use crate::layer::gather::{Attempts, Gather, Gathered};
use crate::layer::{Demand, Gap, Standing};
use crate::observation::keep;
use crate::wire::hpack::HpackDecoder;
use crate::wire::http2_frame::{
    END_STREAM, FrameHead, FrameType, HEAD_LEN, PREFACE, is_frame_chain,
};

/// The longest header block that is decoded, over all its CONTINUATION frames, in bytes. What a peer
/// sends beyond it costs the direction its compression state, and nothing more.
pub const MAX_HEADER_BLOCK: usize = 64 * 1024;
/// A larger buffer is given back once its frame is read: most connections are idle most of the time.
const MAX_KEPT: usize = 256;
/// The most streams of a connection whose DATA is looked at, and the longest frame of theirs.
const MAX_WATCHED: usize = 8;
const MAX_WATCHED_FRAME: usize = 16 * 1024;
/// How many times a lost place is looked for before the direction is given up.
const MAX_SEARCHES: u32 = 256;

/// A direction's place in the stream and its compression state.
pub(super) struct Http2Direction {
    place: ParserState,
    /// What was gathered so far of the preface, a frame header or a payload.
    gathered: Gather,
    /// The header block that CONTINUATION frames continue.
    pub(super) block: Option<HeaderBlock>,
    pub(super) hpack: HpackDecoder,
    /// After a gap whose length was not proven: the next frame header must be strict.
    on_probation: bool,
    searches: Attempts,
    /// The client's preface was there.
    pub(super) has_preface: bool,
    /// The place was taken up where a header block may go on whose beginning is lost.
    pub(super) may_continue: bool,
    /// Streams whose DATA is looked at; see [`watch`](Self::watch).
    watched: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
enum ParserState {
    Preface,
    Header,
    Payload(FrameHead),
    /// Bytes of a frame that are passed over.
    Skip(u64),
    /// Unknown.
    Lost,
    /// Unknown for good, or not HTTP/2 after all.
    Stopped,
}

/// Where a header block belongs.
#[derive(Clone, Copy)]
pub(super) struct BlockOf {
    pub(super) stream: u32,
    pub(super) end_stream: bool,
    pub(super) promised: Option<u32>,
}

/// A header block in the making.
pub(super) struct HeaderBlock {
    pub(super) of: BlockOf,
    pub(super) bytes: Vec<u8>,
    /// Beyond the bound, or not whole: nothing of it can be read.
    pub(super) unreadable: bool,
}

/// What a gap has cost.
pub(super) enum Missed {
    /// Nothing that anybody wanted.
    Nothing,
    /// This frame's payload.
    Frame(FrameHead),
    /// The place: nothing of this direction can be relied upon any more.
    State,
}

/// What [`Http2Direction::advance`] found in front of the bytes.
pub(super) enum FrameStep<'a> {
    /// A frame that is not collected begins.
    Passed(FrameHead),
    /// A collected frame, whole. The payload is in the bytes or, if `None`, in [`Http2Direction::collected`].
    Frame(FrameHead, Option<&'a [u8]>),
    /// All bytes are used.
    NeedMore,
    /// The place was lost just now: nothing of this direction can be relied upon any more.
    LostPlace,
    /// The bytes are not HTTP/2.
    NotHttp2,
}

impl Http2Direction {
    /// The direction from its first byte; the client's begins with the preface.
    pub(super) fn from_start(is_client: bool) -> Self {
        Self::new(
            if is_client { ParserState::Preface } else { ParserState::Header },
            HpackDecoder::new(keep),
        )
    }

    /// The direction from somewhere in the middle.
    pub(super) fn from_middle() -> Self {
        Self::new(ParserState::Lost, HpackDecoder::mid_connection(keep))
    }

    fn new(place: ParserState, hpack: HpackDecoder) -> Self {
        Self {
            place,
            gathered: Gather::default(),
            block: None,
            hpack,
            on_probation: false,
            searches: Attempts::new(MAX_SEARCHES),
            has_preface: false,
            may_continue: false,
            watched: Vec::new(),
        }
    }

    /// The DATA of this stream is collected from now on, as far as its frames are no longer than
    /// [`MAX_WATCHED_FRAME`]; false where too many are.
    pub(super) fn watch(&mut self, stream: u32) -> bool {
        let fits = self.watched.len() < MAX_WATCHED;
        if fits {
            self.watched.push(stream);
        }
        fits
    }

    /// Whether the DATA of this stream is collected.
    pub(super) fn watches(&self, stream: u32) -> bool {
        self.watched.contains(&stream)
    }

    /// The DATA of this stream is passed over again.
    pub(super) fn unwatch(&mut self, stream: u32) {
        self.watched.retain(|watched| *watched != stream);
        if self.watched.is_empty() {
            self.watched = Vec::new();
        }
    }

    /// Whether this frame's payload is of interest.
    fn collects(&self, head: &FrameHead) -> bool {
        match head.kind {
            FrameType::DATA => self.watches(head.stream) && head.len <= MAX_WATCHED_FRAME,
            _ => head.is_collected() && head.len <= MAX_HEADER_BLOCK,
        }
    }

    /// What the direction wants to see next.
    pub(super) fn demand(&self) -> Demand {
        match self.place {
            ParserState::Preface => Demand::Take(PREFACE.len().saturating_sub(self.gathered.len())),
            ParserState::Header => Demand::Take(HEAD_LEN.saturating_sub(self.gathered.len())),
            ParserState::Payload(head) => {
                Demand::Take(head.len.saturating_sub(self.gathered.len()))
            }
            ParserState::Skip(left) => Demand::Skip(left),
            ParserState::Lost => Demand::Take(usize::MAX),
            ParserState::Stopped => Demand::Skip(u64::MAX),
        }
    }

    /// Passes over bytes that [`demand`](Self::demand) said it does not want.
    pub(super) fn skip(&mut self, len: u64) {
        if let ParserState::Skip(left) = self.place {
            self.place =
                if len < left { ParserState::Skip(left - len) } else { ParserState::Header };
        }
    }

    /// Passes over a frame of DATA whose header nothing proves: the next header has to be strict. False where it is
    /// another frame's, or its content is of interest.
    pub(super) fn pass_unproven(&mut self, head: &FrameHead) -> bool {
        let is_next = matches!(self.place, ParserState::Header) && self.gathered.is_empty();
        let is_body =
            head.kind == FrameType::DATA && head.is_strict() && !self.watches(head.stream);
        let passes = is_next && is_body && self.block.is_none();
        if passes {
            self.place = if head.len == 0 {
                ParserState::Header
            } else {
                ParserState::Skip(head.len as u64)
            };
            self.on_probation = true;
        }
        passes
    }

    /// The payload of the frame that was just found, where it came in pieces.
    pub(super) fn collected(&mut self) -> Vec<u8> {
        self.gathered.take()
    }

    /// Gives the buffer of [`collected`](Self::collected) back.
    pub(super) fn recycle(&mut self, buffer: Vec<u8>) {
        // A buffer that a block has grown is not kept for the life of the connection.
        if buffer.capacity() <= MAX_KEPT {
            self.gathered.give_back(buffer);
        }
    }

    /// Nothing of this direction will be read any more.
    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.place, ParserState::Stopped)
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        let block = self.block.as_ref().map_or(0, |block| block.bytes.len());
        let looked_at = self.watched.len() * MAX_SNIFFED;
        self.gathered.len() + block + self.hpack.memory() + looked_at
    }

    /// Bytes are missing here.
    pub(super) fn gap(&mut self, gap: Gap) -> Missed {
        match (self.place, gap) {
            (ParserState::Skip(left), Gap::About(len) | Gap::Exactly(len)) if len <= left => {
                self.skip(len);
                self.on_probation |= matches!(gap, Gap::About(_));
                Missed::Nothing
            }
            // The frame's length is known, so the next frame's place is too.
            (ParserState::Payload(head), Gap::Exactly(len)) if self.left_of(&head) >= len => {
                let left = self.left_of(&head) - len;
                self.gathered.clear();
                self.place = if left == 0 { ParserState::Header } else { ParserState::Skip(left) };
                Missed::Frame(head)
            }
            (ParserState::Stopped, _) => Missed::Nothing,
            _ => {
                self.lose_place();
                Missed::State
            }
        }
    }

    /// The rest of a frame that is not collected was left out, then whole frames. False where that cannot
    /// be: frames that are collected are never left out, and nothing stands between those of a header block.
    pub(super) fn omit(&mut self, len: u64) -> bool {
        match self.place {
            ParserState::Skip(left) if left <= len => {
                self.place = ParserState::Header;
                self.block.is_none()
            }
            ParserState::Header => self.gathered.is_empty() && self.block.is_none(),
            ParserState::Lost | ParserState::Stopped => true,
            ParserState::Skip(_) | ParserState::Preface | ParserState::Payload(_) => false,
        }
    }

    pub(super) fn standing(&self) -> Standing {
        match self.place {
            ParserState::Preface | ParserState::Header if self.gathered.is_empty() => {
                Standing::Boundary
            }
            ParserState::Lost => Standing::Lost,
            ParserState::Stopped => Standing::Stopped,
            ParserState::Preface
            | ParserState::Header
            | ParserState::Payload(_)
            | ParserState::Skip(_) => Standing::Within,
        }
    }

    /// A lost place is found: the next byte is the first of a frame, which needs no search for proof.
    pub(super) fn resume(&mut self) {
        if matches!(self.place, ParserState::Lost) {
            self.place = ParserState::Header;
            self.may_continue = true;
        }
    }

    /// How much of a collected frame is still to come.
    fn left_of(&self, head: &FrameHead) -> u64 {
        head.len.saturating_sub(self.gathered.len()) as u64
    }

    /// Nothing of this direction can be read from here on.
    pub(super) fn stop(&mut self) {
        self.lose_place();
        self.place = ParserState::Stopped;
    }

    fn lose_place(&mut self) {
        self.place = ParserState::Lost;
        self.gathered.clear();
        self.block = None;
        self.watched = Vec::new();
        self.hpack.gap();
        self.on_probation = false;
    }

    /// Before the first [`advance`](Self::advance) on what one segment or record carried: looks for a lost place.
    pub(super) fn find_place(&mut self, bytes: &[u8]) {
        if !matches!(self.place, ParserState::Lost) || bytes.is_empty() {
            return;
        }
        if is_frame_chain(bytes) {
            self.place = ParserState::Header;
            return;
        }
        if !self.searches.spend() {
            self.place = ParserState::Stopped;
        }
    }

    /// The next step in `bytes`, which is advanced past what was used.
    pub(super) fn advance<'a>(&mut self, bytes: &mut &'a [u8]) -> FrameStep<'a> {
        loop {
            match self.place {
                ParserState::Lost | ParserState::Stopped => {
                    *bytes = &[];
                    return FrameStep::NeedMore;
                }
                ParserState::Skip(left) => {
                    let len = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    *bytes = bytes.get(len..).unwrap_or_default();
                    self.skip(len as u64);
                    if bytes.is_empty() {
                        return FrameStep::NeedMore;
                    }
                }
                ParserState::Preface => {
                    let is_preface = match self.gathered.gather(PREFACE.len(), bytes) {
                        Gathered::More => return FrameStep::NeedMore,
                        Gathered::Whole(preface) => preface == PREFACE,
                        Gathered::Buffered => self.gathered.bytes() == PREFACE,
                    };
                    self.gathered.clear();
                    if !is_preface {
                        self.stop();
                        return FrameStep::NotHttp2;
                    }
                    self.has_preface = true;
                    self.place = ParserState::Header;
                }
                ParserState::Header => {
                    let head = match self.gathered.gather(HEAD_LEN, bytes) {
                        Gathered::More => return FrameStep::NeedMore,
                        Gathered::Whole(head) => head.first_chunk(),
                        Gathered::Buffered => self.gathered.bytes().first_chunk(),
                    };
                    let head = head.map(FrameHead::parse);
                    self.gathered.clear();
                    let Some(head) = head else { return FrameStep::NeedMore };
                    if self.on_probation && !head.is_strict() {
                        self.lose_place();
                        return FrameStep::LostPlace;
                    }
                    self.on_probation = false;
                    if self.collects(&head) {
                        self.place = ParserState::Payload(head);
                    } else {
                        self.place = if head.len == 0 {
                            ParserState::Header
                        } else {
                            ParserState::Skip(head.len as u64)
                        };
                        return FrameStep::Passed(head);
                    }
                }
                ParserState::Payload(head) => {
                    let payload = match self.gathered.gather(head.len, bytes) {
                        Gathered::More => return FrameStep::NeedMore,
                        Gathered::Whole(payload) => Some(payload),
                        Gathered::Buffered => None,
                    };
                    self.place = ParserState::Header;
                    return FrameStep::Frame(head, payload);
                }
            }
        }
    }
}

impl BlockOf {
    /// As its first frame says.
    pub(super) fn of(head: &FrameHead, promised: Option<u32>) -> Self {
        // END_STREAM is not defined for PUSH_PROMISE.
        let end_stream = head.has(END_STREAM) && promised.is_none();
        Self { stream: head.stream, end_stream, promised }
    }
}

impl HeaderBlock {
    /// Adds a fragment, within the bound.
    pub(super) fn push(&mut self, fragment: &[u8]) {
        if self.bytes.len() + fragment.len() > MAX_HEADER_BLOCK {
            self.unreadable = true;
            self.bytes.clear();
        }
        if !self.unreadable {
            self.bytes.extend_from_slice(fragment);
        }
    }
}

/// Whether a frame of this kind may stand between a HEADERS frame and its CONTINUATION: none may
/// (RFC 9113 §6.10).
pub(super) fn continues(block: &HeaderBlock, head: &FrameHead) -> bool {
    head.kind == FrameType::CONTINUATION && head.stream == block.of.stream
}
