//! Findings that wait, in the order in which they came.

use super::ConnectionNumber;
use crate::explain::recovery::RecoveryReport;
use crate::observation::{ConnectionEnd, Exchange};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// The most findings that wait for evidence. At the limit, the oldest is classified with what is known.
const MAX_WAITING: usize = 50_000;

/// Something that waits.
#[derive(Debug)]
pub(super) enum Waiting {
    /// To be ruled on.
    Exchange(Box<Exchange>),
    /// Behind its exchanges.
    Connection(ConnectionEnd),
    /// Behind the exchange that it is of.
    Recovery(RecoveryReport),
}

/// First in, first out.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<(Duration, ConnectionNumber, Waiting)>,
    /// How much waits of each connection.
    of: HashMap<u64, u32>,
}

impl Queue {
    /// Adds one that came at `now`; at the limit, hands the oldest out.
    #[must_use = "what is handed out is nowhere else any more"]
    pub(super) fn push(
        &mut self,
        now: Duration,
        number: ConnectionNumber,
        waiting: Waiting,
    ) -> Option<(ConnectionNumber, Waiting)> {
        *self.of.entry(number.0).or_default() += 1;
        self.waiting.push_back((now, number, waiting));
        if self.waiting.len() > MAX_WAITING { self.pop() } else { None }
    }

    /// Whether anything waits of this connection.
    pub(super) fn holds_any_of(&self, number: ConnectionNumber) -> bool {
        self.of.contains_key(&number.0)
    }

    /// The oldest.
    pub(super) fn pop(&mut self) -> Option<(ConnectionNumber, Waiting)> {
        let (_, number, waiting) = self.waiting.pop_front()?;
        if let Some(left) = self.of.get_mut(&number.0) {
            *left -= 1;
            if *left == 0 {
                self.of.remove(&number.0);
            }
        }
        Some((number, waiting))
    }

    /// The oldest, where it came at `moment` or before.
    pub(super) fn pop_older_than(
        &mut self,
        moment: Duration,
    ) -> Option<(ConnectionNumber, Waiting)> {
        self.waiting.front().filter(|(came, ..)| *came <= moment)?;
        self.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::probe_event::Visibility;
    use crate::testing::said;

    #[test]
    fn what_there_is_no_room_for_is_handed_out_and_never_lost() {
        let connection = ConnectionEnd {
            facts: said().exchange().connection,
            closed: None,
            authorities: Vec::new(),
            exchanges: 0,
            misdirected: 0,
            gaps: 0,
            visibility: Visibility::Plaintext,
        };
        let mut queue = Queue::default();
        let mut out = 0;
        for number in 0..MAX_WAITING as u64 + 7 {
            let waiting = Waiting::Connection(connection.clone());
            let oldest = queue.push(Duration::ZERO, ConnectionNumber(number), waiting);
            out += usize::from(oldest.is_some());
        }
        assert_eq!(out, 7);
        assert!(
            !queue.holds_any_of(ConnectionNumber(6)) && queue.holds_any_of(ConnectionNumber(7))
        );
        while queue.pop().is_some() {
            out += 1;
        }
        assert_eq!(out, MAX_WAITING + 7);
    }
}
