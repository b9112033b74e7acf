//! `wrongdoor run`, as typed.

use super::Otlp;
use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// `wrongdoor run`
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status:
   0  done: by --for, SIGTERM or SIGINT
  64  bad usage
  69  something needed is not available: the source, or the address to listen on
  74  the events cannot be written
  77  a privilege is missing

Examples:
  wrongdoor run
  wrongdoor run --events - --for 5m | jq 'select(.status == 421)'
  wrongdoor run --include command='nginx*' --exclude cgroup='/kubepods*' --listen [::]:9421")]
pub struct Run {
    /// Where to see the traffic: in TLS libraries (ebpf), on interfaces (packets), or where it works
    #[arg(long, value_enum, default_value_t = SourceKind::Auto)]
    pub source: SourceKind,
    /// Answer /metrics, /healthz and /readyz there
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9421")]
    pub listen: SocketAddr,
    /// Write events there as JSON lines; the file is emptied first, `-` is standard output
    #[arg(long, value_name = "FILE|-")]
    pub events: Option<PathBuf>,
    /// Which exchanges are events
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = EventsOf::Mismatched)]
    pub events_of: EventsOf,
    /// Where traces go.
    #[command(flatten)]
    pub otlp: Otlp,
    /// Stop after this long: 90s, 5m, 1h
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub length: Option<Duration>,
    /// Trace only what matches: command=…, cgroup=… or namespace=…, with * for anything; can be repeated
    #[arg(long, value_name = "KIND=PATTERN")]
    pub include: Vec<String>,
    /// Do not trace what matches; can be repeated
    #[arg(long, value_name = "KIND=PATTERN")]
    pub exclude: Vec<String>,
    /// The size of the buffer between kernel and agent, in bytes: a power of two
    #[arg(long, hide = true, value_name = "BYTES", default_value_t = crate::capture::RING_BYTES)]
    pub ring_bytes: u32,
    /// Copy everything that the kernel hands over there; for tests of what that is
    #[arg(long, hide = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The log on standard error: for people, or for programs
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// How much is logged
    #[arg(long, value_enum, env = "WRONGDOOR_LOG", default_value_t = LogLevel::Info)]
    pub log_level: LogLevel,
}

/// Where live traffic is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SourceKind {
    /// Whichever works
    Auto,
    /// Probes in the kernel and in TLS libraries
    Ebpf,
    /// Packets on interfaces
    Packets,
}

/// Which exchanges are events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EventsOf {
    /// Those answered with 421, and their connections
    Misdirected,
    /// Those, and requests for another host than the connection is for
    Mismatched,
    /// Everything
    All,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// JSON lines
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing
    Off,
    /// What fails
    Error,
    /// And what may become a problem
    Warn,
    /// And what is done
    Info,
    /// And how
    Debug,
    /// Everything
    Trace,
}

/// `90s`, `5m`, `1h`.
fn duration(text: &str) -> Result<Duration, &'static str> {
    let wrong = "not a duration like 90s, 5m or 1h";
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong);
    }
    match number.parse().ok().and_then(|number: u64| number.checked_mul(seconds)) {
        None => Err(wrong),
        Some(0) => Err("no time at all"),
        // Longer than any clock runs, and short enough to be added to one.
        Some(seconds) => Ok(Duration::from_secs(seconds.min(u64::from(u32::MAX)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let seconds = |text| duration(text).map(|length| length.as_secs());
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("1h"), Ok(3600));
        assert_eq!(seconds("18446744073709551615s"), Ok(u64::from(u32::MAX)));
        for wrong in
            ["", "s", "5", "m5", "+5s", "5 s", "1.5h", "5d", "5µ", "18446744073709551615h", "0s"]
        {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
