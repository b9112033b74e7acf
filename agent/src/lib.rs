//! The node agent: where packets come from, and where findings go.

pub mod capture;
