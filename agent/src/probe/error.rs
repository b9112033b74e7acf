//! Why nothing can be probed.

use super::name::NotAName;
use super::plan::MAX_PROBES;
use std::io;

/// What is wrong before the first connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeSetupError {
    #[error("`-` (standard input) is named more than once; it can be read only once")]
    StandardInputTwice,
    #[error("cannot read authorities from `{list}`")]
    ListUnreadable { list: String, source: io::Error },
    #[error("`{list}` is longer than {max} bytes: split it")]
    ListTooLong { list: String, max: u64 },
    #[error("there is no name in {lists}; write one a line")]
    NoName { lists: String },
    #[error("{place}: `{shown}` {reason}")]
    NotAName {
        place: String,
        /// What was typed, so that it cannot obey in a terminal.
        shown: String,
        reason: NotAName,
    },
    #[error("cannot resolve `{host}` ({why}): pass its addresses with --connect")]
    UnknownHost { host: String, why: String },
    #[error(
        "{names} names at {servers} addresses need {probes} probes, more than {MAX_PROBES}: split the run by address \
         (--connect), by protocol (--protocol), by test (--test own leaves out all pairs), or by groups of \
         names that share certificates"
    )]
    TooManyProbes { names: usize, servers: usize, probes: usize },
    #[error("cannot start the probes' runtime")]
    Runtime(#[source] io::Error),
}
