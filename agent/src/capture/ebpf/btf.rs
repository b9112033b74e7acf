//! The running kernel's type information: where a member of a structure is.
//!
//! Of BTF (Documentation/bpf/btf.rst) only what that question takes: the names and members of structures.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Where every kernel with BTF shows its own.
pub(super) const PATH: &str = "/sys/kernel/btf/vmlinux";
/// More than any kernel's: 6.18 has 8 MiB.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// How deep structures without a name lie in each other.
const MAX_DEPTH: u8 = 8;

const MAGIC: u16 = 0xeb9f;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_DECL_TAG: u32 = 17;
const KIND_ENUM64: u32 = 19;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BtfError {
    /// It is not there, or may not be read.
    #[error("cannot read the kernel's type information (BTF), {PATH}: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It is not what it should be.
    #[error("the kernel's type information (BTF), {PATH}, is damaged")]
    Damaged,
}

/// Structures of the running kernel.
pub(super) struct Btf {
    /// By name: where the type stands in `types`.
    structures: HashMap<Box<[u8]>, usize>,
    /// By type id: where it stands.
    places: Vec<usize>,
    types: Vec<u8>,
    strings: Vec<u8>,
}

impl Btf {
    /// The running kernel's.
    pub(super) fn of_kernel() -> Result<Self, BtfError> {
        Self::read(Path::new(PATH))
    }

    fn read(path: &Path) -> Result<Self, BtfError> {
        let bytes = fs::read(path)?;
        Self::parse(&bytes).ok_or(BtfError::Damaged)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let head = |at: usize| word(bytes, at).and_then(|word| usize::try_from(word).ok());
        let magic = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
        if magic != MAGIC || bytes.len() > MAX_BYTES {
            return None;
        }
        let part = |from: usize, length: usize| {
            let from = head(4)?.checked_add(from)?;
            bytes.get(from..from.checked_add(length)?).map(<[u8]>::to_vec)
        };
        let types = part(head(8)?, head(12)?)?;
        let strings = part(head(16)?, head(20)?)?;
        let mut btf = Self { structures: HashMap::new(), places: vec![usize::MAX], types, strings };
        btf.index()?;
        Some(btf)
    }

    /// Goes over all types once.
    fn index(&mut self) -> Option<()> {
        let mut at = 0;
        while at < self.types.len() {
            let (kind, count) = self.info(at)?;
            self.places.push(at);
            if kind == KIND_STRUCT {
                let name = self.text(word(&self.types, at)?)?.into();
                self.structures.entry(name).or_insert(at);
            }
            let more = match kind {
                KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => count.checked_mul(12)?,
                KIND_ENUM | KIND_FUNC_PROTO => count.checked_mul(8)?,
                KIND_ARRAY => 12,
                // INT, VAR and DECL_TAG have one word more.
                1 | KIND_VAR | KIND_DECL_TAG => 4,
                _ => 0,
            };
            at = at.checked_add(12)?.checked_add(more)?;
        }
        Some(())
    }

    /// Where a member is, in bytes from the beginning of the structure. The path leads through structures
    /// inside; those without a name are looked into.
    pub(super) fn offset(&self, structure: &str, path: &[&str]) -> Option<u32> {
        let mut at = *self.structures.get(structure.as_bytes())?;
        let mut offset = 0;
        for name in path {
            let (inside, kind) = self.member(at, name.as_bytes(), MAX_DEPTH)?;
            offset += inside;
            at = self.resolve(kind)?;
        }
        Some(offset)
    }

    /// A member's offset and type.
    fn member(&self, at: usize, wanted: &[u8], depth: u8) -> Option<(u32, u32)> {
        let (kind, count) = self.info(at)?;
        if !matches!(kind, KIND_STRUCT | KIND_UNION) || depth == 0 {
            return None;
        }
        // Where some member is a bit field, the upper eight bits are its width.
        let has_fields = word(&self.types, at + 4)? >> 31 != 0;
        for index in 0..count {
            let member = at + 12 + index * 12;
            let (name, of) = (word(&self.types, member)?, word(&self.types, member + 4)?);
            let bits = word(&self.types, member + 8)?;
            let offset = if has_fields { bits & 0x00ff_ffff } else { bits } / 8;
            if name != 0 {
                if self.text(name)? == wanted {
                    return Some((offset, of));
                }
            } else if let Some((inside, of)) =
                self.resolve(of).and_then(|inner| self.member(inner, wanted, depth - 1))
            {
                return Some((offset + inside, of));
            }
        }
        None
    }

    /// A type, behind typedefs and qualifiers.
    fn resolve(&self, mut id: u32) -> Option<usize> {
        for _ in 0..16 {
            let at = *self.places.get(usize::try_from(id).ok()?)?;
            match self.info(at)?.0 {
                // TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG
                8 | 9 | 10 | 11 | 18 => id = word(&self.types, at + 8)?,
                _ => return Some(at),
            }
        }
        None
    }

    fn info(&self, at: usize) -> Option<(u32, usize)> {
        let info = word(&self.types, at.checked_add(4)?)?;
        Some((info >> 24 & 0x1f, usize::try_from(info & 0xffff).ok()?))
    }

    fn text(&self, at: u32) -> Option<&[u8]> {
        let rest = self.strings.get(usize::try_from(at).ok()?..)?;
        rest.split(|byte| *byte == 0).next()
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(word.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct outer { int a; struct { int b; struct inner c; }; }; struct inner { int d; int e; };`
    fn sample() -> Vec<u8> {
        let strings = b"\0outer\0a\0b\0c\0inner\0d\0e\0int\0";
        let at = |text: &str| {
            let text = format!("\0{text}\0");
            let found = strings.windows(text.len()).position(|window| window == text.as_bytes());
            u32::try_from(found.unwrap() + 1).unwrap()
        };
        let structure = |count: u32| KIND_STRUCT << 24 | count;
        let types: Vec<u32> = [
            vec![at("int"), 1 << 24, 4, 32],
            vec![at("inner"), structure(2), 8, at("d"), 1, 0, at("e"), 1, 32],
            vec![0, structure(2), 12, at("b"), 1, 0, at("c"), 2, 32],
            vec![at("outer"), structure(2), 16, at("a"), 1, 0, 0, 3, 32],
        ]
        .concat();
        let types: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let mut bytes = MAGIC.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        let (types_len, strings_len) = (types.len() as u32, strings.len() as u32);
        for word in [24, 0, types_len, types_len, strings_len] {
            bytes.extend(word.to_ne_bytes());
        }
        [bytes, types, strings.to_vec()].concat()
    }

    #[test]
    fn members_are_found_through_structures_without_a_name() {
        let btf = Btf::parse(&sample()).unwrap();
        assert_eq!(btf.offset("outer", &["a"]), Some(0));
        assert_eq!(btf.offset("outer", &["b"]), Some(4));
        assert_eq!(btf.offset("outer", &["c", "e"]), Some(12));
        assert_eq!(btf.offset("outer", &["x"]), None);
        assert_eq!(btf.offset("nobody", &["a"]), None);
    }

    #[test]
    fn what_is_cut_is_refused_or_has_less() {
        let whole = sample();
        for length in 0..whole.len() {
            let offset =
                Btf::parse(&whole[..length]).and_then(|btf| btf.offset("outer", &["c", "e"]));
            assert!(offset.is_none_or(|offset| offset == 12), "{offset:?} of {length} bytes");
        }
    }
}
