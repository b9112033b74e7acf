//! x86-64 code in the terms that both processors share.

use iced_x86::{Instruction, Mnemonic, OpKind, Register};

use super::code::{CodeFlow, CodeLine, FunctionCode, PRESERVED, RAX, RSP, number};
use crate::steps::{CallConvention, Step, StepFlow, Steps, Value};

/// rdi, rsi, rdx, rcx, r8 (System V).
const CONVENTION: CallConvention =
    CallConvention { arguments: [7, 6, 2, 1, 8], result: RAX, preserved: PRESERVED as u32 };

/// A function in steps, as far as it can be decoded.
pub(crate) fn steps(bytes: &[u8], address: u64) -> Steps {
    let code = FunctionCode::decode(bytes, address, true);
    let has_frame = code.lines.iter().any(|line| {
        let instruction = &line.instruction;
        instruction.mnemonic() == Mnemonic::Mov
            && instruction.op0_register() == Register::RBP
            && instruction.op1_register() == Register::RSP
    });
    let before = [None].into_iter().chain(code.lines.iter().map(Some));
    let steps = code.lines.iter().zip(before).map(|(line, before)| {
        let sets = sets(line, before);
        Step {
            address: line.address,
            after: line.after,
            flow: flow(line.flow),
            sets,
            forgets: u32::from(line.writes),
            stores: stores(line, has_frame),
        }
    });
    let steps = steps.collect();
    Steps { steps, convention: CONVENTION, is_whole: code.is_whole }
}

fn flow(flow: CodeFlow) -> StepFlow {
    match flow {
        CodeFlow::Next => StepFlow::Next,
        CodeFlow::Call(callee) => StepFlow::Call(callee),
        CodeFlow::Jump(target) => StepFlow::Jump(target),
        CodeFlow::Branch(target) => StepFlow::Branch(target),
        CodeFlow::Table | CodeFlow::Unknown | CodeFlow::Return | CodeFlow::Halt => StepFlow::End,
    }
}

fn sets(line: &CodeLine, before: Option<&CodeLine>) -> Option<(u8, Value)> {
    let instruction = &line.instruction;
    let is_register = |operand| instruction.op_kind(operand) == OpKind::Register;
    if instruction.op_count() == 0 || !is_register(0) {
        return None;
    }
    let register = number(instruction.op0_register())?;
    if register == RSP {
        return None;
    }
    let value = match instruction.mnemonic() {
        Mnemonic::Lea if instruction.is_ip_rel_memory_operand() => {
            Value::Constant(instruction.ip_rel_memory_address())
        }
        Mnemonic::Mov if is_immediate(instruction, 1) => Value::Constant(instruction.immediate(1)),
        Mnemonic::Xor if is_register(1) => {
            (number(instruction.op1_register())? == register).then_some(Value::Constant(0))?
        }
        Mnemonic::Mov => Value::Of(line.copies.filter(|copy| copy.to == register)?.from),
        // The shortest way to write a small number.
        Mnemonic::Pop => {
            let push = &before?.instruction;
            let is_number = push.mnemonic() == Mnemonic::Push && is_immediate(push, 0);
            is_number.then(|| Value::Constant(push.immediate(0)))?
        }
        _ => return None,
    };
    Some((register, value))
}

fn is_immediate(instruction: &Instruction, operand: u32) -> bool {
    matches!(
        instruction.op_kind(operand),
        OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate32to64
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
    )
}

/// Whether memory is written that is not the stack's. What a call writes is not this function's doing.
fn stores(line: &CodeLine, has_frame: bool) -> bool {
    let is_call = matches!(line.flow, CodeFlow::Call(_));
    let base = line.instruction.memory_base();
    let is_stack = base == Register::RSP || has_frame && base == Register::RBP;
    let is_push = line.instruction.mnemonic() == Mnemonic::Push;
    line.writes_memory && !is_call && !is_push && !is_stack
}
