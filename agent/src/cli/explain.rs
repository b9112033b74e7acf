//! `wrongdoor explain`, as typed.

use super::Format;
use clap::Args;

/// `wrongdoor explain`
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status:
   0  done
  64  nothing has this name

Examples:
  wrongdoor explain
  wrongdoor explain proxy_omits_sni
  wrongdoor explain --format json | jq -r '.causes[].id'")]
pub struct Explain {
    /// The name of a finding, a verdict, a cause or a recovery, as in the output of `run` and `analyze`; all by default
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Text for people (table), or one JSON object for programs
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}
