//! What instructions do to registers and control, in terms that both processors share.

/// A set of registers, one bit each by number.
pub(crate) type RegisterSet = u32;

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) address: u64,
    pub(crate) after: u64,
    pub(crate) flow: StepFlow,
    /// A register that it sets to something that can be told.
    pub(crate) sets: Option<(u8, Value)>,
    /// Registers that have something unknown behind it.
    pub(crate) forgets: RegisterSet,
    /// It writes memory outside of the stack.
    pub(crate) stores: bool,
}

/// How control goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepFlow {
    Next,
    /// To a function, which comes back; `None` where it is not known which.
    Call(Option<u64>),
    Jump(u64),
    /// To there, or to what follows.
    Branch(u64),
    /// Nowhere that can be told: a return, a trap, a jump through a register.
    End,
}

/// What a register is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Constant(u64),
    /// What another register has.
    Of(u8),
    /// What another register has, and this more.
    Sum(u8, u64),
}

/// Which registers carry arguments, and which survive a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallConvention {
    /// The first five arguments.
    pub(crate) arguments: [u8; 5],
    pub(crate) result: u8,
    pub(crate) preserved: RegisterSet,
}

/// A function in steps, in the order of their addresses.
#[derive(Debug)]
pub(crate) struct Steps {
    pub(crate) steps: Vec<Step>,
    pub(crate) convention: CallConvention,
    /// All of it could be decoded.
    pub(crate) is_whole: bool,
}

// === impl Steps ===

impl Steps {
    /// The step at exactly `address`.
    pub(crate) fn at(&self, address: u64) -> Option<usize> {
        self.steps.binary_search_by_key(&address, |step| step.address).ok()
    }
}
