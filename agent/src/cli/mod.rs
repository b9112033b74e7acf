//! What was typed.

mod explain;
mod otlp;
mod probe;
mod run;

pub use explain::Explain;
pub use otlp::OtlpArguments;
pub use probe::Probe;
pub use run::Run;

use crate::{build_info, exit_status};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

/// Explains HTTP 421 Misdirected Request: which request was sent on the wrong connection, and why
#[derive(Debug, Parser)]
#[command(version, long_version = long_version(), max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read packet captures and report requests that do not belong on their connection
    Analyze(Analyze),
    /// Watch the traffic of this node: export metrics, write events, send traces
    Run(Box<Run>),
    /// Send test requests: which server serves which name, and which names must not share a connection
    Probe(Box<Probe>),
    /// Check what this node supports and what is missing
    Doctor(Doctor),
    /// Say what a verdict, a cause or a recovery means, and what to change
    Explain(Explain),
    /// List the metrics that `run` exports, with their labels
    Metrics(Metrics),
    /// Print the JSON Schema of the JSON lines
    Schema,
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page
    Man,
}

/// `wrongdoor metrics`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wrongdoor metrics
  wrongdoor metrics --format json | jq -r '.[] | select(.type == \"counter\").name'")]
pub struct Metrics {
    /// A list for people (table) or JSON for programs
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `wrongdoor completions`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wrongdoor completions bash > /usr/share/bash-completion/completions/wrongdoor
  wrongdoor completions zsh > /usr/share/zsh/site-functions/_wrongdoor
  wrongdoor completions fish > /usr/share/fish/vendor_completions.d/wrongdoor.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `wrongdoor analyze`
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status:
   0  done
   1  --fail-on matched
  64  bad usage
  65  an input is not a capture file, or is damaged before its first packet
  66  an input cannot be opened
  74  the output cannot be written

Examples:
  wrongdoor analyze capture.pcapng
  wrongdoor analyze --keylog keys.log --format json capture.pcap.gz | jq 'select(.status == 421)'
  wrongdoor analyze --keylog keys.log --report incident.html capture.pcapng
  wrongdoor analyze --keylog keys.log --fail-on mismatched,unreadable capture.pcapng
  tcpdump -i eth0 -w - port 443 | wrongdoor analyze --keylog keys.log -")]
pub struct Analyze {
    /// Capture files, read in this order as one capture: pcap or pcapng, uncompressed or with gzip or zstd; `-` is
    /// standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Decrypt TLS with this key log (SSLKEYLOGFILE); can be repeated
    #[arg(long, value_name = "FILE")]
    pub keylog: Vec<PathBuf>,
    /// A table for people or JSON lines for programs
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Also write an HTML report, to open in a browser or attach to an incident
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Exit with 1 if there is a 421 (misdirected), a 421 or a mismatch of SNI and authority (mismatched), or anything
    /// that could not be read (unreadable); can be repeated
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,
}

/// `wrongdoor doctor`
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status:
   0  live capture works, at least in part
  69  it does not: the kernel or this build lacks something
  74  the output cannot be written
  77  it needs more privileges

Examples:
  sudo wrongdoor doctor
  kubectl exec --namespace wrongdoor \"$(kubectl get pod --namespace wrongdoor --output name \\
    --selector app.kubernetes.io/name=wrongdoor --field-selector spec.nodeName=NODE)\" -- /wrongdoor doctor")]
pub struct Doctor {
    /// A table for people or one JSON object for programs
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table
    Table,
    /// JSON lines
    Json,
}

/// What makes a pipeline fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A response with status 421
    Misdirected,
    /// The same, or a request for another host than the connection is for
    Mismatched,
    /// A connection, an exchange or a packet that could not be read
    Unreadable,
}

/// Tells apart what was built with the probes and what without.
fn long_version() -> &'static str {
    if build_info::has_probes() {
        concat!(
            env!("CARGO_PKG_VERSION"),
            " (commit ",
            env!("WRONGDOOR_COMMIT"),
            ", with eBPF probes)"
        )
    } else {
        concat!(
            env!("CARGO_PKG_VERSION"),
            " (commit ",
            env!("WRONGDOOR_COMMIT"),
            ", without eBPF probes: built with no BPF toolchain)"
        )
    }
}

/// A command line that is not a command; or one that only asked for help or the version.
#[derive(Debug)]
pub struct Usage(clap::Error);

impl Cli {
    /// Reads the process's command line.
    pub fn from_command_line() -> Result<Self, Usage> {
        Self::try_parse().map_err(Usage)
    }
}

impl Usage {
    /// Says what is wrong, or what was asked for. Bad usage is 64; help is not bad.
    pub fn print_and_exit_code(&self) -> ExitCode {
        let printed = self.0.print();
        match (self.0.use_stderr(), printed) {
            (true, _) => ExitCode::from(exit_status::USAGE),
            (false, Ok(())) => ExitCode::SUCCESS,
            (false, Err(_)) => ExitCode::from(exit_status::OUTPUT),
        }
    }
}
