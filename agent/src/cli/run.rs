//! `wrongdoor run`, as typed.

use super::OtlpArguments;
use crate::config::{
    Config, EventsOf, FileMode, Length, LogFormat, LogLevel, PodSource, SourceKind,
};
use clap::Args;
use clap::builder::BoolishValueParser;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `wrongdoor run`
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Every option has a default and can be set in the configuration file (--config). The command line overrides
WRONGDOOR_* variables, and these override the file. SIGHUP reads the file again.

Exit status:
   0  done: after --for, SIGTERM or SIGINT
  64  bad usage or bad configuration
  66  the configuration file cannot be opened
  69  the source, an interface or the listen address is not available
  74  the events cannot be written at the start or at the end
  77  a privilege is missing

Examples:
  wrongdoor run
  wrongdoor run --events - --for 5m | jq 'select(.type == \"exchange\" and .status == 421)'
  wrongdoor run --source packets --interface eth0 --cleartext-port 8000 --keylog keys.log
  wrongdoor run --include command='nginx*' --exclude cgroup='/kubepods*'
  wrongdoor run --config /etc/wrongdoor.yaml --print-config")]
pub struct Run {
    /// Read options from this YAML file
    #[arg(long, value_name = "FILE", env = "WRONGDOOR_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print the effective configuration as YAML and exit
    #[arg(long)]
    pub print_config: bool,
    /// How to capture: in TLS libraries by eBPF probes (ebpf), on interfaces (packets), or by whichever works
    /// [default: auto]
    #[arg(long, value_enum, env = "WRONGDOOR_SOURCE")]
    pub source: Option<SourceKind>,
    /// Capture packets on this interface only; can be repeated
    #[arg(long, value_name = "NAME", env = "WRONGDOOR_INTERFACE", value_delimiter = ',')]
    pub interface: Vec<String>,
    /// Capture packets in this network namespace: /run/netns/…, /proc/…/ns/net
    #[arg(long, value_name = "PATH", env = "WRONGDOOR_NETNS")]
    pub netns: Option<PathBuf>,
    /// Capture cleartext HTTP on this port, also if probes are used; can be repeated [default with packets: 80, 8080]
    #[arg(
        long,
        value_name = "PORT",
        env = "WRONGDOOR_CLEARTEXT_PORT",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub cleartext_port: Vec<u16>,
    /// Decrypt packets with this key log, which is followed as it grows, and waited for if it does not exist; can be repeated
    #[arg(long, value_name = "FILE", env = "WRONGDOOR_KEYLOG", value_delimiter = ',')]
    pub keylog: Vec<PathBuf>,
    /// The size of all buffers for packets together, in bytes
    #[arg(long, hide = true, value_name = "BYTES", default_value_t = crate::config::PACKET_RING_BYTES)]
    pub packet_ring_bytes: u32,
    /// Serve /metrics, /healthz, /readyz and /debug on this address [default: 127.0.0.1:9421]
    #[arg(long, value_name = "ADDR:PORT", env = "WRONGDOOR_LISTEN", value_parser = listen_address)]
    pub listen: Option<SocketAddr>,
    /// Serve over TLS with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", env = "WRONGDOOR_TLS_CERTIFICATE")]
    pub tls_certificate: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", env = "WRONGDOOR_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Require the bearer token in this file for /metrics and /debug
    #[arg(long, value_name = "FILE", env = "WRONGDOOR_BEARER_TOKEN")]
    pub bearer_token: Option<PathBuf>,
    /// Allow a listen address other than loopback without TLS and a bearer token
    #[arg(
        long,
        env = "WRONGDOOR_ALLOW_PLAIN",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    pub allow_plain: Option<bool>,
    /// Write events as JSON lines to this file; `-` is standard output
    #[arg(long, value_name = "FILE|-", env = "WRONGDOOR_EVENTS")]
    pub events: Option<PathBuf>,
    /// Permissions of event files, as for chmod: 0640 lets a group read them [default: 0600]
    #[arg(long, value_name = "MODE", env = "WRONGDOOR_EVENTS_MODE")]
    pub events_mode: Option<FileMode>,
    /// Which exchanges are events [default: mismatched]
    #[arg(long, value_enum, value_name = "WHAT", env = "WRONGDOOR_EVENTS_OF")]
    pub events_of: Option<EventsOf>,
    /// Traces.
    #[command(flatten)]
    pub otlp: OtlpArguments,
    /// Ask the API server for pods: if the agent runs in a pod (auto), always, or never [default: auto]
    #[arg(long, value_enum, value_name = "WHEN", env = "WRONGDOOR_KUBERNETES")]
    pub kubernetes: Option<PodSource>,
    /// Stop this long after the agent is ready: 90s, 5m, 1h
    #[arg(long = "for", value_name = "DURATION", env = "WRONGDOOR_FOR")]
    pub length: Option<Length>,
    /// Trace only matching processes: command=…, cgroup=… or namespace=…, with * as wildcard; can be repeated
    #[arg(long, value_name = "KIND=PATTERN", env = "WRONGDOOR_INCLUDE", value_delimiter = ',')]
    pub include: Vec<String>,
    /// Do not trace matching processes; can be repeated
    #[arg(long, value_name = "KIND=PATTERN", env = "WRONGDOOR_EXCLUDE", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// The size of the buffer between kernel and agent, in bytes: a power of two
    #[arg(long, hide = true, value_name = "BYTES", default_value_t = crate::config::RING_BYTES)]
    pub ring_bytes: u32,
    /// How long a library keeps its uprobes after its last process has ended; for tests
    #[arg(long, hide = true, value_name = "DURATION")]
    pub detach_delay: Option<Length>,
    /// Attach uprobes by perf events, as before Linux 6.6; for tests and benchmarks
    #[arg(long, hide = true)]
    pub only_perf_events: bool,
    /// Copy all records of the kernel to this file; for tests
    #[arg(long, hide = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Format of the log on standard error: for people (text) or programs (json) [default: text]
    #[arg(long, value_enum, env = "WRONGDOOR_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Log level [default: info]
    #[arg(long, value_enum, env = "WRONGDOOR_LOG")]
    pub log_level: Option<LogLevel>,
}

fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_no_address| "an address and a port are needed, such as 127.0.0.1:9421")
}

impl Run {
    /// Applies the command line on top of the file.
    pub(crate) fn put_on(&self, config: &mut Config) {
        put(&mut config.source, self.source);
        put(&mut config.listen, self.listen);
        put_some(&mut config.http.tls_certificate, &self.tls_certificate);
        put_some(&mut config.http.tls_key, &self.tls_key);
        put_some(&mut config.http.bearer_token, &self.bearer_token);
        put(&mut config.http.allow_plain, self.allow_plain);
        put_some(&mut config.events.path, &self.events);
        put(&mut config.events.mode, self.events_mode);
        put(&mut config.events.of, self.events_of);
        put_some(&mut config.otlp.typed.endpoint, &self.otlp.otlp_endpoint);
        put_some(&mut config.otlp.typed.protocol, &self.otlp.otlp_protocol);
        // So that what holds is printed.
        put_some(&mut config.otlp.endpoint, &self.otlp.otlp_endpoint);
        put_some(&mut config.otlp.protocol, &self.otlp.otlp_protocol);
        put(&mut config.otlp.of, self.otlp.otlp_of);
        put(&mut config.kubernetes.pods, self.kubernetes);
        put_some(&mut config.length, &self.length);
        put_all(&mut config.packets.interfaces, &self.interface);
        put_some(&mut config.packets.netns, &self.netns);
        put_all(&mut config.packets.cleartext_ports, &self.cleartext_port);
        put_all(&mut config.packets.keylogs, &self.keylog);
        put_all(&mut config.scope.include, &self.include);
        put_all(&mut config.scope.exclude, &self.exclude);
        put(&mut config.log.format, self.log_format);
        put(&mut config.log.level, self.log_level);
    }
}

fn put<T>(option: &mut T, typed: Option<T>) {
    if let Some(typed) = typed {
        *option = typed;
    }
}

fn put_some<T: Clone>(option: &mut Option<T>, typed: &Option<T>) {
    if typed.is_some() {
        option.clone_from(typed);
    }
}

fn put_all<T: Clone>(option: &mut Vec<T>, typed: &[T]) {
    if !typed.is_empty() {
        option.clear();
        option.extend_from_slice(typed);
    }
}
