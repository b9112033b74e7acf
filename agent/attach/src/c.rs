//! OpenSSL, BoringSSL and GnuTLS: by the names of their functions.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use object::LittleEndian as LE;
use object::elf::{self, Dyn64};

use super::elf::{Elf, Processor};
use super::limits::MAX_QUICK_SEARCH_BYTES;
use super::reader::{BoundedReader, Fields, entries};
use super::refusal::Reason;
use super::stripped::openssl_transcript::{self, TRANSCRIPT};
use super::stripped::{SearchedFile, boringssl_messages};
use super::symbols::{self, Symbol};
use super::wanted::{WANTED, WantedFunction};
use super::x86::{self, Leads};
use super::{Abilities, Examined, TlsKind, aarch64, imports, plan_one};

/// What ends a program instead of returning, as compilers and these libraries call it.
const NEVER_RETURN: [&str; 7] = [
    "__stack_chk_fail",
    "abort",
    "exit",
    "_exit",
    "__assert_fail",
    "__fortify_fail",
    "OPENSSL_die",
];
/// Of a library's own description for the loader.
const MAX_DYNAMIC_BYTES: u64 = 16 << 10;
const MAX_NAME_BYTES: u64 = 128;

/// Looks for the functions; `None` where none is defined.
pub(super) fn examine(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    abilities: Abilities,
) -> Result<Option<Examined>, Reason> {
    let symbols = symbols::find(elf, reader)?;
    let Some(first) = symbols.functions.first() else { return Ok(None) };
    let kind = match first.wanted.kind() {
        TlsKind::OpenSsl if symbols.is_boringssl => TlsKind::BoringSsl,
        kind => kind,
    };
    let version = soname(elf, reader);
    let mut examined = Examined { kind, version, attach_points: Vec::new(), missing: Vec::new() };
    let destinations = Destinations::new(elf, reader, &symbols.functions);
    for symbol in &symbols.functions {
        let WantedFunction { symbol: name, function, when, .. } = *symbol.wanted;
        let place = (function, symbol.address, symbol.size);
        plan_one(&mut examined, name, (elf, reader), place, |body| match elf.processor {
            Processor::X86_64 => {
                let is_int = symbol.wanted.has_int_length();
                x86::plan_c(body, when, is_int, abilities, &|address| destinations.leads(address))
            }
            Processor::AArch64 => aarch64::plan_c(body, when, abilities),
        })?;
    }
    add_messages(&mut examined, (elf, reader), abilities)?;
    let defines = |wanted: &WantedFunction| {
        symbols.functions.iter().any(|symbol| symbol.wanted.symbol == wanted.symbol)
    };
    for wanted in WANTED.iter().filter(|wanted| wanted.is_vital && !defines(wanted)) {
        if wanted.kind() == first.wanted.kind() {
            examined.missing.push((wanted.symbol, "the file does not define it".to_owned()));
        }
    }
    Ok(Some(examined))
}

/// Where messages of handshakes pass. Without them certificates of TLS 1.3 are not seen, and nothing else is missing.
fn add_messages(
    examined: &mut Examined,
    (elf, reader): (&Elf, &BoundedReader<'_>),
    abilities: Abilities,
) -> Result<(), Reason> {
    if examined.kind == TlsKind::GnuTls {
        return Ok(());
    }
    let Some(transcript) = transcript(elf, reader) else {
        // A BoringSSL in several files does not say in each that it is one.
        let is_quick = reader.size() <= MAX_QUICK_SEARCH_BYTES;
        return if is_quick {
            boringssl_messages::add(examined, SearchedFile { elf, near: elf, reader })
        } else {
            Ok(())
        };
    };
    openssl_transcript::add(examined, (elf, reader), &transcript, abilities)
}

/// The function of OpenSSL that every message of a handshake passes.
fn transcript(elf: &Elf, reader: &BoundedReader<'_>) -> Option<Range<u64>> {
    let search = reader.for_search();
    symbols::find_internal(TRANSCRIPT, elf, &search).or_else(|| {
        let is_quick = reader.size() <= MAX_QUICK_SEARCH_BYTES;
        is_quick
            .then(|| {
                openssl_transcript::find(SearchedFile { elf, near: elf, reader: &search })
                    .ok()
                    .flatten()
            })
            .flatten()
    })
}

/// Where jumps and calls out of the functions lead, each looked up once.
struct Destinations<'a> {
    elf: &'a Elf,
    reader: &'a BoundedReader<'a>,
    traced: &'a [Symbol],
    known: RefCell<HashMap<u64, Leads>>,
}

impl<'a> Destinations<'a> {
    fn new(elf: &'a Elf, reader: &'a BoundedReader<'a>, traced: &'a [Symbol]) -> Self {
        Self { elf, reader, traced, known: RefCell::default() }
    }

    fn leads(&self, address: u64) -> Leads {
        let known = self.known.borrow().get(&address).copied();
        known.unwrap_or_else(|| {
            let leads = self.look_up(address);
            self.known.borrow_mut().insert(address, leads);
            leads
        })
    }

    fn look_up(&self, address: u64) -> Leads {
        if self.traced.iter().any(|symbol| symbol.address == address) {
            return Leads::Traced;
        }
        match imports::name(self.elf, self.reader, address) {
            Some(name) if NEVER_RETURN.contains(&name.as_str()) => Leads::Nowhere,
            Some(name) if self.traced.iter().any(|symbol| symbol.wanted.symbol == name) => {
                Leads::Traced
            }
            _ => Leads::Elsewhere,
        }
    }
}

/// The name that programs ask the loader for, `libssl.so.3`.
fn soname(elf: &Elf, reader: &BoundedReader<'_>) -> Option<String> {
    let dynamic = elf.section(b".dynamic")?;
    let texts = elf.sections.get(dynamic.link as usize)?;
    let bytes = reader.read_up_to(dynamic.offset, dynamic.size.min(MAX_DYNAMIC_BYTES)).ok()?;
    let mut entries = entries::<Dyn64<LE>>(&bytes).iter();
    let at = entries.find(|entry| entry.d_tag.get(LE) == elf::DT_SONAME)?.d_val.get(LE);
    let name = reader.read_up_to(texts.offset.checked_add(at)?, MAX_NAME_BYTES).ok()?;
    let name = String::from_utf8(Fields(&name).text(0)?.to_vec()).ok()?;
    // It is shown to people, and somebody else wrote it.
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then_some(name)
}
