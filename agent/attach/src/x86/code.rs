//! The instructions of one function, and what each does to registers, memory and control.

use iced_x86::{
    Code as Encoding, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory,
    Mnemonic, OpAccess, OpKind, Register,
};

use crate::limits::MAX_INSTRUCTIONS;

/// A set of general registers, one bit each by number.
pub(super) type RegisterSet = u16;

pub(super) const RAX: u8 = 0;
pub(super) const RSP: u8 = 4;
/// What a call leaves alone by the System V convention: rbx, rsp, rbp, r12 … r15.
pub(super) const PRESERVED: RegisterSet = 0b1111_0000_0011_1000;

/// A function, decoded from its first byte to its last.
#[derive(Debug)]
pub(super) struct FunctionCode {
    pub(super) lines: Vec<CodeLine>,
    /// Not cut short by a limit, by bytes that are no instruction, or by unknown length.
    pub(super) is_whole: bool,
}

/// One instruction.
#[derive(Debug)]
pub(super) struct CodeLine {
    pub(super) address: u64,
    pub(super) after: u64,
    /// The kernel carries it out itself; any other is single-stepped in a place of its own.
    pub(super) is_emulated: bool,
    pub(super) flow: CodeFlow,
    /// What it writes.
    pub(super) writes: RegisterSet,
    /// Whether it writes memory. What a call does is not known: it counts.
    pub(super) writes_memory: bool,
    /// It copies one register into another.
    pub(super) copies: Option<Copy>,
    pub(super) instruction: Instruction,
}

/// A copy from register to register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copy {
    pub(super) from: u8,
    pub(super) to: u8,
    /// Only the low 32 bits.
    pub(super) is_half: bool,
}

/// How control goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeFlow {
    Next,
    Call(Option<u64>),
    Jump(u64),
    /// To there, or to what follows.
    Branch(u64),
    /// Through a register or memory, by a table whose entries are all in the function.
    Table,
    /// Through a register or memory, anywhere.
    Unknown,
    Return,
    /// Never.
    Halt,
}

// === impl FunctionCode ===

impl FunctionCode {
    /// Decodes `bytes`, which begin at `address`; `is_whole` where they are all of the function.
    pub(super) fn decode(bytes: &[u8], address: u64, is_whole: bool) -> Self {
        let mut code = Self { lines: Vec::new(), is_whole };
        let mut facts = InstructionInfoFactory::new();
        let mut decoder = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE);
        while decoder.can_decode() {
            let at = decoder.position();
            let instruction = decoder.decode();
            if instruction.is_invalid() || code.lines.len() == MAX_INSTRUCTIONS {
                code.is_whole = false;
                break;
            }
            let raw = bytes.get(at..decoder.position()).unwrap_or_default();
            let line = CodeLine::new(instruction, raw, &code.lines, &mut facts);
            code.lines.push(line);
        }
        code
    }

    pub(super) fn line(&self, index: usize) -> Option<&CodeLine> {
        self.lines.get(index)
    }

    /// The line at exactly `address`.
    pub(super) fn at(&self, address: u64) -> Option<usize> {
        self.lines.binary_search_by_key(&address, |line| line.address).ok()
    }

    /// Whether `address` is inside, be it at an instruction's beginning or not.
    pub(super) fn contains(&self, address: u64) -> bool {
        let ends = self.lines.first().zip(self.lines.last());
        ends.is_some_and(|(first, last)| first.address <= address && address < last.after)
    }
}

// === impl CodeLine ===

impl CodeLine {
    fn new(
        instruction: Instruction,
        raw: &[u8],
        before: &[Self],
        facts: &mut InstructionInfoFactory,
    ) -> Self {
        let flow = flow(&instruction, before);
        let is_call = matches!(flow, CodeFlow::Call(_));
        let info = facts.info(&instruction);
        let written = |access: OpAccess| {
            !matches!(access, OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess)
                && access != OpAccess::None
        };
        let mut writes = if is_call { !PRESERVED } else { 0 };
        for used in info.used_registers().iter().filter(|used| written(used.access())) {
            writes |= number(used.register()).map_or(0, |register| 1 << register);
        }
        let writes_memory = is_call || info.used_memory().iter().any(|used| written(used.access()));
        Self {
            address: instruction.ip(),
            after: instruction.next_ip(),
            is_emulated: is_emulated(raw),
            flow,
            writes,
            writes_memory,
            copies: copies(&instruction),
            instruction,
        }
    }

    /// Whether the line after it is what follows it, always.
    pub(super) fn goes_straight_on(&self) -> bool {
        self.flow == CodeFlow::Next
    }
}

/// What the kernel's `arch/x86/kernel/uprobes.c` emulates: `push` of a 64-bit register, `nop`, relative
/// calls, jumps and conditional jumps. With prefixes some are too; those are taken for dear here.
pub(super) fn is_emulated(raw: &[u8]) -> bool {
    matches!(
        raw,
        [0x50..=0x57]
            | [0x41, 0x50..=0x57]
            | [0x90]
            | [0xe8 | 0xe9 | 0xeb | 0x70..=0x7f, ..]
            | [0x0f, 0x80..=0x8f, ..]
    )
}

/// The number of a general register or of a part of it.
pub(super) fn number(register: Register) -> Option<u8> {
    let whole = register.full_register();
    whole.is_gpr64().then(|| u8::try_from(whole.number()).ok()).flatten()
}

fn flow(instruction: &Instruction, before: &[CodeLine]) -> CodeFlow {
    let target = instruction.near_branch_target();
    match instruction.flow_control() {
        FlowControl::Next => CodeFlow::Next,
        // A system call comes back.
        FlowControl::Call if !is_near(instruction) => CodeFlow::Next,
        FlowControl::Call => CodeFlow::Call(Some(target)),
        FlowControl::IndirectCall => CodeFlow::Call(None),
        FlowControl::UnconditionalBranch if is_near(instruction) => CodeFlow::Jump(target),
        FlowControl::ConditionalBranch if is_near(instruction) => CodeFlow::Branch(target),
        FlowControl::IndirectBranch if is_table(instruction, before) => CodeFlow::Table,
        FlowControl::Return => CodeFlow::Return,
        FlowControl::Exception | FlowControl::Interrupt => CodeFlow::Halt,
        _ => CodeFlow::Unknown,
    }
}

fn is_near(instruction: &Instruction) -> bool {
    instruction.op_count() > 0 && instruction.op0_kind() == OpKind::NearBranch64
}

/// Whether an indirect jump is a compiled `switch`: `jmp *table(,%reg,8)`, or a sign-extended entry of a
/// table added to its address just before.
fn is_table(jump: &Instruction, before: &[CodeLine]) -> bool {
    if jump.op0_kind() == OpKind::Memory {
        return jump.memory_base() == Register::None && jump.memory_index_scale() == 8;
    }
    before.iter().rev().take(8).take_while(|line| line.flow == CodeFlow::Next).any(|line| {
        let instruction = &line.instruction;
        instruction.mnemonic() == Mnemonic::Movsxd
            && instruction.op1_kind() == OpKind::Memory
            && instruction.memory_index_scale() == 4
            && instruction.memory_index() != Register::None
    })
}

fn copies(instruction: &Instruction) -> Option<Copy> {
    let (from, is_half) = match instruction.code() {
        Encoding::Mov_r64_rm64 | Encoding::Mov_rm64_r64 => (instruction.op1_register(), false),
        Encoding::Mov_r32_rm32 | Encoding::Mov_rm32_r32 | Encoding::Movsxd_r64_rm32 => {
            (instruction.op1_register(), true)
        }
        Encoding::Cdqe => (Register::RAX, true),
        _ => return None,
    };
    let is_from_register =
        instruction.op_count() == 0 || instruction.op1_kind() == OpKind::Register;
    let is_to_register = instruction.op_count() == 0 || instruction.op0_kind() == OpKind::Register;
    let to = if instruction.op_count() == 0 { Register::RAX } else { instruction.op0_register() };
    if !is_from_register || !is_to_register {
        return None;
    }
    Some(Copy { from: number(from)?, to: number(to)?, is_half })
}
