//! The log: on standard error, for people or for programs. It never holds what headers hold.

mod bounded;

pub(crate) use bounded::left_out;

use crate::config::{Log, LogFormat, LogLevel};
use bounded::Bounded;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

/// Where the level is changed.
static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Starts it. Colour is for terminals (<https://no-color.org>).
pub(crate) fn start(log: &Log) {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && !no_colour)
        .with_target(false);
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let (level, handle) = reload::Layer::new(filter(log.level));
    let subscriber = tracing_subscriber::registry().with(level).with(lines.with_filter(Bounded));
    // Only a second start fails, and then there is a log.
    if subscriber.try_init().is_ok() {
        LEVEL.get_or_init(|| handle);
        IS_JSON.store(log.format == LogFormat::Json, Ordering::Relaxed);
    }
}

/// Whether every line of it is an object.
pub(crate) fn is_for_programs() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// How much is logged from now on.
pub(crate) fn change(level: LogLevel) {
    if let Some(handle) = LEVEL.get()
        && let Err(error) = handle.reload(filter(level))
    {
        tracing::warn!("the log's level cannot be changed: {error}");
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
