//! How much a file may make us do. Every number in a container's binary is somebody else's claim.

use std::time::Duration;

/// The largest file looked at; browsers with their debug information are under it.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 30;

/// What is read of one file at most. The tables of a large Go program take half of it.
pub(super) const MAX_READ_BYTES: u64 = 64 << 20;

/// What is read of a file without symbols at most: a few passes through a browser.
pub(super) const MAX_SEARCHED_BYTES: u64 = 2 << 30;

/// The largest library that is searched through for a function without a symbol as soon as it is mapped: the search takes
/// milliseconds then.
pub(super) const MAX_QUICK_SEARCH_BYTES: u64 = 32 << 20;

/// Read at a time where a table is only walked through: whole entries of symbols and relocations, which have
/// 24 bytes.
pub(super) const CHUNK_BYTES: usize = 24 * 10_000;

/// The most entries of one symbol table: three times what Node exports.
pub(super) const MAX_SYMBOLS: u64 = 200_000;

/// The most entries of a symbol table for debuggers: the table is only walked through, and nothing of it is kept.
pub(super) const MAX_INTERNAL_SYMBOLS: u64 = 1 << 20;

/// The names of all symbols together; C++ has long ones.
pub(super) const MAX_NAMES_BYTES: u64 = 32 << 20;

/// The most functions of one Go program; Kubernetes' own have about 100,000.
pub(super) const MAX_GO_FUNCTIONS: u64 = 1 << 20;

/// Section and program headers; real files have some dozens.
pub(super) const MAX_HEADERS: u64 = 4096;

/// Functions that name one source file of a TLS library: OpenSSL has 77 in its largest.
pub(super) const MAX_SUSPECTS: usize = 128;

/// Definitions of wanted functions in one file. Versions of a symbol make more than one of a name.
pub(super) const MAX_FUNCTIONS: usize = 64;

/// Instructions decoded of one function.
pub(super) const MAX_INSTRUCTIONS: usize = 4096;

/// The bytes that so many instructions take, five each on average with room to spare.
pub(super) const MAX_CODE_BYTES: u64 = 32 << 10;

/// The most attach points of one file.
pub(super) const MAX_ATTACH_POINTS: usize = 256;

/// How long opening or examining one file may take. It is milliseconds unless a file system hangs.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// How long searching all of one file may take: half a second, more where the file system is slow or others are busy.
pub(super) const SEARCH_DEADLINE: Duration = Duration::from_mins(1);

/// Workers that may hang in a file system that never answers. Beyond, nothing is examined until one
/// comes back: a hostile mount may cost this many threads, not more.
pub(super) const MAX_ABANDONED: usize = 8;
