/// Grafana's own models read the dashboards.
mod grafana;
/// What dashboard-linter would say.
mod lint;
/// A real agent, a real Prometheus, and the dashboards drawn.
mod live;
/// Only what is exported is named.
mod names;
/// The rules, their tests and their runbooks.
mod rules;
