//! How much of something a test does: what CI can bear, or all that was promised.

use std::env;

/// Set to `1` for the full scale: for a machine of its own, and minutes.
pub const FULL: &str = "WRONGDOOR_TESTS_FULL";

/// `usual`, or `full` where [`FULL`] says so.
pub fn of(usual: usize, full: usize) -> usize {
    if env::var_os(FULL).is_some_and(|value| value == "1") { full } else { usual }
}
