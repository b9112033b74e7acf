//! What clusters get: the chart as Helm renders it, and a pod of it.

/// What the chart becomes, for whichever values.
mod chart;
/// The image under the chart's privileges, beside a server in another container.
mod container;
/// What is under which licence.
mod licences;
/// What each mode may do, and no more.
mod privileges;
/// What a release is made of.
mod release;
/// Which values there are, and which are refused.
mod values;
