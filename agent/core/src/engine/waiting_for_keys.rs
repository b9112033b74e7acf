//! Connections that have ended and wait for their secrets.

use super::ConnectionSlot;
use crate::wire::net::FlowKey;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// Those that wait, in the order of their end.
#[derive(Default)]
pub(super) struct WaitingForKeys {
    slots: VecDeque<ConnectionSlot>,
    /// How many there are of each flow.
    flows: HashMap<FlowKey, usize, foldhash::fast::RandomState>,
}

impl WaitingForKeys {
    pub(super) fn push(&mut self, slot: ConnectionSlot) {
        if let Some(flow) = slot.tracked.flow() {
            *self.flows.entry(flow).or_default() += 1;
        }
        self.slots.push_back(slot);
    }

    /// The one that has waited longest.
    pub(super) fn pop(&mut self) -> Option<ConnectionSlot> {
        let slot = self.slots.pop_front()?;
        if let Some(flow) = slot.tracked.flow()
            && let Some(count) = self.flows.get_mut(&flow)
        {
            *count -= 1;
            if *count == 0 {
                self.flows.remove(&flow);
            }
        }
        Some(slot)
    }

    /// The same, where it stays.
    pub(super) fn front(&self) -> Option<&ConnectionSlot> {
        self.slots.front()
    }

    /// All of them.
    pub(super) fn take(&mut self) -> VecDeque<ConnectionSlot> {
        self.flows.clear();
        std::mem::take(&mut self.slots)
    }

    /// Whether any is of this flow.
    pub(super) fn has(&self, flow: &FlowKey) -> bool {
        self.flows.contains_key(flow)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}
