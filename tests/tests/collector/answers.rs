//! What a collector answers, where it does not just take what it gets.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// Not now (503, UNAVAILABLE).
    NotNow,
    /// Not so much: come back after so long (429, RESOURCE_EXHAUSTED).
    Later(Duration),
    /// Never (400, INVALID_ARGUMENT).
    Never,
    /// All but the first.
    ButOne,
    /// After so long.
    Slowly(Duration),
    /// At once.
    Yes,
}

/// Answers that are still to be given.
#[derive(Debug)]
pub(super) struct Answers(Mutex<VecDeque<Answer>>);

impl Answers {
    pub(super) fn new(answers: &[Answer]) -> Self {
        Self(Mutex::new(answers.iter().copied().collect()))
    }

    pub(super) fn next(&self) -> Answer {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Answer::Yes)
    }
}
