//! OpenSSL's functions, known by what they call themselves when they raise errors.

use std::collections::BTreeMap;
use std::ops::Range;

use wrongdoor_ebpf_common::Function;

use super::boringssl::Suspect;
use super::own_name::{self, Named, OwnName};
use super::{FoundFunction, SearchedFile, references, suspects_at};
use crate::refusal::Reason;

/// `SSL_read_ex` is no more than a call of another function. With what compilers put around that it is not longer.
const MAX_WRAPPER_BYTES: u64 = 96;

const NEW: OwnName = OwnName("SSL_new", 186);
/// Found each by its own name alone. `SSL_sendfile` came with 3.0, and has no number.
const OTHERS: [(OwnName, Function); 4] = [
    (OwnName("SSL_clear", 164), Function::Clear),
    (OwnName("SSL_read_early_data", 529), Function::ReadEx),
    (OwnName("SSL_write_early_data", 526), Function::WriteEx),
    (OwnName("SSL_sendfile", u64::MAX), Function::Sendfile),
];
/// What is said to be missing where it is not found. `SSL_free` raises no error, and never is.
pub(super) const EXPECTED: [&str; 6] =
    ["SSL_read", "SSL_read_ex", "SSL_write", "SSL_write_ex", "SSL_clear", "SSL_free"];
/// The internal function, and one that has it inlined. Before 3.3 their arguments are the same.
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
    file: SearchedFile<'_>,
    suspects: &[Suspect],
    path: &Range<u64>,
) -> Result<Option<Vec<FoundFunction>>, Reason> {
    let [read, write] = &WAYS;
    let mut wanted = vec![NEW, read.plain, read.internal, write.plain, write.internal];
    wanted.extend(OTHERS.iter().map(|(name, _)| *name));
    let functions = own_name::find(file, suspects, path, &wanted)?;
    if functions.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for way in &WAYS {
        found.extend(way.find(file, &functions)?);
    }
    let mut news = functions.values().filter(|function| function.names.contains(&NEW));
    let new = news.next().ok_or(Reason::Stripped("SSL_new is not found by its errors"))?;
    if news.next().is_some() {
        return Err(Reason::Stripped("SSL_new is there twice"));
    }
    found.push((NEW.0, Function::New, new.bounds.clone()));
    for (name, function) in OTHERS {
        let mut named = functions.values().filter(|named| named.names.contains(&name));
        if let (Some(only), None) = (named.next(), named.next()) {
            found.push((name.0, function, only.bounds.clone()));
        }
    }
    Ok(Some(found))
}

impl Way {
    fn find(
        &self,
        file: SearchedFile<'_>,
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
            found.extend(self.by_pointer(file, other, plain.copied(), functions)?);
        }
        if found.is_empty() { Err(Reason::Stripped(self.missing)) } else { Ok(found) }
    }

    /// The functions that tell by a pointer how much they moved: `other`, or what calls it and does no more.
    fn by_pointer(
        &self,
        SearchedFile { near, reader, .. }: SearchedFile<'_>,
        other: &Named,
        plain: Option<&Named>,
        functions: &BTreeMap<u64, Named>,
    ) -> Result<Vec<FoundFunction>, Reason> {
        let begin = other.bounds.start;
        let callers = suspects_at(near, reader, &references::calls_of(near, reader, begin)?)?;
        let takes_flags = self.function == Function::Write
            && callers.iter().any(|caller| gives_no_flags(caller, begin));
        let named = |has_flags, bounds: &Range<u64>| {
            let (symbol, function) =
                if has_flags { WITH_FLAGS } else { (self.symbol_ex, self.function_ex) };
            (symbol, function, bounds.clone())
        };
        if plain.is_none_or(|plain| !plain.callees.contains(&begin)) {
            // It has the internal function inlined, or is it, and another has it inlined.
            return Ok(vec![named(takes_flags, &other.bounds)]);
        }
        // Of those that hand on flags, and of those that have none, there is at most one.
        let mut found = Vec::new();
        for has_flags in [false, true] {
            let is_one = |caller: &&Suspect| {
                is_wrapper(caller, begin, functions)
                    && (takes_flags && !gives_no_flags(caller, begin)) == has_flags
            };
            let mut wrappers = callers.iter().filter(is_one);
            if let (Some(only), None) = (wrappers.next(), wrappers.next()) {
                found.push(named(has_flags, &only.bounds));
            }
        }
        Ok(found)
    }
}

/// Whether a function of a few instructions calls the one at `begin`, and raises no error itself.
fn is_wrapper(caller: &Suspect, begin: u64, named: &BTreeMap<u64, Named>) -> bool {
    let Suspect { bounds, followed, .. } = caller;
    bounds.end - bounds.start <= MAX_WRAPPER_BYTES
        && !named.contains_key(&bounds.start)
        && followed.calls.iter().any(|call| call.callee == Some(begin))
}

/// Whether a caller gives the writing function at `begin` no flags. As a pointer, this argument is never 0.
fn gives_no_flags(caller: &Suspect, begin: u64) -> bool {
    let mut calls = caller.followed.calls.iter();
    calls.any(|call| call.callee == Some(begin) && call.arguments[3] == Some(0))
}
