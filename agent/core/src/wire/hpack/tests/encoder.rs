//! An encoder that is free to choose, and remembers the truth.

use proptest::prelude::{Strategy, any, prop, prop_oneof};

use super::{integer, size_update};
use crate::wire::hpack::{huffman, static_table};

/// A field as it was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    /// The name needs no entry of the dynamic table.
    pub(super) name_readable: bool,
    /// The value needs no entry of the dynamic table.
    pub(super) value_readable: bool,
}

/// What the encoder is to do for one field. The choices are numbers, taken modulo what there is.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    name: Vec<u8>,
    value: Vec<u8>,
    representation: Representation,
    /// Which of the entries that would do.
    entry: usize,
    huffman: [bool; 2],
}

#[derive(Clone, Copy, Debug)]
enum Representation {
    /// Whatever entry of the dynamic table there is, else the literal.
    AnyEntry,
    /// By index where there is one, else the literal.
    Indexed,
    Inserted,
    NotInserted,
    NeverInserted,
}

/// The choices of a block: size updates, and fields.
#[derive(Clone, Debug)]
pub(super) struct Block {
    maximums: Vec<usize>,
    fields: Vec<Choice>,
}

/// A direction of a connection.
pub(super) fn blocks() -> impl Strategy<Value = Vec<Block>> {
    prop::collection::vec(block(), 1..24)
}

fn block() -> impl Strategy<Value = Block> {
    let maximum = prop_oneof![
        2 => prop::sample::select(vec![0, 31, 32, 64, 4096, 65_536, 100_000]),
        1 => 0..1000usize,
    ];
    let maximums = prop_oneof![5 => prop::collection::vec(maximum, 0..=2), 5 => prop::strategy::Just(Vec::new())];
    let fields = prop::collection::vec(choice(), 0..12);
    (maximums, fields).prop_map(|(maximums, fields)| Block { maximums, fields })
}

fn choice() -> impl Strategy<Value = Choice> {
    let name = prop_oneof![
        4 => prop::sample::select(vec![":status", ":authority", ":method", "cookie", "x-secret", "x", "user-agent"])
            .prop_map(|name| name.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    let value = prop_oneof![
        6 => prop::sample::select(vec!["421", "200", "GET", "a.test", "b.test", ""])
            .prop_map(|value| value.as_bytes().to_vec()),
        2 => "[ -~]{0,80}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..80),
        1 => (0..9000usize).prop_map(|len| vec![b'l'; len]),
    ];
    let representation = prop_oneof![
        2 => prop::strategy::Just(Representation::AnyEntry),
        3 => prop::strategy::Just(Representation::Indexed),
        5 => prop::strategy::Just(Representation::Inserted),
        1 => prop::strategy::Just(Representation::NotInserted),
        1 => prop::strategy::Just(Representation::NeverInserted),
    ];
    (name, value, representation, any::<usize>(), any::<[bool; 2]>()).prop_map(
        |(name, value, representation, entry, huffman)| Choice {
            name,
            value,
            representation,
            entry,
            huffman,
        },
    )
}

/// The encoding end, as strict as RFC 7541 wants it.
pub(super) struct Encoder {
    /// Newest first.
    pub(super) table: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) maximum: usize,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self { table: Vec::new(), maximum: 4096 }
    }

    /// Encodes a block, and says what it sent.
    pub(super) fn block(&mut self, block: &Block) -> (Vec<u8>, Vec<Sent>) {
        let mut bytes = Vec::new();
        for &maximum in &block.maximums {
            bytes.extend(size_update(maximum));
            self.maximum = maximum;
            self.evict(0);
        }
        let sent = block.fields.iter().map(|choice| self.field(choice, &mut bytes)).collect();
        (bytes, sent)
    }

    pub(super) fn size(&self) -> usize {
        self.table.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
    }

    fn field(&mut self, choice: &Choice, bytes: &mut Vec<u8>) -> Sent {
        let (mut name, mut value) = (choice.name.clone(), choice.value.clone());
        if matches!(choice.representation, Representation::AnyEntry) && !self.table.is_empty() {
            (name, value) = self.table[choice.entry % self.table.len()].clone();
        }
        let pick = |found: Vec<usize>| found.get(choice.entry.checked_rem(found.len())?).copied();
        let by_index =
            matches!(choice.representation, Representation::AnyEntry | Representation::Indexed);
        if by_index && let Some(index) = pick(self.indexes(|n, v| n == name && v == value)) {
            bytes.extend(integer(0x80, 7, index));
            let readable = index <= static_table::LEN as usize;
            return Sent { name, value, name_readable: readable, value_readable: readable };
        }
        let (first, prefix, insert) = match choice.representation {
            Representation::NotInserted => (0x00, 4, false),
            Representation::NeverInserted => (0x10, 4, false),
            _ => (0x40, 6, true),
        };
        // One name in four is spelt out although an entry has it.
        let spelt = (choice.entry / 7).is_multiple_of(4);
        let index = pick(self.indexes(|n, _value| n == name)).filter(|_index| !spelt).unwrap_or(0);
        bytes.extend(integer(first, prefix, index));
        if index == 0 {
            string(&name, choice.huffman[0], bytes);
        }
        string(&value, choice.huffman[1], bytes);
        if insert {
            let size = name.len() + value.len() + 32;
            self.evict(size);
            if size <= self.maximum {
                self.table.insert(0, (name.clone(), value.clone()));
            }
        }
        Sent {
            name,
            value,
            name_readable: index <= static_table::LEN as usize,
            value_readable: true,
        }
    }

    /// The indexes of all entries that `wanted` says.
    fn indexes(&self, wanted: impl Fn(&[u8], &[u8]) -> bool) -> Vec<usize> {
        let fixed = (1..=static_table::LEN).filter_map(static_table::entry);
        let fixed = fixed.map(|(name, value)| wanted(name, value));
        let dynamic = self.table.iter().map(|(name, value)| wanted(name, value));
        fixed.chain(dynamic).zip(1..).filter_map(|(found, index)| found.then_some(index)).collect()
    }

    /// Makes room.
    fn evict(&mut self, room: usize) {
        while self.size() + room > self.maximum && self.table.pop().is_some() {}
    }
}

fn string(text: &[u8], huffman: bool, bytes: &mut Vec<u8>) {
    let text = if huffman { huffman::tests::encode(text) } else { text.to_vec() };
    bytes.extend(integer(if huffman { 0x80 } else { 0 }, 7, text.len()));
    bytes.extend(text);
}
