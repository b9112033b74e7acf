//! The second opinion.
pub fn x() {}
