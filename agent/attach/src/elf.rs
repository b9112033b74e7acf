//! The headers of an ELF file: where things are in it and in memory.

use std::ops::Range;

use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64, SectionType};
use object::{LittleEndian as LE, Pod};

use super::limits::MAX_HEADERS;
use super::reader::{BoundedReader, Fields, entries};
use super::refusal::Reason;

/// The names of all sections together.
const MAX_NAMES_BYTES: u64 = 1 << 20;
/// The note with a program's properties: a few dozen bytes.
const MAX_PROPERTY_BYTES: u64 = 512;
/// The longest section name that is compared.
const MAX_NAME_BYTES: usize = 64;

/// A processor whose code can be traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// Of 64 bits, by Intel and AMD.
    X86_64,
    /// Of 64 bits, by Arm.
    AArch64,
}

impl Processor {
    /// The processor of this node.
    pub fn native() -> Self {
        if cfg!(target_arch = "aarch64") { Self::AArch64 } else { Self::X86_64 }
    }
}

/// The headers of a 64-bit little-endian executable or shared library.
#[derive(Clone, Debug)]
pub(super) struct Elf {
    pub(super) processor: Processor,
    /// It is loaded at the addresses that it names, and code may have those in it.
    pub(super) is_fixed: bool,
    pub(super) segments: Vec<ElfSegment>,
    /// It says that it can run with a shadow stack, which compares return addresses.
    pub(super) has_shadow_stack: bool,
    /// The table of functions by which exceptions are unwound.
    pub(super) unwind: Option<ElfSegment>,
    pub(super) sections: Vec<ElfSection>,
}

/// A part of the file that is loaded into memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct ElfSegment {
    pub(super) address: u64,
    pub(super) offset: u64,
    /// In the file; what memory has beyond it is zero.
    pub(super) size: u64,
    pub(super) executable: bool,
}

/// A named part of the file.
#[derive(Clone, Debug)]
pub(super) struct ElfSection {
    pub(super) name: Vec<u8>,
    pub(super) kind: SectionType,
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) link: u32,
}

/// So far apart is what belongs together: linkers keep the functions of a library side by side.
const NEAR: u64 = 16 << 20;

// === impl Elf ===

impl Elf {
    /// Reads the headers; `None` where the file is no such thing.
    pub(super) fn read(reader: &BoundedReader<'_>) -> Result<Option<Self>, Reason> {
        let bytes = reader.read_up_to(0, size_of::<FileHeader64<LE>>() as u64)?;
        if !bytes.starts_with(&elf::ELFMAG) {
            return Ok(None);
        }
        if bytes.get(4..6) != Some([elf::ELFCLASS64.0, elf::ELFDATA2LSB.0].as_slice()) {
            return Err(Reason::Foreign);
        }
        let [header] = entries::<FileHeader64<LE>>(&bytes) else {
            return Err(Reason::Damaged("its header is cut short"));
        };
        if !matches!(header.e_type.get(LE), elf::ET_EXEC | elf::ET_DYN) {
            return Ok(None);
        }
        let processor = match header.e_machine.get(LE) {
            elf::EM_X86_64 => Processor::X86_64,
            elf::EM_AARCH64 => Processor::AArch64,
            _ => return Err(Reason::Foreign),
        };
        let (at, size, count) = (header.e_phoff, header.e_phentsize, header.e_phnum);
        let programs =
            table::<ProgramHeader64<LE>>(reader, at.get(LE), size.get(LE), count.get(LE))?;
        let of = |kind| programs.iter().filter(move |program| program.p_type.get(LE) == kind);
        let segments = of(elf::PT_LOAD).map(ElfSegment::of).collect();
        let unwind = of(elf::PT_GNU_EH_FRAME).map(ElfSegment::of).next();
        let property = of(elf::PT_GNU_PROPERTY).map(ElfSegment::of).next();
        let has_shadow_stack = property.map(|property| says_shadow_stack(reader, property));
        let has_shadow_stack = has_shadow_stack.transpose()?.unwrap_or(false);
        let is_fixed = header.e_type.get(LE) == elf::ET_EXEC;
        let (at, size, count) = (header.e_shoff, header.e_shentsize, header.e_shnum);
        let sections =
            table::<SectionHeader64<LE>>(reader, at.get(LE), size.get(LE), count.get(LE))?;
        let texts = match sections.get(usize::from(header.e_shstrndx.get(LE).0)) {
            Some(names) => {
                let size = names.sh_size.get(LE).min(MAX_NAMES_BYTES);
                reader.read(names.sh_offset.get(LE), size)?
            }
            None => Vec::new(),
        };
        let sections = sections.iter().map(|section| ElfSection::of(section, Fields(&texts)));
        let sections = sections.collect();
        Ok(Some(Self { processor, is_fixed, segments, has_shadow_stack, unwind, sections }))
    }

    /// The same file with no other code than what is near these places.
    pub(super) fn near(&self, places: Range<u64>) -> Self {
        let (first, last) = (places.start.saturating_sub(NEAR), places.end.saturating_add(NEAR));
        let mut near = self.clone();
        for segment in near.segments.iter_mut().filter(|segment| segment.executable) {
            let begin = segment.address.max(first).min(segment.end());
            let end = segment.end().min(last).max(begin);
            segment.offset = segment.offset.saturating_add(begin - segment.address);
            (segment.address, segment.size) = (begin, end - begin);
        }
        near
    }

    /// The section called `name`, if the file has bytes of it.
    pub(super) fn section(&self, name: &[u8]) -> Option<&ElfSection> {
        self.sections.iter().find(|section| section.name == name && section.kind != elf::SHT_NOBITS)
    }

    /// The segment of code at `address`.
    pub(super) fn code(&self, address: u64) -> Option<ElfSegment> {
        self.segments.iter().copied().find(|segment| segment.executable && segment.holds(address))
    }

    /// The segments of code.
    pub(super) fn code_segments(&self) -> impl Iterator<Item = &ElfSegment> {
        self.segments.iter().filter(|segment| segment.executable)
    }

    /// Where in the file the loaded `address` is.
    pub(super) fn offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find(|segment| segment.holds(address))?.offset_of(address)
    }
}

// === impl ElfSegment ===

impl ElfSegment {
    fn of(header: &ProgramHeader64<LE>) -> Self {
        Self {
            address: header.p_vaddr.get(LE),
            offset: header.p_offset.get(LE),
            size: header.p_filesz.get(LE),
            executable: header.p_flags.get(LE).contains(elf::PF_X),
        }
    }

    fn holds(&self, address: u64) -> bool {
        address.checked_sub(self.address).is_some_and(|into| into < self.size)
    }

    pub(super) fn offset_of(&self, address: u64) -> Option<u64> {
        address.checked_sub(self.address)?.checked_add(self.offset)
    }

    /// Behind its last byte in memory that the file has.
    pub(super) fn end(&self) -> u64 {
        self.address.saturating_add(self.size)
    }
}

// === impl ElfSection ===

impl ElfSection {
    fn of(header: &SectionHeader64<LE>, texts: Fields<'_>) -> Self {
        let name = texts.text(header.sh_name.get(LE) as usize).unwrap_or_default();
        Self {
            name: name.iter().copied().take(MAX_NAME_BYTES).collect(),
            kind: header.sh_type.get(LE),
            address: header.sh_addr.get(LE),
            offset: header.sh_offset.get(LE),
            size: header.sh_size.get(LE),
            link: header.sh_link.get(LE),
        }
    }
}

/// Whether a program's properties have the bit of the shadow stack: a note, whose content is a list of properties, each
/// with a type and a length in front, at multiples of eight bytes (x86-64 psABI, "Program Property").
fn says_shadow_stack(reader: &BoundedReader<'_>, property: ElfSegment) -> Result<bool, Reason> {
    const NOTE_HEAD: usize = 16;
    const PROPERTY_HEAD: usize = 8;
    let note = reader.read_up_to(property.offset, property.size.min(MAX_PROPERTY_BYTES))?;
    let note = Fields(&note);
    let mut at = NOTE_HEAD;
    while let (Some(kind), Some(length)) = (note.u32(at), note.u32(at + 4)) {
        if kind == elf::GNU_PROPERTY_X86_FEATURE_1_AND.0 {
            let bits = note.u32(at + PROPERTY_HEAD).unwrap_or(0);
            return Ok(bits & elf::GNU_PROPERTY_X86_FEATURE_1_SHSTK != 0);
        }
        at += PROPERTY_HEAD + (length.min(1024) as usize).next_multiple_of(8);
    }
    Ok(false)
}

/// The table of headers at `at`, as the file's header tells of it.
fn table<T: Pod>(
    reader: &BoundedReader<'_>,
    at: u64,
    size: u16,
    count: u16,
) -> Result<Vec<T>, Reason> {
    if count == 0 || at == 0 {
        return Ok(Vec::new());
    }
    if usize::from(size) != size_of::<T>() {
        return Err(Reason::Damaged("its headers are not of their size"));
    }
    let (size, count) = (u64::from(size), u64::from(count));
    if count > MAX_HEADERS {
        return Err(Reason::TooMany { what: "headers", count, limit: MAX_HEADERS });
    }
    Ok(entries(&reader.read(at, count * size)?).to_vec())
}
