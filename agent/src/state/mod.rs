//! The state of a running agent: what the capture thread writes and the service thread reads.

mod health;

pub(crate) use health::Health;

use crate::config::EventsOf;
use crate::enrich::Directory;
use crate::export::{LabelLimiter, MetricsRegistry, RecentFindings};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The state that the capture thread shares with the service thread.
pub(crate) struct AgentState {
    metrics: Mutex<MetricsRegistry>,
    recent: Mutex<RecentFindings>,
    overrides: Mutex<Option<RuntimeOverrides>>,
    pub(crate) health: Health,
    /// Pods and processes of the cluster, if there is one.
    pub(crate) directory: Option<Arc<Directory>>,
    /// Set to end the run.
    pub(crate) stop: AtomicBool,
}

/// Options that a reload changes while the agent runs.
pub(crate) struct RuntimeOverrides {
    pub(crate) label_limiter: LabelLimiter,
    pub(crate) events_of: EventsOf,
}

impl AgentState {
    pub(crate) fn new(directory: Option<Arc<Directory>>) -> Arc<Self> {
        Arc::new(Self {
            metrics: Mutex::default(),
            recent: Mutex::default(),
            overrides: Mutex::default(),
            health: Health::new(),
            directory,
            stop: AtomicBool::new(false),
        })
    }

    /// The metrics. A panic that held the lock left counts that are whole each.
    pub(crate) fn metrics(&self) -> MutexGuard<'_, MetricsRegistry> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands options to the capture thread, which applies them in its next turn.
    pub(crate) fn override_with(&self, overrides: RuntimeOverrides) {
        *self.overrides.lock().unwrap_or_else(PoisonError::into_inner) = Some(overrides);
    }

    /// What was changed since the last turn, taken.
    pub(crate) fn take_overrides(&self) -> Option<RuntimeOverrides> {
        self.overrides.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The last findings.
    pub(crate) fn recent(&self) -> MutexGuard<'_, RecentFindings> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
