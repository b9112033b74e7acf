//! BoringSSL's functions, known by the errors that they raise.
//!
//! `OPENSSL_PUT_ERROR(SSL, REASON)` compiles to a call with five constants: the library (16), nothing, the reason, the path
//! of the source file, and the line. Library and reasons are numbers of `include/openssl/ssl.h` that have not changed since
//! 2014. Lines change with every commit, and order the reasons of one function as its source does. The lists below are
//! those of the quarterly snapshots from 2018 to 2026.

use std::collections::HashMap;
use std::ops::Range;

use wrongdoor_ebpf_common::Function;

use super::FoundFunction;
use super::constants::Followed;
use crate::steps::{Step, StepFlow};

/// `ERR_LIB_SSL`. In OpenSSL it is 20, which has a source file of the same name.
const LIBRARY: u32 = 16;

const SHOULD_NOT_HAVE_BEEN_CALLED: u32 = 66;
const BAD_LENGTH: u32 = 111;
const NULL_SSL_CTX: u32 = 185;
const PROTOCOL_IS_SHUTDOWN: u32 = 194;
const HANDSHAKE_FAILURE: u32 = 215;
const UNINITIALIZED: u32 = 226;

/// A function that names the source file.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) bounds: Range<u64>,
    pub(super) steps: Vec<Step>,
    pub(super) followed: Followed,
}

/// The beginnings of the functions. Each is known for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BoringSsl {
    pub(super) read: Range<u64>,
    pub(super) write: Range<u64>,
    pub(super) new: Range<u64>,
    /// Where an object's life ends, if it can be told.
    pub(super) free: Option<u64>,
}

/// What a function is by its list of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    New,
    Write,
    /// `ssl_read_impl`, which `SSL_read` and `SSL_peek` call.
    ReadImplementation,
    /// The same, inlined into one of its callers.
    ReadInlined,
    /// `SSL_read` or `SSL_peek`, if it calls the implementation.
    ReadOrPeek,
    Other,
}

/// Tells the functions apart. `Err` says what is missing, or there more than once; `Ok(None)`: this is not BoringSSL.
pub(super) fn identify(
    suspects: &[Suspect],
    path: &Range<u64>,
) -> Result<Option<BoringSsl>, &'static str> {
    let Some(raise) = raising_function(suspects, path) else { return Ok(None) };
    let known: Vec<(Known, &Suspect)> = suspects
        .iter()
        .map(|suspect| (Known::by(&reasons(suspect, path, raise)), suspect))
        .collect();
    let all = |kind| known.iter().filter(move |(known, _)| *known == kind).map(|(_, found)| *found);
    if all(Known::ReadImplementation).chain(all(Known::ReadInlined)).next().is_none() {
        return Err("SSL_read is not found by its errors");
    }
    let implementations: Vec<u64> =
        all(Known::ReadImplementation).map(|found| found.bounds.start).collect();
    let calls_one = |suspect: &&Suspect| {
        let callees = suspect.followed.calls.iter().filter_map(|call| call.callee);
        callees.into_iter().any(|callee| implementations.contains(&callee))
    };
    // Reading takes bytes out of the object; peeking leaves them there.
    let reads: Vec<&Suspect> = all(Known::ReadOrPeek)
        .filter(calls_one)
        .filter(|suspect| suspect.stores() > 0)
        .chain(all(Known::ReadInlined).filter(|suspect| suspect.stores() > 1))
        .collect();
    let new = one(all(Known::New), "SSL_new is not found by its errors", "SSL_new is there twice")?;
    Ok(Some(BoringSsl {
        read: one(
            reads.into_iter(),
            "SSL_read is not found by its errors",
            "SSL_read cannot be told from SSL_peek",
        )?
        .bounds
        .clone(),
        write: one(
            all(Known::Write),
            "SSL_write is not found by its errors",
            "SSL_write is there twice",
        )?
        .bounds
        .clone(),
        free: destructor(new),
        new: new.bounds.clone(),
    }))
}

fn one<'a>(
    mut found: impl Iterator<Item = &'a Suspect>,
    missing: &'static str,
    many: &'static str,
) -> Result<&'a Suspect, &'static str> {
    let first = found.next().ok_or(missing)?;
    if found.next().is_some() { Err(many) } else { Ok(first) }
}

/// The function that raises errors: nearly all calls with the path go to it, with this library.
fn raising_function(suspects: &[Suspect], path: &Range<u64>) -> Option<u64> {
    let mut counts: HashMap<u64, (usize, usize)> = HashMap::new();
    let calls = suspects.iter().flat_map(|suspect| &suspect.followed.calls);
    for call in calls {
        let [library, _, _, file, _] = call.arguments;
        if let (Some(callee), Some(true)) = (call.callee, file.map(|file| path.contains(&file))) {
            let (of_library, all) = counts.entry(callee).or_default();
            *of_library += usize::from(library.map(low) == Some(LIBRARY));
            *all += 1;
        }
    }
    let (callee, (of_library, all)) = counts.into_iter().max_by_key(|(_, (_, all))| *all)?;
    (of_library * 2 > all).then_some(callee)
}

/// The reasons of a function's errors, in the order of its source.
fn reasons(suspect: &Suspect, path: &Range<u64>, raise: u64) -> Vec<u32> {
    let mut lines: Vec<(u32, u32)> = suspect
        .followed
        .calls
        .iter()
        .filter(|call| call.callee == Some(raise))
        .filter_map(|call| {
            let [library, _, reason, file, line] = call.arguments;
            let is_here = library.map(low) == Some(LIBRARY) && path.contains(&file?);
            is_here.then_some((low(line?), low(reason?)))
        })
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().map(|(_, reason)| reason).collect()
}

/// The arguments are C `int`s, of which the high half of a register says nothing.
fn low(value: u64) -> u32 {
    (value & u64::from(u32::MAX)) as u32
}

/// Where `SSL_new` destroys the object that it has made and cannot complete: `~SSL(ssl)` and then the release of its
/// memory, both with what it would have returned. By GCC it is one call, of `SSL_free` itself.
fn destructor(new: &Suspect) -> Option<u64> {
    let mut calls: Vec<(u64, u64, u8)> = new
        .followed
        .calls
        .iter()
        .filter_map(|call| Some((call.at, call.callee?, call.first_of?)))
        .filter(|(_, _, register)| new.followed.returned.contains(register))
        .collect();
    calls.sort_unstable();
    calls.dedup();
    let mut pairs = calls.windows(2).filter_map(|pair| match pair {
        [(at, destroys, of), (then, releases, too)] => {
            let is_pair = of == too && destroys != releases && then - at <= MAX_BETWEEN;
            is_pair.then_some(*destroys)
        }
        _ => None,
    });
    let first = pairs.next()?;
    pairs.all(|other| other == first).then_some(first)
}

/// The bytes of a call and of the instruction that sets the argument of the next.
const MAX_BETWEEN: u64 = 16;

// === impl BoringSsl ===

impl BoringSsl {
    /// Each function, and where it is.
    pub(super) fn functions(&self) -> Vec<FoundFunction> {
        let mut functions = vec![
            ("SSL_read", Function::Read, self.read.clone()),
            ("SSL_write", Function::Write, self.write.clone()),
            ("SSL_new", Function::New, self.new.clone()),
        ];
        functions.extend(self.free.map(|free| ("SSL_free", Function::Free, free..free)));
        functions
    }
}

// === impl Known ===

impl Known {
    fn by(reasons: &[u32]) -> Self {
        let at = |reason| reasons.iter().position(|other| *other == reason);
        if reasons == [SHOULD_NOT_HAVE_BEEN_CALLED] {
            return Self::ReadOrPeek;
        }
        if at(NULL_SSL_CTX).is_some() {
            return Self::New;
        }
        let (Some(begins), Some(_)) = (at(UNINITIALIZED), at(HANDSHAKE_FAILURE)) else {
            return Self::Other;
        };
        let refuses_first = at(SHOULD_NOT_HAVE_BEEN_CALLED).is_some_and(|refuses| refuses < begins);
        let writes =
            [BAD_LENGTH, PROTOCOL_IS_SHUTDOWN].into_iter().any(|reason| at(reason).is_some());
        match at(SHOULD_NOT_HAVE_BEEN_CALLED) {
            _ if writes || refuses_first => Self::Write,
            Some(_) => Self::ReadInlined,
            None => Self::ReadImplementation,
        }
    }
}

// === impl Suspect ===

impl Suspect {
    fn reached(&self) -> impl Iterator<Item = &Step> {
        let reached = |index: &usize| self.followed.reached.contains(index);
        self.steps.iter().enumerate().filter(move |(index, _)| reached(index)).map(|(_, step)| step)
    }

    /// How many instructions write memory that is not the stack's.
    fn stores(&self) -> usize {
        self.reached().filter(|step| step.stores && !matches!(step.flow, StepFlow::Call(_))).count()
    }
}
