//! Made-up functions, walked through at random: what is planned must be passed as promised.

use proptest::prelude::*;

use super::super::code::{CodeFlow, RAX, RSP};
use super::*;

/// Instructions that are put together; the jumps' targets are drawn.
const PIECES: [&[u8]; 12] = [
    PUSH_RBX,
    POP_RBX,
    SUB_RSP,
    ADD_RSP,
    TEST_EDX,
    MOV_RBX_RDI,
    MOV_EAX_EBX,
    XOR_EDI,
    XOR_EAX,
    STORE_RBX,
    ENDBR64,
    RET,
];
const JUMPS: [u8; 3] = [JMP, JE, JS];
const MAX_STEPS: usize = 300;

/// A function of the pieces: each is a piece, or a jump to the place of another.
fn function(drawn: &[(usize, usize)]) -> Vec<u8> {
    let bytes_of = |kind: usize| PIECES.get(kind).map_or(2, |piece| piece.len());
    let starts: Vec<usize> = drawn
        .iter()
        .scan(0, |at, (kind, _)| {
            *at += bytes_of(*kind);
            Some(*at - bytes_of(*kind))
        })
        .collect();
    let mut code = Vec::new();
    for (kind, target) in drawn {
        match PIECES.get(*kind) {
            Some(piece) => code.extend_from_slice(piece),
            None => {
                let distance = starts[target % starts.len()] as i64 - code.len() as i64 - 2;
                code.extend([JUMPS[(kind - PIECES.len()) % 3], distance as i8 as u8]);
            }
        }
    }
    code.extend_from_slice(RET);
    code
}

/// One call: the registers hold numbers that tell where a value came from.
struct Call {
    registers: [usize; 16],
    writes: usize,
    entries: usize,
    /// The result and the writes to memory at the last place of return.
    ends: Vec<(usize, usize)>,
}

/// Walks until a return; `None` where the call does not come to one.
fn walk(code: &FunctionCode, spots: &[Spot], choices: &[bool]) -> Option<Call> {
    let mut call = Call {
        registers: std::array::from_fn(|register| register),
        writes: 0,
        entries: 0,
        ends: Vec::new(),
    };
    let mut index = 0;
    for step in 0..MAX_STEPS {
        let line = code.line(index)?;
        for spot in spots.iter().filter(|spot| spot.address == line.address) {
            let arguments = spot.arguments;
            match spot.place {
                AttachPosition::Entry => {
                    call.entries += 1;
                    if call.entries == 1 {
                        let named = [arguments.object, arguments.buffer, arguments.length];
                        let held = named.map(|register| call.registers[usize::from(register)]);
                        assert_eq!(held, [7, 6, 2], "the arguments at {:#x}", line.address);
                    }
                }
                AttachPosition::Return => {
                    let result = call.registers[usize::from(arguments.result)];
                    call.ends.push((result, call.writes));
                }
                AttachPosition::Uretprobe if call.entries <= 1 => {
                    assert_eq!(call.registers[usize::from(RSP)], usize::from(RSP));
                }
                AttachPosition::Uretprobe | AttachPosition::Message => {}
            }
        }
        if line.flow == CodeFlow::Return {
            return Some(call);
        }
        let from = line.copies.map(|copy| (copy.to, call.registers[usize::from(copy.from)]));
        for register in 0..16 {
            if line.writes & 1 << register != 0 {
                call.registers[register] = 100 + step;
            }
        }
        if let Some((to, value)) = from {
            call.registers[usize::from(to)] = value;
        }
        call.writes += usize::from(line.writes_memory);
        index = match line.flow {
            CodeFlow::Jump(target) => code.at(target)?,
            CodeFlow::Branch(target) if choices[step % choices.len()] => code.at(target)?,
            _ => index + 1,
        };
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_call_passes_each_place_once(
        drawn in prop::collection::vec((0..PIECES.len() + 6, 0..40_usize), 1..24),
        choices in prop::collection::vec(any::<bool>(), 1..40),
        uretprobe in any::<bool>(),
    ) {
        let bytes = function(&drawn);
        let code = FunctionCode::decode(&bytes, 0x1000, true);
        let AttachPlan::Traps(spots) = plan_as(Function::Read, When::Both, &bytes, uretprobe) else {
            return Ok(());
        };
        for spot in &spots {
            prop_assert!(code.at(spot.address).is_some());
        }
        if let Some(call) = walk(&code, &spots, &choices) {
            // A jump back to where all begins passes every place anew, and the beginning is told anew.
            let to = |line: &code::CodeLine| matches!(line.flow, CodeFlow::Jump(0x1000) | CodeFlow::Branch(0x1000));
            let anew = spots[0].address == 0x1000 || code.lines.iter().any(to);
            prop_assert!(call.entries == 1 || anew && call.entries > 1, "{} entries", call.entries);
            if spots.iter().any(|spot| spot.place == AttachPosition::Return) {
                let last = call.registers[usize::from(RAX)];
                prop_assert_eq!(call.ends, [(last, call.writes)]);
            }
        }
    }

    #[test]
    fn any_bytes_are_planned_or_not(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for uretprobe in [true, false] {
            let plan = plan_as(Function::WriteEx, When::Both, &bytes, uretprobe);
            prop_assert!(matches!(plan, AttachPlan::Traps(_) | AttachPlan::HandedOn | AttachPlan::Impossible(_)));
        }
        let body =
            FunctionBody { function: Function::GoRead, address: 0x1000, bytes: &bytes, is_whole: true };
        drop(plan_go(&body, When::Both));
    }
}
