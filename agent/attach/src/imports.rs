//! Where a call or jump through the procedure linkage table leads: the name of what is imported.

use std::ops::ControlFlow;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Register};
use object::LittleEndian as LE;
use object::elf::{self, Rela64, Sym64};

use super::elf::{Elf, ElfSection};
use super::reader::{BoundedReader, Fields, entries};

const RELOCATION_BYTES: u64 = size_of::<Rela64<LE>>() as u64;
const SYMBOL_BYTES: u64 = size_of::<Sym64<LE>>() as u64;
/// The longest symbol name that is compared.
const MAX_NAME_BYTES: u64 = 64;
/// `endbr64`, `bnd jmp *slot(%rip)`: what a stub of the table has at most.
const STUB_BYTES: u64 = 16;

/// The name behind the stub at `address`; `None` where it is no stub.
pub(super) fn name(elf: &Elf, reader: &BoundedReader<'_>, address: u64) -> Option<String> {
    // Such are in a section of their own; a function that merely looks alike is not.
    elf.sections.iter().find(|section| {
        section.name.starts_with(b".plt")
            && address.checked_sub(section.address).is_some_and(|into| into < section.size)
    })?;
    let slot = slot(elf, reader, address)?;
    // Lazily bound ones first: they are few.
    let tables = [b".rela.plt".as_slice(), b".rela.dyn".as_slice()];
    tables.into_iter().filter_map(|name| elf.section(name)).find_map(|table| {
        let index = symbol(table, reader, slot)?;
        text(elf, reader, elf.sections.get(table.link as usize)?, index)
    })
}

/// The slot of the global offset table that the stub jumps through.
fn slot(elf: &Elf, reader: &BoundedReader<'_>, address: u64) -> Option<u64> {
    let code = reader.read_up_to(elf.offset(address)?, STUB_BYTES).ok()?;
    let mut stub = Decoder::with_ip(64, &code, address, DecoderOptions::NONE);
    let jump =
        stub.iter().take(2).find(|line| line.flow_control() == FlowControl::IndirectBranch)?;
    (jump.memory_base() == Register::RIP).then(|| jump.memory_displacement64())
}

/// The number of the symbol whose address the loader puts into `slot`.
fn symbol(table: &ElfSection, reader: &BoundedReader<'_>, slot: u64) -> Option<u64> {
    let size = table.size / RELOCATION_BYTES * RELOCATION_BYTES;
    let found = reader.walk(table.offset, size, 0, |_, piece| {
        let mut entries = entries::<Rela64<LE>>(piece).iter();
        match entries.find(|entry| entry.r_offset.get(LE) == slot) {
            Some(entry) => ControlFlow::Break(entry.r_sym(LE, false).into()),
            None => ControlFlow::Continue(()),
        }
    });
    found.ok()?
}

fn text(elf: &Elf, reader: &BoundedReader<'_>, symbols: &ElfSection, index: u64) -> Option<String> {
    if symbols.kind != elf::SHT_DYNSYM || index >= symbols.size / SYMBOL_BYTES {
        return None;
    }
    let at = symbols.offset.checked_add(index * SYMBOL_BYTES)?;
    let bytes = reader.read(at, SYMBOL_BYTES).ok()?;
    let name = entries::<Sym64<LE>>(&bytes).first()?.st_name.get(LE);
    let texts = elf.sections.get(symbols.link as usize)?;
    let at = texts.offset.checked_add(name.into())?;
    let bytes = reader.read_up_to(at, MAX_NAME_BYTES).ok()?;
    String::from_utf8(Fields(&bytes).text(0)?.to_vec()).ok()
}
