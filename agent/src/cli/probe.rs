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
    /// Where to connect, whatever the names resolve to: an address, or a host of which all addresses
    /// are probed; can be repeated
    #[arg(long, value_name = "ADDR:PORT", required = true, num_args = 1..)]
    pub connect: Vec<ProbeEndpoint>,
    /// What to ask for: a name, @FILE with a name a line (# for comments), or `-` for standard input;
    /// can be repeated
    #[arg(long, value_name = "NAME", required = true, num_args = 1..)]
    pub authority: Vec<String>,
    /// Ask for every name on connections with this SNI, too, as a proxy does; can be repeated
    #[arg(long, value_name = "NAME")]
    pub sni: Vec<String>,
    /// Trust the certificates in this file (PEM) instead of those that the system trusts
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca: Option<PathBuf>,
    /// Ask whoever answers: verify no certificates
    #[arg(long)]
    pub insecure: bool,
    /// What to speak; can be repeated [default: both]
    #[arg(long, value_enum, value_name = "PROTOCOL", value_delimiter = ',')]
    pub protocol: Vec<Protocol>,
    /// Which connections to ask on; reuse needs own; can be repeated [default: all]
    #[arg(long, value_enum, value_name = "TEST", value_delimiter = ',')]
    pub test: Vec<Test>,
    /// How to ask
    #[arg(long, value_enum, value_name = "METHOD", default_value_t = ProbeMethod::Head)]
    pub method: ProbeMethod,
    /// The path to ask for
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub path: String,
    /// How long each step may take: to connect, to shake hands, to answer
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    pub timeout: Length,
    /// How many connections at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// How many connections to open in a second (20/s) or a minute (600/m), at most
    #[arg(long, value_name = "N/s")]
    pub rate: Option<Rate>,
    /// A table for people, or JSON lines for programs
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write there instead of to standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit with 1 if there is a hazard, if addresses disagree (parity), or if anything is answered with 421;
    /// can be repeated
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<ProbeFailOn>,
}
