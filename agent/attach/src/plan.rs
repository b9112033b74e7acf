//! What is planned for one function.

use wrongdoor_ebpf_common::{Arguments, Function};

use super::AttachPosition;

/// A function's code in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FunctionBody<'a> {
    pub(super) function: Function,
    pub(super) address: u64,
    pub(super) bytes: &'a [u8],
    /// The bytes are all of the function.
    pub(super) is_whole: bool,
}

/// The attach points of one function.
#[derive(Debug)]
pub(super) enum AttachPlan {
    /// To be placed here.
    Traps(Vec<Spot>),
    /// None: all it does is to jump to functions that are traced themselves.
    HandedOn,
    /// None, and why.
    Impossible(&'static str),
}

/// An attach point by its address in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: AttachPosition,
    pub(super) address: u64,
    pub(super) arguments: Arguments,
    pub(super) is_emulated: bool,
}

// === impl AttachPlan ===

impl AttachPlan {
    pub(super) fn of(spots: impl IntoIterator<Item = Spot>) -> Self {
        let spots: Vec<_> = spots.into_iter().collect();
        if spots.is_empty() {
            return Self::Impossible("there is no code of it in the file");
        }
        Self::Traps(spots)
    }

    /// The same for a function that messages of handshakes pass.
    pub(super) fn for_messages(self) -> Self {
        match self {
            Self::Traps(spots) => Self::Traps(
                spots
                    .into_iter()
                    .map(|spot| Spot { place: AttachPosition::Message, ..spot })
                    .collect(),
            ),
            other => other,
        }
    }
}
