//! What the agent itself takes, from `/proc/self`.

use super::family::{Family, number};
use std::fs;

/// Ticks a second in `/proc`: a constant of the kernel's interface, whatever it is configured with.
const TICKS: f64 = 100.0;

/// The usual `process_*` metrics. What cannot be read is left out.
pub(super) fn families() -> Vec<Family> {
    let mut families = Vec::new();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    if let (Some(user), Some(system)) = (field(&stat, 14), field(&stat, 15)) {
        let help = "Processor time, user and system, in seconds.";
        let family = Family::counter("process_cpu_seconds_total", help);
        families.push(family.with([], number(user + system) / TICKS));
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kilobytes) = value(&status, "VmRSS:") {
        let family = Family::gauge("process_resident_memory_bytes", "Resident memory in bytes.");
        families.push(family.with([], number(kilobytes * 1024)));
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is that of this reading.
        let count = (open.count() as u64).saturating_sub(1);
        let family = Family::gauge("process_open_fds", "Open file descriptors.");
        families.push(family.with([], number(count)));
    }
    let system = fs::read_to_string("/proc/stat").unwrap_or_default();
    if let (Some(booted), Some(started)) = (value(&system, "btime"), field(&stat, 22)) {
        let help = "When the process started, in seconds since 1970.";
        let family = Family::gauge("process_start_time_seconds", help);
        families.push(family.with([], number(booted) + number(started) / TICKS));
    }
    families
}

/// A field of `/proc/self/stat` by its number in proc(5). The second is the command in parentheses, which
/// may hold anything: the others are counted from its end.
fn field(stat: &str, number: usize) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

/// The number behind a word at the start of a line.
fn value(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::metrics::family::SampleValue;
    use std::time::SystemTime;

    #[test]
    fn what_the_kernel_says_is_read() {
        let values: Vec<(&str, f64)> = families()
            .into_iter()
            .map(|family| match family.samples[0].value {
                SampleValue::Number(value) => (family.name, value),
                SampleValue::Histogram { .. } => panic!("{} is a histogram", family.name),
            })
            .collect();
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        let expected = [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_start_time_seconds",
        ];
        assert_eq!(names, expected);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        let started = values[3].1;
        assert!(values[1].1 > 1e6 && values[2].1 >= 3.0, "{values:?}");
        assert!((now - 86_400.0..=now + 2.0).contains(&started), "{started} is not before {now}");
    }

    #[test]
    fn a_command_may_look_like_fields() {
        let stat = "7 (a) R 1) S 1 7 7 0 -1 4194304 99 0 0 0 11 22 0 0 20 0 1 0 333 1 1";
        assert_eq!(
            (field(stat, 14), field(stat, 15), field(stat, 22)),
            (Some(11), Some(22), Some(333))
        );
        assert_eq!((field("", 14), field(stat, 99)), (None, None));
    }
}
