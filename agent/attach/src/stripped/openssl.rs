//! OpenSSL's functions, known by what they call themselves when they raise errors.

use std::collections::BTreeMap;
use std::ops::Range;

use wrongdoor_ebpf_common::Function;

use super::boringssl::Suspect;
use super::own_name::{self, Named, OwnName};
use super::{FoundFunction, references, suspects_at};
use crate::elf::Elf;
use crate::reader::BoundedReader;
use crate::refusal::Reason;

/// `SSL_read_ex` is no more than a call of another function. With what compilers put around that it is not longer.
const MAX_WRAPPER_BYTES: u64 = 96;

const NEW: OwnName = OwnName("SSL_new", 186);
/// These have the internal functions inlined too, and are not wanted.
const EARLY: [OwnName; 2] =
    [OwnName("SSL_read_early_data", 529), OwnName("SSL_write_early_data", 526)];
/// The internal function, and one that has it inlined. Their arguments are the same.
const MAX_ALIKE: usize = 2;
/// From 3.3 on, writing takes flags in front of the pointer, which nearly all callers leave at 0.
const WITH_FLAGS: (&str, Function) = ("SSL_write_ex2", Function::WriteEx2);

/// Reading, or writing.
struct Way {
    plain: OwnName,
    /// What both functions of the library call, or have inlined.
    internal: OwnName,
    /// The function that tells by a pointer how much it moved.
    symbol_ex: &'static str,
    function: Function,
    function_ex: Function,
    missing: &'static str,
    twice: &'static str,
}

const WAYS: [Way; 2] = [
    Way {
        plain: OwnName("SSL_read", 223),
        internal: OwnName("ssl_read_internal", 523),
        symbol_ex: "SSL_read_ex",
        function: Function::Read,
        function_ex: Function::ReadEx,
        missing: "SSL_read is not found by its errors",
        twice: "SSL_read is there twice",
    },
    Way {
        plain: OwnName("SSL_write", 208),
        internal: OwnName("ssl_write_internal", 524),
        symbol_ex: "SSL_write_ex",
        function: Function::Write,
        function_ex: Function::WriteEx,
        missing: "SSL_write is not found by its errors",
        twice: "SSL_write is there twice",
    },
];

/// Tells the functions apart. `Err` says what is missing, or there more than once; `Ok(None)`: this is not OpenSSL.
pub(super) fn identify(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    suspects: &[Suspect],
    path: &Range<u64>,
) -> Result<Option<Vec<FoundFunction>>, Reason> {
    let [read, write] = &WAYS;
    let [read_early, write_early] = EARLY;
    let wanted =
        [NEW, read.plain, read.internal, read_early, write.plain, write.internal, write_early];
    let functions = own_name::find(elf, reader, suspects, path, &wanted)?;
    if functions.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for way in &WAYS {
        found.extend(way.find(elf, reader, &functions)?);
    }
    let mut news = functions.values().filter(|function| function.names.contains(&NEW));
    let new = news.next().ok_or(Reason::Stripped("SSL_new is not found by its errors"))?;
    if news.next().is_some() {
        return Err(Reason::Stripped("SSL_new is there twice"));
    }
    found.push((NEW.0, Function::New, new.bounds.clone()));
    Ok(Some(found))
}

impl Way {
    fn find(
        &self,
        elf: &Elf,
        reader: &BoundedReader<'_>,
        functions: &BTreeMap<u64, Named>,
    ) -> Result<Vec<FoundFunction>, Reason> {
        let with = |name| functions.values().filter(move |named| named.names.contains(&name));
        let plain: Vec<&Named> = with(self.plain).collect();
        let others: Vec<&Named> =
            with(self.internal).filter(|other| other.names.len() == 1).collect();
        if plain.len() > 1 || others.len() > MAX_ALIKE {
            return Err(Reason::Stripped(self.twice));
        }
        let plain = plain.first();
        let mut found = Vec::new();
        found.extend(plain.map(|plain| (self.plain.0, self.function, plain.bounds.clone())));
        for other in others {
            found.extend(self.by_pointer(elf, reader, other, plain.copied(), functions)?);
        }
        if found.is_empty() { Err(Reason::Stripped(self.missing)) } else { Ok(found) }
    }

    /// The function that tells by a pointer how much it moved: `other`, or what calls it and does no more.
    fn by_pointer(
        &self,
        elf: &Elf,
        reader: &BoundedReader<'_>,
        other: &Named,
        plain: Option<&Named>,
        functions: &BTreeMap<u64, Named>,
    ) -> Result<Option<FoundFunction>, Reason> {
        let begin = other.bounds.start;
        let callers = suspects_at(elf, reader, &references::calls_of(elf, reader, begin)?)?;
        let takes_flags = self.function == Function::Write
            && callers.iter().any(|caller| gives_no_flags(caller, begin));
        let is_inner = plain.is_some_and(|plain| plain.callees.contains(&begin));
        let (bounds, has_flags) = if is_inner {
            let Some(wrapper) = wrapper(&callers, functions) else { return Ok(None) };
            (&wrapper.bounds, takes_flags && !gives_no_flags(wrapper, begin))
        } else {
            (&other.bounds, takes_flags)
        };
        let (symbol, function) =
            if has_flags { WITH_FLAGS } else { (self.symbol_ex, self.function_ex) };
        Ok(Some((symbol, function, bounds.clone())))
    }
}

/// The caller of a few instructions that raises no error itself.
fn wrapper<'a>(callers: &'a [Suspect], named: &BTreeMap<u64, Named>) -> Option<&'a Suspect> {
    let mut small = callers.iter().filter(|Suspect { bounds, .. }| {
        bounds.end - bounds.start <= MAX_WRAPPER_BYTES && !named.contains_key(&bounds.start)
    });
    let first = small.next();
    first.filter(|_| small.next().is_none())
}

/// Whether a caller gives the writing function at `begin` no flags. As a pointer, this argument is never 0.
fn gives_no_flags(caller: &Suspect, begin: u64) -> bool {
    let mut calls = caller.followed.calls.iter();
    calls.any(|call| call.callee == Some(begin) && call.arguments[3] == Some(0))
}
