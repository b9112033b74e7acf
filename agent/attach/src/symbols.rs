//! Which wanted functions a symbol table defines.
//!
//! The names are looked for first, in one walk through the texts: most files have none, and the table's
//! entries need not be looked at then.

use std::ops::{ControlFlow, Range};

use object::LittleEndian as LE;
use object::elf::{self, Sym64};

use super::elf::{Elf, ElfSection};
use super::limits::{MAX_FUNCTIONS, MAX_INTERNAL_SYMBOLS, MAX_NAMES_BYTES, MAX_SYMBOLS};
use super::reader::{BoundedReader, entries};
use super::refusal::Reason;
use super::wanted::{BORINGSSL_MARK, WANTED, WantedFunction};

const ENTRY_BYTES: u64 = size_of::<Sym64<LE>>() as u64;
/// Longer than any wanted name.
const OVERLAP: usize = 64;

/// A wanted function, defined here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol {
    pub(super) wanted: &'static WantedFunction,
    pub(super) address: u64,
    /// Zero where the table does not say.
    pub(super) size: u64,
}

/// What was found in a symbol table.
#[derive(Debug, Default)]
pub(super) struct TlsSymbols {
    pub(super) functions: Vec<Symbol>,
    pub(super) is_boringssl: bool,
}

/// Looks into the dynamic symbols, and into the others where those have none of them.
pub(super) fn find(elf: &Elf, reader: &BoundedReader<'_>) -> Result<TlsSymbols, Reason> {
    for kind in [elf::SHT_DYNSYM, elf::SHT_SYMTAB] {
        let Some(table) = elf.sections.iter().find(|section| section.kind == kind) else {
            continue;
        };
        let found = find_in(table, elf, reader)?;
        if !found.functions.is_empty() {
            return Ok(found);
        }
    }
    Ok(TlsSymbols::default())
}

/// Where a function is that only the symbols of debuggers name; `None` where they are stripped, or too many.
pub(super) fn find_internal(
    name: &str,
    elf: &Elf,
    reader: &BoundedReader<'_>,
) -> Option<Range<u64>> {
    let table = elf.sections.iter().find(|section| section.kind == elf::SHT_SYMTAB)?;
    let texts = elf.sections.get(table.link as usize)?;
    let count = table.size / ENTRY_BYTES;
    if count > MAX_INTERNAL_SYMBOLS || texts.size > MAX_NAMES_BYTES {
        return None;
    }
    let needle = [b"\0", name.as_bytes(), b"\0"].concat();
    let at =
        reader.walk(texts.offset, texts.size, OVERLAP, |begins, piece| match memchr::memmem::find(
            piece, &needle,
        ) {
            Some(at) => ControlFlow::Break(begins + at as u64 + 1),
            None => ControlFlow::Continue(()),
        });
    let at = u32::try_from(at.ok()??).ok()?;
    let found = reader.walk(table.offset, count * ENTRY_BYTES, 0, |_, piece| {
        let mut named =
            entries::<Sym64<LE>>(piece).iter().filter(|entry| entry.st_name.get(LE) == at);
        named.find(|entry| entry.st_type() == elf::STT_FUNC).map_or(
            ControlFlow::Continue(()),
            |entry| {
                let begin = entry.st_value.get(LE);
                ControlFlow::Break(begin..begin.saturating_add(entry.st_size.get(LE)))
            },
        )
    });
    found.ok()?.filter(|function| !function.is_empty())
}

fn find_in(
    table: &ElfSection,
    elf: &Elf,
    reader: &BoundedReader<'_>,
) -> Result<TlsSymbols, Reason> {
    let mut found = TlsSymbols::default();
    let count = table.size / ENTRY_BYTES;
    if count > MAX_SYMBOLS {
        return Err(Reason::TooMany { what: "symbols", count, limit: MAX_SYMBOLS });
    }
    let Some(texts) = elf.sections.get(table.link as usize) else { return Ok(found) };
    let names = names(texts, reader)?;
    if names.is_empty() {
        return Ok(found);
    }
    let size = count * ENTRY_BYTES;
    let too_many = reader.walk(table.offset, size, 0, |_, piece| {
        for entry in entries(piece) {
            let Some((name, symbol)) = defined(entry, &names) else { continue };
            let Some(wanted) = name else {
                found.is_boringssl = true;
                continue;
            };
            let symbol = Symbol { wanted, ..symbol };
            let same = |other: &Symbol| other.address == symbol.address;
            if found.functions.iter().any(same) {
                continue;
            }
            if found.functions.len() == MAX_FUNCTIONS {
                return ControlFlow::Break(());
            }
            found.functions.push(symbol);
        }
        ControlFlow::Continue(())
    })?;
    if too_many.is_some() {
        let count = MAX_FUNCTIONS as u64;
        return Err(Reason::TooMany { what: "TLS functions", count, limit: count });
    }
    complete(&mut found, table, count, reader)?;
    Ok(found)
}

/// Where in the texts the wanted names are; the mark of BoringSSL is `None`.
fn names(
    texts: &ElfSection,
    reader: &BoundedReader<'_>,
) -> Result<Vec<(u32, Option<&'static WantedFunction>)>, Reason> {
    if texts.size > MAX_NAMES_BYTES {
        return Err(Reason::ReadsTooMuch { limit: MAX_NAMES_BYTES });
    }
    let mut found: Vec<(u32, Option<&'static WantedFunction>)> = Vec::new();
    let too_many = reader.walk(texts.offset, texts.size, OVERLAP, |begins, piece| {
        let mut at = 0;
        for text in piece.split_inclusive(|&byte| byte == 0) {
            let begins = begins + at;
            at += text.len() as u64;
            let Some(text) = text.strip_suffix(&[0]) else { continue };
            let wanted = WANTED.iter().map(|wanted| (wanted.symbol, Some(wanted)));
            for (name, wanted) in wanted.chain([(BORINGSSL_MARK, None)]) {
                // A name may be the end of another one's text.
                let Some(before) = text.strip_suffix(name.as_bytes()) else { continue };
                let Ok(at) = u32::try_from(begins + before.len() as u64) else { continue };
                // Seen twice where the pieces overlap.
                if found.iter().any(|(other, _)| *other == at) {
                    continue;
                }
                if found.len() == MAX_FUNCTIONS {
                    return ControlFlow::Break(());
                }
                found.push((at, wanted));
            }
        }
        ControlFlow::Continue(())
    })?;
    match too_many {
        Some(()) => Err(Reason::Damaged("it names the same function many times")),
        None => Ok(found),
    }
}

/// The function that a symbol defines, if its name is among `names`.
fn defined(
    entry: &Sym64<LE>,
    names: &[(u32, Option<&'static WantedFunction>)],
) -> Option<(Option<&'static WantedFunction>, Symbol)> {
    let name = entry.st_name.get(LE);
    let (_, wanted) = names.iter().find(|(at, _)| *at == name)?;
    let is_function = entry.st_type() == elf::STT_FUNC;
    let is_import = entry.st_shndx.get(LE) == elf::SHN_UNDEF;
    let (address, size) = (entry.st_value.get(LE), entry.st_size.get(LE));
    let symbol = Symbol { wanted: WANTED.first()?, address, size };
    (is_function && !is_import).then_some((*wanted, symbol))
}

/// Lets the functions without a size end where the next symbol begins.
fn complete(
    found: &mut TlsSymbols,
    table: &ElfSection,
    count: u64,
    reader: &BoundedReader<'_>,
) -> Result<(), Reason> {
    if found.functions.iter().all(|symbol| symbol.size != 0) {
        return Ok(());
    }
    let mut next = vec![u64::MAX; found.functions.len()];
    reader.walk(table.offset, count * ENTRY_BYTES, 0, |_, piece| {
        for entry in entries::<Sym64<LE>>(piece) {
            let address = entry.st_value.get(LE);
            for (next, symbol) in next.iter_mut().zip(&found.functions) {
                if address > symbol.address {
                    *next = address.min(*next);
                }
            }
        }
        ControlFlow::<()>::Continue(())
    })?;
    for (symbol, next) in found.functions.iter_mut().zip(next) {
        if symbol.size == 0 && next != u64::MAX {
            symbol.size = next - symbol.address;
        }
    }
    Ok(())
}
