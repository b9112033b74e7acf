//! Where attach points sit in AArch64 code: at the beginning, and by uretprobe or at each `ret`.

mod steps;

pub(super) use steps::{sign_extend, steps};

use wrongdoor_ebpf_common::{Arguments, Function};

use super::elf::Processor;
use super::plan::{AttachPlan, FunctionBody, Spot};
use super::wanted::{When, convention};
use super::{Abilities, AttachPosition};

/// `ret`, and the same with an authenticated return address by either key.
const RETURNS: [u32; 3] = [0xd65f_03c0, 0xd65f_0bff, 0xd65f_0fff];

/// Plans the attach points of a C function.
pub(super) fn plan_c(body: &FunctionBody<'_>, when: When, abilities: Abilities) -> AttachPlan {
    if when != When::Begin && !abilities.uretprobe {
        return AttachPlan::Impossible(
            "not every way out of it is known, and uretprobes are not to be used",
        );
    }
    let entry = (when != When::End).then(|| entry(body));
    let end = (when != When::Begin).then(|| end(body, body.address, AttachPosition::Uretprobe));
    AttachPlan::of(entry.into_iter().chain(end))
}

/// Plans the attach points of a Go method.
pub(super) fn plan_go(body: &FunctionBody<'_>, when: When) -> AttachPlan {
    if !body.is_whole {
        return AttachPlan::Impossible("it is longer than what is looked at");
    }
    let mut spots = vec![entry(body)];
    if when == When::Both {
        let words = body.bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        for (index, _) in words.enumerate().filter(|(_, word)| RETURNS.contains(word)) {
            let address = body.address.saturating_add(4 * index as u64);
            spots.push(end(body, address, AttachPosition::Return));
        }
    }
    AttachPlan::of(spots)
}

fn entry(body: &FunctionBody<'_>) -> Spot {
    let arguments = convention(body.function, Processor::AArch64);
    Spot { place: AttachPosition::Entry, address: body.address, arguments, is_emulated: false }
}

/// The result, and a new object, is in x0.
fn end(body: &FunctionBody<'_>, address: u64, place: AttachPosition) -> Spot {
    debug_assert_ne!(body.function, Function::Free, "nothing is to be learnt at its end");
    Spot { place, address, arguments: Arguments::default(), is_emulated: false }
}
