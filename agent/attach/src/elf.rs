//! The headers of an ELF file: where things are in it and in memory.

use object::elf;

use super::limits::MAX_HEADERS;
use super::reader::{Fields, Reader};
use super::refusal::Reason;

const HEADER_BYTES: u64 = 64;
const PROGRAM_HEADER_BYTES: u64 = 56;
const SECTION_HEADER_BYTES: u64 = 64;
/// The names of all sections together.
const MAX_NAMES_BYTES: u64 = 1 << 20;

/// A processor whose code can be traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    X86_64,
    AArch64,
}

/// The headers of a 64-bit little-endian executable or shared library.
#[derive(Debug)]
pub(super) struct Elf {
    pub(super) machine: Machine,
    pub(super) segments: Vec<Segment>,
    pub(super) sections: Vec<Section>,
}

/// A part of the file that is loaded into memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) address: u64,
    pub(super) offset: u64,
    /// In the file; what memory has beyond it is zero.
    pub(super) size: u64,
    pub(super) executable: bool,
}

/// A named part of the file.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: Vec<u8>,
    pub(super) kind: u32,
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) link: u32,
}

// === impl Elf ===

impl Elf {
    /// Reads the headers; `None` where the file is no such thing.
    pub(super) fn read(reader: &Reader<'_>) -> Result<Option<Self>, Reason> {
        let header = reader.read_up_to(0, HEADER_BYTES)?;
        if header.get(..4) != Some(b"\x7fELF".as_slice()) {
            return Ok(None);
        }
        if header.get(4..6) != Some([elf::ELFCLASS64.0, elf::ELFDATA2LSB.0].as_slice()) {
            return Err(Reason::Foreign);
        }
        Self::parse(reader, Fields(&header))
            .unwrap_or(Err(Reason::Damaged("its header is cut short")))
    }

    /// `None` where the header is too short for what is looked for in it.
    fn parse(reader: &Reader<'_>, header: Fields<'_>) -> Option<Result<Option<Self>, Reason>> {
        let kind = header.u16(16)?;
        if kind != elf::ET_EXEC.0 && kind != elf::ET_DYN.0 {
            return Some(Ok(None));
        }
        let machine = match header.u16(18)? {
            machine if machine == elf::EM_X86_64.0 => Machine::X86_64,
            machine if machine == elf::EM_AARCH64.0 => Machine::AArch64,
            _ => return Some(Err(Reason::Foreign)),
        };
        let programs =
            Table { at: header.u64(32)?, entry: header.u16(54)?, count: header.u16(56)? };
        let sections =
            Table { at: header.u64(40)?, entry: header.u16(58)?, count: header.u16(60)? };
        let names = header.u16(62)?;
        Some(
            Self::tables(reader, programs, sections, names.into())
                .map(|(segments, sections)| Some(Self { machine, segments, sections })),
        )
    }

    fn tables(
        reader: &Reader<'_>,
        programs: Table,
        sections: Table,
        names: usize,
    ) -> Result<(Vec<Segment>, Vec<Section>), Reason> {
        let programs = programs.read(reader, PROGRAM_HEADER_BYTES)?;
        let segments = programs
            .chunks_exact(PROGRAM_HEADER_BYTES as usize)
            .filter_map(|entry| Segment::parse(Fields(entry)))
            .collect();
        let table = sections.read(reader, SECTION_HEADER_BYTES)?;
        let mut named = Vec::new();
        for entry in table.chunks_exact(SECTION_HEADER_BYTES as usize) {
            named.extend(Section::parse(Fields(entry)));
        }
        let place = named.get(names).map(|(_, names)| (names.offset, names.size));
        let texts = match place {
            Some((offset, size)) => reader.read(offset, size.min(MAX_NAMES_BYTES))?,
            None => Vec::new(),
        };
        let sections = named.into_iter().map(|(name, section)| {
            let name = Fields(&texts).text(name as usize).unwrap_or_default();
            // No name that is looked for is longer.
            Section { name: name.iter().copied().take(64).collect(), ..section }
        });
        Ok((segments, sections.collect()))
    }

    /// The section called `name`, if the file has bytes of it.
    pub(super) fn section(&self, name: &[u8]) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| section.name == name && section.kind != elf::SHT_NOBITS.0)
    }

    /// The segment of code at `address`.
    pub(super) fn code(&self, address: u64) -> Option<Segment> {
        self.segments.iter().copied().find(|segment| segment.executable && segment.holds(address))
    }

    /// Where in the file the loaded `address` is.
    pub(super) fn offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find(|segment| segment.holds(address))?.offset_of(address)
    }
}

// === impl Segment ===

impl Segment {
    fn parse(entry: Fields<'_>) -> Option<Self> {
        (entry.u32(0)? == elf::PT_LOAD.0).then_some(Self {
            executable: entry.u32(4)? & elf::PF_X.0 != 0,
            offset: entry.u64(8)?,
            address: entry.u64(16)?,
            size: entry.u64(32)?,
        })
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

// === impl Section ===

impl Section {
    /// With where its name begins.
    fn parse(entry: Fields<'_>) -> Option<(u32, Self)> {
        let section = Self {
            name: Vec::new(),
            kind: entry.u32(4)?,
            address: entry.u64(16)?,
            offset: entry.u64(24)?,
            size: entry.u64(32)?,
            link: entry.u32(40)?,
        };
        Some((entry.u32(0)?, section))
    }
}

/// A table of headers, as the file's header tells of it.
#[derive(Clone, Copy, Debug)]
struct Table {
    at: u64,
    entry: u16,
    count: u16,
}

impl Table {
    fn read(self, reader: &Reader<'_>, entry: u64) -> Result<Vec<u8>, Reason> {
        let count = u64::from(self.count);
        if count == 0 || self.at == 0 {
            return Ok(Vec::new());
        }
        if u64::from(self.entry) != entry {
            return Err(Reason::Damaged("its headers are not of their size"));
        }
        if count > MAX_HEADERS {
            return Err(Reason::TooMany { what: "headers", count, limit: MAX_HEADERS });
        }
        reader.read(self.at, count * entry)
    }
}
