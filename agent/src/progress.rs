//! How far reading has come, for a person who waits.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Work shorter than this shows nothing.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A bar on standard error; only on a terminal, and only for work that takes a while.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// A bar over files of these sizes; without an end where one is not known.
    pub(crate) fn new(sizes: impl Iterator<Item = Option<u64>>) -> Self {
        let total: Option<u64> = sizes.sum();
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let template = match total {
            Some(_) => "reading {bar:40} {bytes}/{total_bytes} ({bytes_per_sec}, {eta} left)",
            None => "reading {spinner} {bytes} ({bytes_per_sec})",
        };
        // The templates are constants; one that does not parse leaves the default bar.
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self { bar, started: Instant::now() }
    }

    /// A bar over work of which so much is known later.
    pub(crate) fn counting() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("probing {bar:40} {pos}/{len} ({eta} left)");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, started: Instant::now() }
    }

    /// So much there will be.
    pub(crate) fn expect(&self, total: usize) {
        self.bar.set_length(total as u64);
    }

    /// So many bytes of all files were read; so much was done.
    pub(crate) fn at(&self, position: u64) {
        self.bar.set_position(position);
        if self.bar.is_hidden() && self.started.elapsed() >= TIMEOUT {
            // Draws nothing where standard error is not a terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
