//! `wrongdoor probe`, as typed.

use super::Format;
use crate::config::Length;
use crate::probe::{ProbeEndpoint, ProbeFailOn, ProbeMethod, Protocol, Rate, Test};
use clap::Args;
use std::path::PathBuf;

/// `wrongdoor probe`
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
It sends requests to the addresses that are given, and to nothing else. Each name is asked for on
a connection of its own (SNI = authority), on connections opened for each of the others, first and
after a request for that name, and on one without SNI.

A pair is a hazard where the certificate lets a browser send both names over one HTTP/2 connection,
and the server answers the second with 421, an error, or another page than on a connection of its
own.

Exit status:
   0  done
   1  --fail-on matched
  64  bad usage
  66  a list of names or authorities to trust cannot be read
  69  no address could be reached, or looked up
  74  the output cannot be written

Examples:
  wrongdoor probe --connect 192.0.2.1:443 --authority www.example.com --authority api.example.com
  wrongdoor probe --connect 192.0.2.1:443 --connect 192.0.2.2:443 \\
    --authority @names --fail-on parity
  wrongdoor probe --connect origin:8443 --ca ca.pem --authority @names --sni upstream.internal
  wrongdoor probe --connect [2001:db8::1]:443 --authority - --format json < names | \\
    jq 'select(.type == \"hazard\")'")]
pub struct Probe {
    /// Connect to this address, whatever the names resolve to; all addresses of a host are probed; can be repeated
    #[arg(long, value_name = "ADDR:PORT", required = true, num_args = 1..)]
    pub connect: Vec<ProbeEndpoint>,
    /// Request this name; @FILE reads names from a file, one per line (# begins a comment), `-` from standard input;
    /// can be repeated
    #[arg(long, value_name = "NAME", required = true, num_args = 1..)]
    pub authority: Vec<String>,
    /// Also request every name on connections with this SNI, as a proxy does; can be repeated
    #[arg(long, value_name = "NAME")]
    pub sni: Vec<String>,
    /// Trust the certificates in this file (PEM) instead of the system's
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca: Option<PathBuf>,
    /// Skip certificate verification
    #[arg(long)]
    pub insecure: bool,
    /// The protocol to use; can be repeated [default: both]
    #[arg(long, value_enum, value_name = "PROTOCOL", value_delimiter = ',')]
    pub protocol: Vec<Protocol>,
    /// The tests to run; reuse needs own; can be repeated [default: all]
    #[arg(long, value_enum, value_name = "TEST", value_delimiter = ',')]
    pub test: Vec<Test>,
    /// The request method
    #[arg(long, value_enum, value_name = "METHOD", default_value_t = ProbeMethod::Head)]
    pub method: ProbeMethod,
    /// The path to request
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub path: String,
    /// Timeout of each step: connect, TLS handshake, response
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    pub timeout: Length,
    /// The number of concurrent connections
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// The most connections to open per second (20/s) or per minute (600/m)
    #[arg(long, value_name = "N/s")]
    pub rate: Option<Rate>,
    /// A table for people or JSON lines for programs
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit with 1 if there is a coalescing hazard, if addresses disagree (parity), or if any response is 421;
    /// can be repeated
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<ProbeFailOn>,
}
