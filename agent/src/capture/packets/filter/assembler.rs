//! Classic BPF, one instruction after the other, with names for the places that are jumped to.

/// One instruction as the kernel takes it (`struct sock_filter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Instruction {
    pub(in super::super) code: u16,
    /// How many instructions are passed over where the comparison holds, and where not.
    pub(in super::super) jt: u8,
    pub(in super::super) jf: u8,
    pub(in super::super) k: u32,
}

/// A place that lies ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JumpLabel(usize);

/// A jump is too long for the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the packet filter is too long")]
pub(in super::super) struct TooFar;

/// Where the accumulator is loaded from.
#[derive(Clone, Copy, Debug)]
pub(super) enum LoadFrom {
    /// The packet's bytes at a fixed place, or so far behind X.
    Byte(u32),
    Half(u32),
    ByteAtX(u32),
    HalfAtX(u32),
    WordAtX(u32),
    /// The scratch memory.
    Memory(u32),
    /// How long the packet is.
    Length,
    /// What the kernel knows of it (`SKF_AD_…`).
    About(u32),
}

/// What is done with the accumulator.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    And(u32),
    ShiftLeft(u32),
    ShiftRight(u32),
    AddX,
}

/// What the accumulator is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Compare {
    Equal(u32),
    AnyBit(u32),
    GreaterOrEqualX,
}

/// EtherType, way, and interface of a packet.
pub(super) const ABOUT_PROTOCOL: u32 = 0;
pub(super) const ABOUT_KIND: u32 = 4;
pub(super) const ABOUT_INTERFACE: u32 = 8;
/// SKF_AD_OFF
const ABOUT: u32 = 0xffff_f000;

const LD: u16 = 0x00;
const LDX: u16 = 0x01;
const ST: u16 = 0x02;
const ALU: u16 = 0x04;
const JMP: u16 = 0x05;
const RET: u16 = 0x06;
const HALF: u16 = 0x08;
const BYTE: u16 = 0x10;
const ABSOLUTE: u16 = 0x20;
const INDIRECT: u16 = 0x40;
const MEMORY: u16 = 0x60;
const LENGTH: u16 = 0x80;
/// Four times the low nibble of a byte: an IPv4 header's length.
const NIBBLE: u16 = 0xa0;
const OPERAND_X: u16 = 0x08;

/// A program as it is written.
#[derive(Debug, Default)]
pub(super) struct FilterAssembler {
    instructions: Vec<Instruction>,
    /// Jumps to be filled in: which instruction, whether where the comparison holds, and where to.
    jumps: Vec<(usize, bool, JumpLabel)>,
    /// By label.
    places: Vec<usize>,
}

impl Instruction {
    const fn new(code: u16, k: u32) -> Self {
        Self { code, jt: 0, jf: 0, k }
    }

    /// The end: how much of the packet is wanted.
    pub(super) const fn verdict(length: u32) -> Self {
        Self::new(RET, length)
    }
}

impl FilterAssembler {
    pub(super) fn label(&mut self) -> JumpLabel {
        self.places.push(usize::MAX);
        JumpLabel(self.places.len() - 1)
    }

    /// The label is here.
    pub(super) fn place(&mut self, label: JumpLabel) {
        let here = self.instructions.len();
        if let Some(place) = self.places.get_mut(label.0) {
            *place = here;
        }
    }

    pub(super) fn load(&mut self, from: LoadFrom) {
        let (code, k) = match from {
            LoadFrom::Byte(at) => (LD | BYTE | ABSOLUTE, at),
            LoadFrom::Half(at) => (LD | HALF | ABSOLUTE, at),
            LoadFrom::ByteAtX(at) => (LD | BYTE | INDIRECT, at),
            LoadFrom::HalfAtX(at) => (LD | HALF | INDIRECT, at),
            LoadFrom::WordAtX(at) => (LD | INDIRECT, at),
            LoadFrom::Memory(cell) => (LD | MEMORY, cell),
            LoadFrom::Length => (LD | LENGTH, 0),
            LoadFrom::About(what) => (LD | ABSOLUTE, ABOUT + what),
        };
        self.push(code, k);
    }

    /// X becomes this.
    pub(super) fn load_x(&mut self, value: u32) {
        self.push(LDX, value);
    }

    /// X becomes what is in the scratch memory.
    pub(super) fn load_x_memory(&mut self, cell: u32) {
        self.push(LDX | MEMORY, cell);
    }

    /// X becomes the length of the IPv4 header in front.
    pub(super) fn load_x_header_length(&mut self) {
        self.push(LDX | BYTE | NIBBLE, 0);
    }

    pub(super) fn store(&mut self, cell: u32) {
        self.push(ST, cell);
    }

    pub(super) fn change(&mut self, change: Change) {
        let (code, k) = match change {
            Change::And(with) => (ALU | 0x50, with),
            Change::ShiftLeft(by) => (ALU | 0x60, by),
            Change::ShiftRight(by) => (ALU | 0x70, by),
            Change::AddX => (ALU | OPERAND_X, 0),
        };
        self.push(code, k);
    }

    /// Goes on at `label` where the comparison holds.
    pub(super) fn if_so(&mut self, compare: Compare, label: JumpLabel) {
        self.jump(compare, true, label);
    }

    /// Goes on at `label` where it does not.
    pub(super) fn unless(&mut self, compare: Compare, label: JumpLabel) {
        self.jump(compare, false, label);
    }

    pub(super) fn end(&mut self, verdict: Instruction) {
        self.instructions.push(verdict);
    }

    /// The program.
    pub(super) fn finish(mut self) -> Result<Vec<Instruction>, TooFar> {
        for (at, where_it_holds, label) in self.jumps {
            let to = self.places.get(label.0).ok_or(TooFar)?;
            let over = to.checked_sub(at + 1).ok_or(TooFar)?;
            let over = u8::try_from(over).map_err(|_far| TooFar)?;
            let Some(instruction) = self.instructions.get_mut(at) else { return Err(TooFar) };
            if where_it_holds {
                instruction.jt = over;
            } else {
                instruction.jf = over;
            }
        }
        Ok(self.instructions)
    }

    fn jump(&mut self, compare: Compare, where_it_holds: bool, label: JumpLabel) {
        self.jumps.push((self.instructions.len(), where_it_holds, label));
        let (code, k) = match compare {
            Compare::Equal(value) => (JMP | 0x10, value),
            Compare::AnyBit(mask) => (JMP | 0x40, mask),
            Compare::GreaterOrEqualX => (JMP | 0x30 | OPERAND_X, 0),
        };
        self.push(code, k);
    }

    fn push(&mut self, code: u16, k: u32) {
        self.instructions.push(Instruction::new(code, k));
    }
}
