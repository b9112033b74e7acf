//! Machine code with labels, as much as the tests need.

use std::collections::HashMap;

#[derive(Debug, Default)]
pub(super) struct CodeAssembler {
    bytes: Vec<u8>,
    labels: HashMap<&'static str, usize>,
    jumps: Vec<(usize, &'static str)>,
}

impl CodeAssembler {
    pub(super) fn put(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn label(mut self, name: &'static str) -> Self {
        self.labels.insert(name, self.bytes.len());
        self
    }

    /// A jump of eight bits to a label: `0xeb`, or `0x7?` for a conditional one.
    pub(super) fn jump(mut self, opcode: u8, to: &'static str) -> Self {
        self.bytes.extend([opcode, 0]);
        self.jumps.push((self.bytes.len(), to));
        self
    }

    /// A call or jump (`0xe8`, `0xe9`) to an address out of the function, which begins at 0x1000.
    pub(super) fn far(mut self, opcode: u8, to: u32) -> Self {
        let after = 0x1000 + self.bytes.len() as u32 + 5;
        self.bytes.push(opcode);
        self.bytes.extend(to.wrapping_sub(after).to_le_bytes());
        self
    }

    /// The bytes, and where the labels are.
    pub(super) fn done(mut self) -> (Vec<u8>, HashMap<&'static str, u64>) {
        for (after, to) in &self.jumps {
            let distance = self.labels[to] as i64 - *after as i64;
            self.bytes[after - 1] = i8::try_from(distance).unwrap() as u8;
        }
        let labels = self.labels.iter().map(|(name, at)| (*name, 0x1000 + *at as u64));
        (self.bytes, labels.collect())
    }
}
