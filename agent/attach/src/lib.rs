//! Which TLS functions a file has, and where in it attach points are to be put.
//!
//! ```text
//! SafeFile → Elf ┬→ symbols      → OpenSSL, BoringSSL, GnuTLS ┬→ x86 | aarch64 → attach points
//!                ├→ go::pclntab  → Go's crypto/tls            ┤
//!                └→ stripped     → BoringSSL                  ┘
//! ```
//! Files come from containers, so they are hostile: everything is read in bounds, aside from the agent's
//! threads, and what does not fit together is refused.

mod aarch64;
mod c;
mod deadline;
mod elf;
mod go;
mod imports;
mod limits;
mod plan;
mod reader;
mod refusal;
mod safe_file;
mod steps;
mod stripped;
mod symbols;
#[cfg(test)]
mod tests;
mod wanted;
mod x86;

pub use elf::Processor;
pub use refusal::{FileRefusal, Reason};
pub use safe_file::{Identity, SafeFile};

use wrongdoor_ebpf_common::{Arguments, Function};

use elf::Elf;
use limits::{MAX_ATTACH_POINTS, MAX_CODE_BYTES, MAX_SEARCHED_BYTES};
use plan::{AttachPlan, FunctionBody};
use reader::BoundedReader;

/// Whose TLS a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsKind {
    /// OpenSSL, or a descendant that cannot be told from it.
    OpenSsl,
    /// BoringSSL.
    BoringSsl,
    /// GnuTLS.
    GnuTls,
    /// `crypto/tls` of a Go program.
    Go,
}

impl TlsKind {
    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenSsl => "openssl",
            Self::BoringSsl => "boringssl",
            Self::GnuTls => "gnutls",
            Self::Go => "go",
        }
    }
}

/// A file with TLS in it.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Whose it is.
    pub kind: TlsKind,
    /// A library's name for the loader, with its version; of a Go program the version of Go.
    pub version: Option<String>,
    /// Where to attach.
    pub attach_points: Vec<AttachPoint>,
    /// Functions that should be traced and are not, and why.
    pub missing: Vec<(&'static str, String)>,
}

/// A place for an attach point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachPoint {
    /// The function's name.
    pub symbol: &'static str,
    /// What it does.
    pub function: Function,
    /// How to attach.
    pub place: AttachPosition,
    /// Where in the file.
    pub offset: u64,
    /// Where the arguments are there.
    pub arguments: Arguments,
    /// The kernel emulates the instruction there, which is ten times as fast as single-stepping it.
    pub is_emulated: bool,
    /// What the file has there: the instruction, and what follows it.
    pub code: Box<[u8]>,
}

/// How to attach, and what is then known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttachPosition {
    /// A plain uprobe: the arguments.
    Entry,
    /// A plain uprobe where the result is final: the result.
    Return,
    /// A uretprobe: the result.
    Uretprobe,
    /// A plain uprobe where a message of a handshake passes: the object, and the message.
    Message,
}

/// What the running kernel allows.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// A uretprobe does no harm to programs under seccomp.
    pub uretprobe: bool,
}

/// The longest instruction of x86-64.
const MAX_INSTRUCTION_BYTES: usize = 15;

impl Examined {
    /// Whether the file still has the code for which the attach points were chosen. A probe in the wrong place kills the
    /// program, so this is asked right before they are set.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or it has changed.
    pub fn check_code(&self, file: &SafeFile) -> Result<(), FileRefusal> {
        let file = file.clone();
        let places: Vec<_> =
            self.attach_points.iter().map(|point| (point.offset, point.code.clone())).collect();
        let name = file.name().to_owned();
        deadline::within(&name, move || {
            let reader = BoundedReader::new(file.file(), file.identity().size);
            for (offset, code) in places {
                if reader.read(offset, code.len() as u64)? != *code {
                    return Err(Reason::Changed);
                }
            }
            Ok(())
        })
    }
}

/// Looks for TLS functions; `None` where the file has none.
pub fn examine(file: &SafeFile, abilities: Abilities) -> Result<Option<Examined>, FileRefusal> {
    let shared = file.clone();
    deadline::within(file.name(), move || {
        shared.check_unchanged()?;
        let reader = BoundedReader::new(shared.file(), shared.identity().size);
        let examined = examine_elf(&reader, abilities, Processor::native());
        // What contradicts itself may have been written to meanwhile.
        shared.check_unchanged()?;
        examined
    })
}

/// Looks for TLS functions in a file without symbols, which takes a few passes through all of it: half a second for a
/// browser. `None` where the file has none, or is for another processor.
///
/// # Errors
///
/// The file cannot be read, or it has TLS whose functions are not all found.
pub fn examine_stripped(
    file: &SafeFile,
    processor: Processor,
    abilities: Abilities,
) -> Result<Option<Examined>, FileRefusal> {
    let shared = file.clone();
    deadline::within_search(file.name(), move || {
        shared.check_unchanged()?;
        let size = shared.identity().size;
        let reader = BoundedReader::with_limit(shared.file(), size, MAX_SEARCHED_BYTES);
        let examined = match Elf::read(&reader)? {
            Some(elf) if elf.processor == processor => stripped::examine(&elf, &reader, abilities)?,
            Some(_) | None => None,
        };
        shared.check_unchanged()?;
        Ok(examined)
    })
}

fn examine_elf(
    reader: &BoundedReader<'_>,
    abilities: Abilities,
    processor: Processor,
) -> Result<Option<Examined>, Reason> {
    let Some(elf) = Elf::read(reader)? else { return Ok(None) };
    if elf.processor != processor {
        return Err(Reason::Foreign);
    }
    // A Go program's other symbols are many, and no TLS library is among them.
    let examined = match go::examine(&elf, reader)? {
        Some(program) => Some(program),
        None => c::examine(&elf, reader, abilities)?,
    };
    if let Some(examined) = &examined {
        let (count, limit) = (examined.attach_points.len() as u64, MAX_ATTACH_POINTS as u64);
        if count > limit {
            return Err(Reason::TooMany { what: "places to attach to", count, limit });
        }
    }
    Ok(examined)
}

/// Plans one function by its code, and adds what comes of it.
fn plan_one(
    examined: &mut Examined,
    symbol: &'static str,
    (elf, reader): (&Elf, &BoundedReader<'_>),
    (function, address, size): (Function, u64, u64),
    plan: impl FnOnce(&FunctionBody<'_>) -> AttachPlan,
) -> Result<(), Reason> {
    let Some(segment) = elf.code(address) else {
        examined.missing.push((symbol, "it lies outside of the file's code".to_owned()));
        return Ok(());
    };
    let rest = segment.end().saturating_sub(address);
    let length = if size == 0 { rest } else { size.min(rest) }.min(MAX_CODE_BYTES);
    let offset = segment.offset_of(address).unwrap_or(u64::MAX);
    let bytes = reader.read(offset, length)?;
    let body = FunctionBody { function, address, bytes: &bytes, is_whole: length == size };
    match plan(&body) {
        AttachPlan::Traps(spots) => {
            for spot in spots {
                let offset = segment.offset_of(spot.address).unwrap_or(u64::MAX);
                let (place, arguments, is_emulated) =
                    (spot.place, spot.arguments, spot.is_emulated);
                let into = usize::try_from(spot.address.saturating_sub(address)).ok();
                let rest = into.and_then(|into| bytes.get(into..)).unwrap_or_default();
                let code = rest.get(..MAX_INSTRUCTION_BYTES).unwrap_or(rest).into();
                let attach_point =
                    AttachPoint { symbol, function, place, offset, arguments, is_emulated, code };
                examined.attach_points.push(attach_point);
            }
        }
        AttachPlan::HandedOn => {}
        AttachPlan::Impossible(why) => examined.missing.push((symbol, why.to_owned())),
    }
    Ok(())
}
