//! The committed captures and what is expected of them.

use std::path::Path;
use std::{env, fs};

use anyhow::{Result, bail};
use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::scenario::{self, Scene, Upstream};
use wrongdoor_tests::tools::Need;

use crate::{cargo, packages};

/// Compares what wrongdoor makes of the committed captures with what is expected.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Takes what it makes of them as what is expected.
    #[arg(long)]
    bless: bool,
    /// Makes the captures of real traffic anew, first.
    #[arg(long)]
    record: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.record {
        packages::ensure(Need::Test)?;
        record(&Golden::folder())?;
    }
    let wrongdoor = match env::var_os("WRONGDOOR_BIN") {
        Some(path) => path.into(),
        None => cargo::build(false)?,
    };
    let mut differing = 0;
    for golden in Golden::all()? {
        if options.bless {
            fs::write(golden.expected(), golden.analyze(&wrongdoor)?)?;
            println!("{}: blessed", golden.name());
        } else if let Some(difference) = golden.difference(&wrongdoor)? {
            println!("{difference}");
            differing += 1;
        } else {
            println!("{}: as expected", golden.name());
        }
    }
    if differing > 0 {
        bail!("{differing} differ; if that is right: cargo xtask fixtures --bless");
    }
    Ok(())
}

fn record(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let keep = |name: &str, scene: Scene| -> Result<()> {
        fs::copy(scene.capture(), folder.join(format!("{name}.pcap")))?;
        fs::copy(scene.keylog(), folder.join(format!("{name}.keys")))?;
        println!("{name}: recorded");
        Ok(())
    };
    keep("apache-two-hosts", scenario::apache_two_hosts()?)?;
    keep("nginx-client-certificates", scenario::client_certificates()?)?;
    keep("no-sni", scenario::no_sni()?)?;
    keep("odd-requests", scenario::odd_requests()?)?;
    keep("coalescing", scenario::coalescing()?)?;
    keep("proxy-without-sni", scenario::proxy_chain(Upstream::NoSni)?)?;
    keep("proxy-pool", scenario::proxy_chain(Upstream::Pool)?)
}
