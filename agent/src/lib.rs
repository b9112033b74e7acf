//! The node agent: where packets come from, and where findings go.

pub mod capture;
pub mod cli;
pub mod command;
pub mod config;
mod doctor;
mod enrich;
mod export;
pub mod failure;
mod files;
mod health;
mod log;
mod pipeline;
mod privileges;
pub mod probe;
mod progress;
mod reload;
mod service;
#[cfg(test)]
mod testing;

pub use export::{Exported, catalogue};
