//! ELF files, made to measure: one loaded segment that is the whole file.

use crate::elf::Processor;

/// Where the file's first byte is in memory.
pub(super) const BASE: u64 = 0x40_0000;
const HEADERS_BYTES: usize = 64 + 56;

pub(super) struct Builder {
    processor: Processor,
    bytes: Vec<u8>,
    /// Name, kind, offset, size, link.
    sections: Vec<(&'static str, u32, u64, u64, u32)>,
    /// The table by which exceptions are unwound: its offset and size.
    unwind: Option<(u64, u64)>,
}

impl Builder {
    pub(super) fn new(processor: Processor) -> Self {
        let sections = vec![("", 0, 0, 0, 0)];
        Self { processor, bytes: vec![0; HEADERS_BYTES], sections, unwind: None }
    }

    /// Adds a section and gives its address and number.
    pub(super) fn section(
        &mut self,
        name: &'static str,
        kind: object::elf::SectionType,
        link: u32,
        content: &[u8],
    ) -> (u64, u32) {
        self.bytes.resize(self.bytes.len().next_multiple_of(64), 0);
        let offset = self.bytes.len() as u64;
        self.bytes.extend_from_slice(content);
        self.sections.push((name, kind.0, offset, content.len() as u64, link));
        (BASE + offset, self.sections.len() as u32 - 1)
    }

    /// The symbols' names and then the symbols: name, address, size. An address of 0 is an import.
    pub(super) fn symbols(&mut self, symbols: &[(&str, u64, u64)]) {
        let mut names = vec![0];
        let mut entries = vec![0; 24];
        for (name, address, size) in symbols {
            entries.extend((names.len() as u32).to_le_bytes());
            let section: u16 = if *address == 0 { 0 } else { 1 };
            entries.extend([0x12, 0]);
            entries.extend(section.to_le_bytes());
            entries.extend(address.to_le_bytes());
            entries.extend(size.to_le_bytes());
            names.extend(name.bytes().chain([0]));
        }
        let (_, texts) = self.section(".dynstr", object::elf::SHT_STRTAB, 0, &names);
        self.section(".dynsym", object::elf::SHT_DYNSYM, texts, &entries);
    }

    /// Says where functions begin, and how long they are.
    pub(super) fn unwind_table(&mut self, begins: &[(u64, u64)]) {
        // Each description: its length, a link, where the function begins from here, its length.
        let frames = (BASE + self.bytes.len() as u64).next_multiple_of(64);
        let mut described = Vec::new();
        for (index, (begins, length)) in begins.iter().enumerate() {
            let here = frames + 16 * index as u64 + 8;
            let distance = begins.wrapping_sub(here) as u32;
            described.extend([12, 1, distance, *length as u32].map(u32::to_le_bytes).concat());
        }
        let (placed, _) = self.section(".eh_frame", object::elf::SHT_PROGBITS, 0, &described);
        assert_eq!(placed, frames);
        let header = (BASE + self.bytes.len() as u64).next_multiple_of(64);
        let mut table = vec![1, 0x1b, 0x03, 0x3b, 0, 0, 0, 0];
        table.extend((begins.len() as u32).to_le_bytes());
        for (index, (begins, _)) in begins.iter().enumerate() {
            let described = frames + 16 * index as u64;
            for address in [*begins, described] {
                table.extend((address.wrapping_sub(header) as u32).to_le_bytes());
            }
        }
        let (placed, _) = self.section(".eh_frame_hdr", object::elf::SHT_PROGBITS, 0, &table);
        self.unwind = Some((placed - BASE, table.len() as u64));
    }

    /// The file; `named` where it has section headers.
    pub(super) fn done(mut self, named: bool) -> Vec<u8> {
        let mut names = Vec::new();
        let mut starts = Vec::new();
        for (name, ..) in self.sections.iter().chain([&(".shstrtab", 0, 0, 0, 0)]) {
            starts.push(names.len() as u32);
            names.extend(name.bytes().chain([0]));
        }
        self.section(".shstrtab", object::elf::SHT_STRTAB, 0, &names);
        let table = self.bytes.len();
        for (start, (_, kind, offset, size, link)) in starts.iter().zip(&self.sections) {
            self.bytes.extend(start.to_le_bytes());
            self.bytes.extend(kind.to_le_bytes());
            for field in [0, BASE + offset, *offset, *size] {
                self.bytes.extend(field.to_le_bytes());
            }
            self.bytes.extend(link.to_le_bytes());
            self.bytes.extend([0; 20]);
        }
        let processor = if self.processor == Processor::X86_64 { 62_u16 } else { 183 };
        let count = if named { self.sections.len() as u16 } else { 0 };
        let is_short = self.unwind.is_none();
        // What does not fit in front goes to the end.
        let programs_at = if is_short { 64 } else { self.bytes.len() as u64 };
        let size = self.bytes.len() as u64 + if is_short { 0 } else { 2 * 56 };
        let mut programs = [1_u32, 5].map(u32::to_le_bytes).concat();
        programs.extend([0, BASE, BASE, size, size, 4096].map(u64::to_le_bytes).concat());
        if let Some((at, size)) = self.unwind {
            let kind = object::elf::PT_GNU_EH_FRAME.0;
            programs.extend([kind, 4].map(u32::to_le_bytes).concat());
            programs
                .extend([at, BASE + at, BASE + at, size, size, 4].map(u64::to_le_bytes).concat());
        }
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(16, 0);
        header.extend([3_u16, processor].map(u16::to_le_bytes).concat());
        header.extend(1_u32.to_le_bytes());
        header.extend([0, programs_at, table as u64].map(u64::to_le_bytes).concat());
        header.extend(0_u32.to_le_bytes());
        let names = count.saturating_sub(1);
        let program_count = (programs.len() / 56) as u16;
        header.extend([64, 56, program_count, 64, count, names].map(u16::to_le_bytes).concat());
        if is_short {
            header.extend(programs);
        } else {
            self.bytes.extend(programs);
        }
        self.bytes[..header.len()].copy_from_slice(&header);
        self.bytes
    }
}
