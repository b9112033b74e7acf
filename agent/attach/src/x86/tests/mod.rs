//! Patterns that compilers make, each with the places that are right for it.

mod assembler;
mod walks;

use super::*;
use assembler::CodeAssembler;

const ENDBR64: &[u8] = &[0xf3, 0x0f, 0x1e, 0xfa];
const PUSH_RBX: &[u8] = &[0x53];
const POP_RBX: &[u8] = &[0x5b];
const SUB_RSP: &[u8] = &[0x48, 0x83, 0xec, 0x18];
const ADD_RSP: &[u8] = &[0x48, 0x83, 0xc4, 0x18];
const TEST_EDX: &[u8] = &[0x85, 0xd2];
const MOV_RBX_RDI: &[u8] = &[0x48, 0x89, 0xfb];
const MOV_EAX_EBX: &[u8] = &[0x89, 0xd8];
const XOR_EDI: &[u8] = &[0x31, 0xff];
const XOR_EAX: &[u8] = &[0x31, 0xc0];
const MOV_EAX_M1: &[u8] = &[0xb8, 0xff, 0xff, 0xff, 0xff];
const STORE_RBX: &[u8] = &[0x48, 0x89, 0x03];
const CHECK_CANARY: &[u8] = &[0x64, 0x48, 0x2b, 0x14, 0x25, 0x28, 0, 0, 0];
const RET: &[u8] = &[0xc3];
const JMP: u8 = 0xeb;
const JE: u8 = 0x74;
const JNE: u8 = 0x75;
const JBE: u8 = 0x76;
const JS: u8 = 0x78;
const CALL: u8 = 0xe8;
const FAR_JMP: u8 = 0xe9;

/// `__stack_chk_fail`, a traced function, and something else.
const FAILS: u32 = 0x9000;
const TRACED: u32 = 0x9100;
const OTHER: u32 = 0x9200;

fn leads(address: u64) -> Leads {
    match u32::try_from(address) {
        Ok(FAILS) => Leads::Nowhere,
        Ok(TRACED) => Leads::Traced,
        _ => Leads::Elsewhere,
    }
}

fn plan_as(function: Function, when: When, bytes: &[u8], uretprobe: bool) -> AttachPlan {
    let body = FunctionBody { function, address: 0x1000, bytes, is_whole: true };
    plan_c(&body, when, true, Abilities { uretprobe }, &leads)
}

fn plan(bytes: &[u8], uretprobe: bool) -> Vec<Spot> {
    match plan_as(Function::Read, When::Both, bytes, uretprobe) {
        AttachPlan::Traps(spots) => spots,
        other => panic!("{other:?}"),
    }
}

fn entry(address: u64, object: u8, is_emulated: bool) -> Spot {
    let arguments = Arguments { object, buffer: 6, length: 2, ..Arguments::default() };
    Spot { place: AttachPosition::Entry, address, arguments, is_emulated }
}

fn end(place: AttachPosition, address: u64, result: u8, is_emulated: bool) -> Spot {
    let arguments = Arguments { result, ..Arguments::default() };
    Spot { place, address, arguments, is_emulated }
}

#[test]
fn the_stack_protector_is_where_a_call_ends() {
    let (code, at) = CodeAssembler::default()
        .put(SUB_RSP)
        .put(TEST_EDX)
        .label("in")
        .jump(JS, "negative")
        .far(CALL, OTHER)
        .label("end")
        .put(CHECK_CANARY)
        .label("out")
        .jump(JNE, "smashed")
        .put(ADD_RSP)
        .put(RET)
        .label("negative")
        .put(MOV_EAX_M1)
        .jump(JMP, "end")
        .label("smashed")
        .far(CALL, FAILS)
        .done();
    let expected = [entry(at["in"], 7, true), end(AttachPosition::Return, at["out"], 0, true)];
    assert_eq!(plan(&code, true), expected);
    assert_eq!(plan(&code, false), expected);
}

#[test]
fn each_return_has_its_own_place() {
    // One way out jumps to the epilogue with the result still in ebx, the other has its own return.
    let (code, at) = CodeAssembler::default()
        .put(PUSH_RBX)
        .put(MOV_RBX_RDI)
        .put(TEST_EDX)
        .jump(JS, "negative")
        .far(CALL, OTHER)
        .label("out")
        .jump(JMP, "end")
        .label("negative")
        .put(MOV_EAX_M1)
        .put(POP_RBX)
        .label("ret")
        .put(RET)
        .label("end")
        .put(MOV_EAX_EBX)
        .put(POP_RBX)
        .put(RET)
        .done();
    let places = [
        entry(0x1000, 7, true),
        end(AttachPosition::Return, at["ret"], 0, false),
        end(AttachPosition::Return, at["out"], 3, true),
    ];
    assert_eq!(plan(&code, false), places);
    // A cheap uretprobe is better than a dear `ret`.
    let cheap = [entry(0x1000, 7, true), end(AttachPosition::Uretprobe, 0x1000, 0, true)];
    assert_eq!(plan(&code, true), cheap);
}

#[test]
fn a_function_that_does_nothing_returns_all_the_same() {
    let code = [XOR_EAX, RET].concat();
    let expected = [entry(0x1000, 7, false), end(AttachPosition::Return, 0x1002, 0, false)];
    assert_eq!(plan(&code, false), expected);
}

#[test]
fn no_place_is_before_the_last_write_to_memory() {
    let (code, at) = CodeAssembler::default()
        .put(PUSH_RBX)
        .put(TEST_EDX)
        .jump(JS, "next")
        .label("next")
        .put(STORE_RBX)
        .put(POP_RBX)
        .label("ret")
        .put(RET)
        .done();
    assert_eq!(plan(&code, false)[1], end(AttachPosition::Return, at["ret"], 0, false));
}

#[test]
fn a_loop_back_to_the_place_moves_it_to_the_beginning() {
    let (code, at) = CodeAssembler::default()
        .put(SUB_RSP)
        .label("again")
        .put(TEST_EDX)
        .jump(JE, "again")
        .put(ADD_RSP)
        .label("ret")
        .put(RET)
        .done();
    let spots = plan(&code, false);
    assert_eq!(spots, [entry(0x1000, 7, false), end(AttachPosition::Return, at["ret"], 0, false)]);
}

#[test]
fn arguments_are_followed_where_they_are_copied() {
    let begin = || CodeAssembler::default().put(SUB_RSP);
    let rest = |code: CodeAssembler| {
        code.label("in").far(CALL, OTHER).put(ADD_RSP).label("ret").put(RET).done()
    };
    let (code, at) = rest(begin().put(MOV_RBX_RDI).put(XOR_EDI));
    assert_eq!(plan(&code, false)[0], entry(at["in"], 3, true));
    // Lost without a copy.
    let (code, _) = rest(begin().put(XOR_EDI));
    assert_eq!(plan(&code, false)[0], entry(0x1000, 7, false));
}

#[test]
fn a_length_of_64_bits_is_not_followed_in_half() {
    // mov ecx, edx; xor edx, edx; call
    let (code, at) = CodeAssembler::default()
        .put(SUB_RSP)
        .put(&[0x89, 0xd1, 0x31, 0xd2])
        .label("in")
        .far(CALL, OTHER)
        .put(ADD_RSP)
        .put(RET)
        .done();
    let spot = plan(&code, false)[0];
    assert_eq!((spot.address, spot.arguments.length), (at["in"], 1));
    let body =
        FunctionBody { function: Function::Read, address: 0x1000, bytes: &code, is_whole: true };
    let wide = plan_c(&body, When::Begin, false, Abilities { uretprobe: true }, &leads);
    assert!(matches!(wide, AttachPlan::Traps(spots) if spots == [entry(0x1000, 7, false)]));
}

#[test]
fn a_uretprobe_sits_behind_endbr64() {
    let (code, at) = CodeAssembler::default()
        .put(ENDBR64)
        .label("push")
        .put(PUSH_RBX)
        .far(CALL, OTHER)
        .put(POP_RBX)
        .put(RET)
        .done();
    let place = at["push"];
    let expected = [entry(place, 7, true), end(AttachPosition::Uretprobe, place, 0, true)];
    assert_eq!(plan(&code, true), expected);
}

#[test]
fn what_only_hands_on_is_not_traced_twice() {
    let to = |target| CodeAssembler::default().put(XOR_EAX).far(FAR_JMP, target).done().0;
    let read = |code: &[u8], uretprobe| plan_as(Function::Read, When::Both, code, uretprobe);
    assert!(matches!(read(&to(TRACED), true), AttachPlan::HandedOn));
    assert!(matches!(read(&to(OTHER), false), AttachPlan::Impossible(_)));
    // At the jump the return address is still on top of the stack.
    let place = 0x1002;
    let expected = [entry(place, 7, true), end(AttachPosition::Uretprobe, place, 0, true)];
    assert_eq!(plan(&to(OTHER), true), expected);
}

#[test]
fn a_new_object_is_its_result() {
    let (code, at) = CodeAssembler::default()
        .put(PUSH_RBX)
        .far(CALL, OTHER)
        .put(&[0x48, 0x89, 0xc3])
        .label("out")
        .jump(JMP, "end")
        .label("end")
        .put(&[0x48, 0x89, 0xd8])
        .put(POP_RBX)
        .put(RET)
        .done();
    let AttachPlan::Traps(spots) = plan_as(Function::New, When::End, &code, true) else { panic!() };
    let arguments = Arguments { object: 3, result: 3, ..Arguments::default() };
    let (place, address) = (AttachPosition::Return, at["out"]);
    assert_eq!(spots, [Spot { place, address, arguments, is_emulated: true }]);
}

#[test]
fn a_pointer_is_not_taken_from_half_a_register() {
    let (code, at) = CodeAssembler::default()
        .put(PUSH_RBX)
        .jump(JMP, "end")
        .label("end")
        .put(MOV_EAX_EBX)
        .put(POP_RBX)
        .label("ret")
        .put(RET)
        .done();
    let AttachPlan::Traps(spots) = plan_as(Function::New, When::End, &code, false) else {
        panic!()
    };
    assert_eq!(spots[0].address, at["ret"]);
}

#[test]
fn behind_a_go_stack_check_every_call_comes_once() {
    let (code, at) = CodeAssembler::default()
        // cmp rsp, [r14+16]
        .put(&[0x49, 0x3b, 0x66, 0x10])
        .jump(JBE, "grow")
        .label("in")
        .put(&[0x55])
        .put(TEST_EDX)
        .jump(JS, "other")
        .put(&[0x5d])
        .label("first")
        .put(RET)
        .label("other")
        .put(&[0x5d])
        .label("second")
        .put(RET)
        .label("grow")
        .far(CALL, OTHER)
        .put(&[0xeb, 0xea])
        .done();
    let body =
        FunctionBody { function: Function::GoRead, address: 0x1000, bytes: &code, is_whole: true };
    let AttachPlan::Traps(spots) = plan_go(&body, When::Both) else { panic!() };
    let arguments = Arguments { object: 0, buffer: 3, length: 1, ..Arguments::default() };
    let place =
        Spot { place: AttachPosition::Entry, address: at["in"], arguments, is_emulated: true };
    let expected = [
        place,
        end(AttachPosition::Return, at["first"], 0, false),
        end(AttachPosition::Return, at["second"], 0, false),
    ];
    assert_eq!(spots, expected);
}

#[test]
fn code_that_jumps_into_an_instruction_is_not_believed() {
    // je into the middle of the mov behind it.
    let code = [&[0x53, 0x74, 0x01][..], MOV_EAX_M1, POP_RBX, RET].concat();
    assert!(matches!(plan_as(Function::Read, When::Both, &code, false), AttachPlan::Impossible(_)));
}

#[test]
fn the_kernel_emulates_what_it_says() {
    let cheap: [&[u8]; 8] = [
        &[0x55],
        &[0x41, 0x54],
        &[0x90],
        &[0xe8, 0, 0, 0, 0],
        &[0xe9, 0, 0, 0, 0],
        &[0xeb, 0],
        &[0x75, 0],
        &[0x0f, 0x85, 0, 0, 0, 0],
    ];
    let dear: [&[u8]; 6] =
        [ENDBR64, RET, SUB_RSP, &[0x66, 0x90], &[0x66, 0x55], &[0x0f, 0x1f, 0x40, 0]];
    assert!(cheap.iter().all(|raw| code::is_emulated(raw)));
    assert!(!dear.iter().any(|raw| code::is_emulated(raw)));
}
