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
}

impl Builder {
    pub(super) fn new(processor: Processor) -> Self {
        let sections = vec![("", 0, 0, 0, 0)];
        Self { processor, bytes: vec![0; HEADERS_BYTES], sections }
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
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(16, 0);
        header.extend([3_u16, processor].map(u16::to_le_bytes).concat());
        header.extend(1_u32.to_le_bytes());
        header.extend([0, 64, table as u64].map(u64::to_le_bytes).concat());
        header.extend(0_u32.to_le_bytes());
        let names = count.saturating_sub(1);
        header.extend([64, 56, 1, 64, count, names].map(u16::to_le_bytes).concat());
        let size = self.bytes.len() as u64;
        header.extend([1_u32, 5].map(u32::to_le_bytes).concat());
        header.extend([0, BASE, BASE, size, size, 4096].map(u64::to_le_bytes).concat());
        self.bytes[..HEADERS_BYTES].copy_from_slice(&header);
        self.bytes
    }
}
