//! The page of the configuration file: the commented example, which has every option with its default.

use std::fs;
use std::path::Path;

use anyhow::Result;

/// The example, which a test of the agent compares with the defaults.
const EXAMPLE: &str = "deploy/wrongdoor.yaml";

pub(super) fn page(root: &Path) -> Result<String> {
    let example = fs::read_to_string(root.join(EXAMPLE))?;
    Ok(format!(
        "# Configuration file\n\n`wrongdoor run --config FILE` reads options from a YAML file. This is `{EXAMPLE}`: every \
         option with its default. The command line overrides `WRONGDOOR_*` variables, and these override the file. \
         `wrongdoor run --print-config` prints the effective configuration. SIGHUP reads the file again; options \
         with the mark *(reload)* change then, the others change with the next start.\n\n```yaml\n{example}```\n"
    ))
}
