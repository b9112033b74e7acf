//! The node agent: where packets come from, and where findings go.

mod build_info;
mod capture;
pub mod cli;
pub mod command;
pub mod config;
mod doctor;
mod enrich;
mod error;
mod exit_status;
mod export;
mod files;
mod kernel_release;
mod ledger;
mod log;
mod pipeline;
mod privileges;
pub mod probe;
mod progress;
mod service;
mod state;
#[cfg(test)]
mod testing;
mod text;
mod time_histogram;
mod tls_files;
