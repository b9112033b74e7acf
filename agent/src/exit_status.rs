//! The exit statuses, most of them those of `sysexits.h`.

/// `--fail-on` matched.
pub(crate) const MATCHED: u8 = 1;
/// The command line or the configuration is wrong (`EX_USAGE`).
pub(crate) const USAGE: u8 = 64;
/// An input is not a capture, or damaged beyond use (`EX_DATAERR`).
pub(crate) const DATA: u8 = 65;
/// An input cannot be opened (`EX_NOINPUT`).
pub(crate) const INPUT: u8 = 66;
/// Something that is needed is not there (`EX_UNAVAILABLE`).
pub(crate) const UNAVAILABLE: u8 = 69;
/// The output cannot be written (`EX_IOERR`).
pub(crate) const OUTPUT: u8 = 74;
/// A privilege is missing (`EX_NOPERM`).
pub(crate) const PRIVILEGE: u8 = 77;
