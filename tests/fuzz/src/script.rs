//! A fuzzer's bytes as a script of what two ends of a connection send, and what becomes of it on the way.
//!
//! Each step is an octet of what is done, one of how the bytes are wrapped, and a length with as many bytes.

use crate::wire::{MAX_PAYLOAD, Tcp, ethernet};
use arbitrary::{Result, Unstructured};
use wrongdoor_core::side::Side;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// The sizes that steps choose their segments' from.
const SIZES: [usize; 16] =
    [MAX_PAYLOAD, 1, 2, 3, 5, 8, 9, 13, 24, 64, 100, 255, 536, 1000, 1460, 4096];
/// The most packets of one script: more of the same only cost time.
const MAX_PACKETS: usize = 4096;

/// What both ends send, step by step.
#[derive(Debug, Default)]
pub struct Script {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    side: Side,
    fate: Fate,
    size: usize,
    bytes: Vec<u8>,
}

/// What becomes of a step's bytes.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// They arrive.
    Arrive,
    /// Behind what is sent next.
    ArriveLate,
    /// Sent, but not in the capture.
    Lost,
    /// They say again, perhaps otherwise, what stood so many bytes before.
    Again(u16),
    /// Behind them, so many more were sent and not captured.
    Cut(u16),
    /// A packet without data, with these flags.
    Control(u8),
}

/// How the packets of a script look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As the script says.
    AsTold,
    /// Nothing is lost, reordered or repeated: each step is sent in one segment.
    Whole,
    /// The same, in segments of the sizes that the steps say.
    Pieces,
}

/// A packet and how long it was on the wire.
pub type Captured = (Vec<u8>, usize);

impl Script {
    /// Reads the script; `wrap` makes what is sent of a step's bytes, by its second octet.
    pub fn read(
        input: &mut Unstructured<'_>,
        mut wrap: impl FnMut(Side, u8, &[u8]) -> Vec<u8>,
    ) -> Result<Self> {
        let mut steps = Vec::new();
        while !input.is_empty() && steps.len() < MAX_PACKETS {
            let what: u8 = input.arbitrary()?;
            let how: u8 = input.arbitrary()?;
            let side = if what & 1 == 0 { Side::Client } else { Side::Server };
            let fate = match what >> 1 & 7 {
                0 | 1 => Fate::Arrive,
                2 => Fate::ArriveLate,
                3 => Fate::Lost,
                4 => Fate::Again(input.arbitrary()?),
                5 => Fate::Cut(input.arbitrary()?),
                6 => Fate::Control([ACK, ACK | FIN, RST, SYN, SYN | ACK][usize::from(how) % 5]),
                _ => Fate::Control(ACK),
            };
            let size = SIZES[usize::from(what >> 4)];
            let bytes = match fate {
                Fate::Control(_) => Vec::new(),
                _ => {
                    let len: u16 = input.arbitrary()?;
                    let bytes = input.bytes(usize::from(len).min(input.len()))?;
                    wrap(side, how, bytes)
                }
            };
            steps.push(Step { side, fate, size, bytes });
        }
        Ok(Self { steps })
    }

    /// The packets, of which those of one step share one moment. `opened`: the handshake was captured.
    pub fn packets(&self, shape: Shape, opened: bool) -> Vec<(usize, Captured)> {
        let mut wire = Wire::default();
        if opened {
            wire.open();
        }
        for (moment, step) in self.steps.iter().enumerate() {
            wire.moment = moment;
            let fate = if shape == Shape::AsTold { step.fate } else { Fate::Arrive };
            let size = if shape == Shape::Whole { MAX_PAYLOAD } else { step.size };
            // A step that says much in small pieces says it in larger ones.
            let size = size.max(step.bytes.len().div_ceil(MAX_PACKETS));
            wire.step(step.side, fate, size, &step.bytes);
        }
        wire.send_late();
        wire.packets
    }
}

/// Both ends' places, and the packets so far.
struct Wire {
    /// The client's and the server's next number: that of the server is about to wrap around.
    next: [u32; 2],
    moment: usize,
    late: Vec<(usize, Captured)>,
    packets: Vec<(usize, Captured)>,
}

impl Default for Wire {
    fn default() -> Self {
        Self { next: [1000, u32::MAX - 99], moment: 0, late: Vec::new(), packets: Vec::new() }
    }
}

impl Wire {
    fn open(&mut self) {
        self.control(Side::Client, SYN);
        self.control(Side::Server, SYN | ACK);
        self.control(Side::Client, ACK);
    }

    fn step(&mut self, side: Side, fate: Fate, size: usize, bytes: &[u8]) {
        match fate {
            Fate::Control(flags) => self.control(side, flags),
            Fate::Lost => self.advance(side, bytes.len()),
            Fate::Again(back) => {
                let tcp = self.tcp(side, ACK);
                let tcp = Tcp { sequence: tcp.sequence.wrapping_sub(u32::from(back)), ..tcp };
                self.packet(ethernet(side, tcp, bytes.get(..MAX_PAYLOAD).unwrap_or(bytes)), 0);
                self.advance(side, bytes.len().saturating_sub(usize::from(back)));
            }
            Fate::ArriveLate => {
                let kept = std::mem::take(&mut self.packets);
                self.data(side, size, bytes);
                let late = std::mem::replace(&mut self.packets, kept);
                self.send_late();
                self.late = late;
                return;
            }
            Fate::Cut(missing) => {
                self.data(side, size, bytes);
                let frame = ethernet(side, self.tcp(side, ACK), &vec![0; usize::from(missing)]);
                let (captured, wire) = (frame.len() - usize::from(missing), frame.len());
                self.packet(frame.get(..captured).unwrap_or_default().to_vec(), wire);
                self.advance(side, usize::from(missing));
            }
            Fate::Arrive => self.data(side, size, bytes),
        }
        self.send_late();
    }

    fn data(&mut self, side: Side, size: usize, bytes: &[u8]) {
        for piece in bytes.chunks(size.max(1)) {
            self.packet(ethernet(side, self.tcp(side, ACK), piece), 0);
            self.advance(side, piece.len());
        }
    }

    fn control(&mut self, side: Side, flags: u8) {
        self.packet(ethernet(side, self.tcp(side, flags), &[]), 0);
        self.advance(side, usize::from(flags & (SYN | FIN) != 0));
    }

    fn send_late(&mut self) {
        let moment = self.moment;
        self.packets.extend(self.late.drain(..).map(|(_, captured)| (moment, captured)));
    }

    fn packet(&mut self, frame: Vec<u8>, wire_len: usize) {
        let wire_len = wire_len.max(frame.len());
        self.packets.push((self.moment, (frame, wire_len)));
    }

    fn tcp(&self, side: Side, flags: u8) -> Tcp {
        let [client, server] = self.next;
        match side {
            Side::Client => Tcp { sequence: client, acknowledgment: server, flags },
            Side::Server => Tcp { sequence: server, acknowledgment: client, flags },
        }
    }

    fn advance(&mut self, side: Side, len: usize) {
        let [client, server] = &mut self.next;
        let next = if side == Side::Client { client } else { server };
        *next = next.wrapping_add(u32::try_from(len).unwrap_or(0));
    }
}
