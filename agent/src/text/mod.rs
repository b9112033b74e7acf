//! Text that people and programs read: tables, JSON, times, counts, requests, and text from elsewhere made safe to print.

mod chain;
mod clock;
mod counts;
mod evidence;
mod file;
mod generator;
mod json;
mod outcome;
mod request;
mod sanitize;
mod stderr;
mod table;
pub(crate) mod verdict;
mod wrap;

pub(crate) use chain::chain;
pub(crate) use clock::{Clock, Time};
pub(crate) use counts::{grouped, grouped_plural, plural};
pub(crate) use evidence::evidence;
pub(crate) use file::read_file;
pub(crate) use generator::generator;
pub(crate) use json::{append, join, json_document, json_line};
pub(crate) use outcome::{counted_outcome, outcome};
pub(crate) use request::{authority, sni, status};
pub(crate) use sanitize::sanitize;
pub(crate) use stderr::warn;
pub(crate) use table::{Tone, WIDTH, grid, wide_grid};
pub(crate) use wrap::wrapped;
