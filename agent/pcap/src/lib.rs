//! Packet captures, read in windows that worker threads share.
//!
//! pcap (micro- and nanoseconds, both byte orders), pcapng (any number of sections), either one
//! plain or compressed with gzip or zstd, told by content and never by name.
//!
//! 1. [`CaptureFile::open`] every input, so that a missing one is known before any is read.
//! 2. [`CaptureFile::secrets_ahead`], where keys are wanted before the packets they decrypt.
//! 3. [`CaptureFile::next_window`] until `None`, each window into an `Arc` for the workers.
//! 4. [`CaptureFile::warnings`]: what was damaged or passed over.
//!
//! # How files are read
//!
//! A plain regular file is mapped and never copied: walking it touches the pages that hold packet
//! headers, and dropping a window releases its pages, so a file may be larger than memory. It is
//! read as far as it reached when it was opened. A file that somebody truncates while it is being
//! read can end the process (SIGBUS); give such a file as standard input instead. Everything else
//! (pipes, standard input, files of `/proc`, compressed files) is streamed.
//!
//! # Damage
//!
//! Reading ends at the first damage, with a warning that names the place; what came before was
//! handed out. Only where not one packet was, damage is an error. A capture without packets is
//! fine. All limits are named in [`limits`].

mod ahead;
mod block;
mod clock;
mod compression;
mod endian;
mod error;
mod headers;
mod input;
pub mod limits;
mod mapped;
mod packet_block;
mod pcap;
mod pcapng;
mod report;
mod source;
mod stream;
mod walk;
mod window;
mod zstd;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use compression::Compression;
pub use error::{CaptureOpenError, InputBeginning, ReadError};
pub use report::{Damage, DamageKind, Warning};
pub use window::{CapturedPacket, PacketWindow};

use ahead::secrets_ahead;
use input::Input;
use limits::{MAX_BLOCK_BYTES, WINDOW_BYTES};
use report::Tally;
use source::CaptureBytes;
use walk::{Findings, Stop, Walk, WalkEnd};
use window::PacketBatch;

/// The most bytes held for one record or block that is not all there yet.
const MAX_HELD_BYTES: usize = MAX_BLOCK_BYTES;

/// One capture: a file, or standard input.
pub struct CaptureFile {
    name: String,
    /// Where it is, if it is a file that can be read twice.
    path: Option<PathBuf>,
    size: Option<u64>,
    /// Bytes read of a stream, before decompression.
    streamed: Arc<AtomicU64>,
    state: State,
    tally: Tally,
    damage: Option<Damage>,
    window_bytes: usize,
}

enum State {
    Unread(Input),
    Reading(Reading),
    Over,
}

/// A capture that is being read.
#[derive(Debug)]
struct Reading {
    source: CaptureBytes,
    compression: Option<Compression>,
    walk: Walk,
}

// === impl CaptureFile ===

impl CaptureFile {
    /// Opens the capture at `path`, `-` being standard input. Reads nothing.
    pub fn open(path: &Path) -> Result<Self, CaptureOpenError> {
        let name = path.display().to_string();
        let (input, size) = Input::open(path, &name)?;
        let again = (size.is_some() && path.as_os_str() != "-").then(|| path.to_owned());
        Ok(Self { path: again, ..Self::new(name, input, size) })
    }

    /// A capture that comes from `reader`, called `name` in messages.
    pub fn from_reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self::new(name.into(), Input::Stream(Box::new(reader)), None)
    }

    fn new(name: String, input: Input, size: Option<u64>) -> Self {
        Self {
            name,
            path: None,
            size,
            streamed: Arc::default(),
            state: State::Unread(input),
            tally: Tally::default(),
            damage: None,
            window_bytes: WINDOW_BYTES,
        }
    }

    /// What it was opened as.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its bytes on disk, where that is known.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many of its bytes on disk were read so far; of a compressed capture, compressed ones.
    pub fn position(&self) -> u64 {
        match &self.state {
            State::Reading(Reading { source: CaptureBytes::Mapped(mapped), .. }) => {
                mapped.position()
            }
            State::Over if self.streamed.load(Ordering::Relaxed) == 0 => self.size.unwrap_or(0),
            _ => self.streamed.load(Ordering::Relaxed),
        }
    }

    /// Key log texts (NSS format) of all Decryption Secrets Blocks, where they can be had before
    /// the packets: in pcapng files. The block headers of a plain one are gone over once for it, and its
    /// windows then carry none; a compressed one is decompressed once more. Empty for streams, and
    /// after the first window.
    pub fn secrets_ahead(&mut self) -> Result<Vec<Vec<u8>>, ReadError> {
        self.start()?;
        if let (Some(path), State::Reading(Reading { source: CaptureBytes::Stream(_), .. })) =
            (&self.path, &self.state)
        {
            return Ok(secrets_of_compressed(path));
        }
        let State::Reading(Reading { source: CaptureBytes::Mapped(mapped), walk, .. }) =
            &mut self.state
        else {
            return Ok(Vec::new());
        };
        let Some(pcapng) = walk.start_pcapng(mapped.rest()) else { return Ok(Vec::new()) };
        let ahead = secrets_ahead(mapped, self.window_bytes);
        pcapng.without_secrets();
        self.tally.secrets_skipped += ahead.skipped;
        Ok(ahead.key_logs)
    }

    /// Whether windows that are still to come may carry secrets.
    pub fn may_bring_secrets(&self) -> bool {
        match &self.state {
            State::Unread(_) => true,
            State::Reading(Reading { source, walk, .. }) => {
                matches!(source, CaptureBytes::Stream(_)) && !matches!(walk, Walk::Pcap(_))
            }
            State::Over => false,
        }
    }

    /// The next stretch of packets, `None` at the end.
    pub fn next_window(&mut self) -> Result<Option<PacketWindow>, ReadError> {
        self.start()?;
        let State::Reading(reading) = &mut self.state else { return Ok(None) };
        loop {
            let (window, end) = reading.advance(self.window_bytes, &mut self.tally);
            let something = !window.is_empty() || window.secrets().len() > 0;
            let Some(end) = end else {
                if something {
                    return Ok(Some(window));
                }
                continue;
            };
            self.state = State::Over;
            self.end(end)?;
            return Ok(something.then_some(window));
        }
    }

    /// What was damaged or passed over so far: complete once [`next_window`](Self::next_window)
    /// gave `None`.
    pub fn warnings(&self) -> Vec<Warning> {
        self.damage.iter().cloned().map(Warning::Damaged).chain(self.tally.warnings()).collect()
    }

    fn start(&mut self) -> Result<(), ReadError> {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Unread(input) => {
                let (source, compression) = input
                    .start(Arc::clone(&self.streamed))
                    .map_err(|source| ReadError::Failed { name: self.name.clone(), source })?;
                State::Reading(Reading { source, compression, walk: Walk::Start })
            }
            state => state,
        };
        Ok(())
    }

    fn end(&mut self, end: End) -> Result<(), ReadError> {
        let name = || self.name.clone();
        match end {
            End::Whole => Ok(()),
            End::Foreign(found) => Err(ReadError::NotACapture { name: name(), found }),
            End::Damaged(damage) if self.tally.packets == 0 => {
                Err(ReadError::Damaged { name: name(), damage })
            }
            End::Damaged(damage) => {
                self.damage = Some(damage);
                Ok(())
            }
        }
    }
}

impl fmt::Debug for CaptureFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureFile")
            .field("name", &self.name)
            .field("position", &self.position())
            .field("tally", &self.tally)
            .field("damage", &self.damage)
            .finish_non_exhaustive()
    }
}

/// Reads a compressed capture for its secrets only. What is wrong with it, the second reading tells.
fn secrets_of_compressed(path: &Path) -> Vec<Vec<u8>> {
    let mut secrets = Vec::new();
    let Ok(mut capture) = CaptureFile::open(path) else { return secrets };
    while let Ok(Some(window)) = capture.next_window() {
        secrets.extend(window.secrets().map(<[u8]>::to_vec));
        if !capture.may_bring_secrets() {
            break;
        }
    }
    secrets
}

// === impl Reading ===

/// How reading came to its end.
enum End {
    Whole,
    Foreign(InputBeginning),
    Damaged(Damage),
}

impl Reading {
    /// Goes over one stretch, which may hold nothing of interest.
    fn advance(&mut self, want: usize, tally: &mut Tally) -> (PacketWindow, Option<End>) {
        let mut batch = PacketBatch::default();
        let mut hold = want;
        let WalkEnd { used, stop } = loop {
            self.source.fill(hold);
            let bytes = self.source.bytes();
            let at_hand = bytes.len();
            let mut findings = Findings { batch: &mut batch, tally };
            let walked = self.walk.walk(bytes, want, &mut findings);
            let more = walked.used == 0 && matches!(walked.stop, Stop::Short);
            if !more || self.source.ended() || at_hand >= MAX_HELD_BYTES {
                break walked;
            }
            // One block is longer than the stretch: have more of it at hand.
            hold = at_hand.saturating_mul(2).clamp(64, MAX_HELD_BYTES);
        };
        let left = self.source.bytes().get(used..).unwrap_or_default();
        let left = left.get(..left.len().min(4)).unwrap_or_default().to_vec();
        let window = self.source.take(used, batch);
        (window, self.end(stop, left))
    }

    /// Whether `stop` is the end, with the first bytes of what is left behind it.
    fn end(&mut self, stop: Stop, left: Vec<u8>) -> Option<End> {
        // A block that is passed over was begun where the skip began.
        let passed = if matches!(stop, Stop::Skip(_)) { 0 } else { self.walk.passed() };
        let offset = self.source.position().saturating_sub(passed);
        let kind = match stop {
            Stop::Full => return None,
            Stop::Short if !self.source.ended() => return None,
            Stop::Skip(n) if self.source.skip(n) => return None,
            Stop::Damaged(kind) => kind,
            Stop::Foreign => return Some(self.foreign(left)),
            Stop::Short | Stop::Skip(_) => match self.source.failure() {
                Some(failure) => DamageKind::Failed(failure),
                None if left.len() < 4 && matches!(self.walk, Walk::Start) => {
                    return Some(self.foreign(left));
                }
                None if left.is_empty() && self.walk.passed() == 0 => return Some(End::Whole),
                None => DamageKind::BreaksOff,
            },
        };
        Some(End::Damaged(Damage { offset, compression: self.compression, kind }))
    }

    fn foreign(&self, begins: Vec<u8>) -> End {
        End::Foreign(InputBeginning { begins, compression: self.compression })
    }
}
