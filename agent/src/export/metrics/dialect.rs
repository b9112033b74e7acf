//! The text formats of Prometheus.

use super::family::Family;
use super::{openmetrics, text};

/// A text format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Prometheus 0.0.4, which everything reads.
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/>
    #[default]
    Text,
    /// OpenMetrics 1.0, with exemplars.
    /// <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>
    OpenMetrics,
}

impl Dialect {
    /// The value of `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text => text::CONTENT_TYPE,
            Self::OpenMetrics => openmetrics::CONTENT_TYPE,
        }
    }

    /// The text of these metrics. Those without a series are left out.
    ///
    /// # Errors
    ///
    /// In words, where a metric cannot be written.
    pub(super) fn encode(self, families: Vec<Family>) -> Result<String, String> {
        match self {
            Self::Text => text::encode(families).map_err(|error| error.to_string()),
            Self::OpenMetrics => openmetrics::encode(&families).map_err(|error| error.to_string()),
        }
    }
}
