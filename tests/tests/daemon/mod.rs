//! The agent as it is left on a node: configured by file, guarded, scraped by a real Prometheus.

/// Who may read what it answers.
mod access;
/// The configuration file, what overrides it, and what changes while the agent runs.
mod configuration;
/// What is generated from the command line, and what systemd makes of the unit.
mod installation;
/// Outputs that fail, and the files that the agent writes.
mod outputs;
/// Fifty thousand requests, counted by who made them and by Prometheus.
mod prometheus;
