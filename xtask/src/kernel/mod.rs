//! The agent on another kernel: in an emulated machine, with a server and requests, from boot to what was seen of
//! them.

mod console;
mod initramfs;
mod package;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wrongdoor_tests::tools::{self, Need};

use crate::{cargo, packages};
use console::Console;

/// How long the machine may take: some ten times what it takes where nothing else runs.
const TIMEOUT: Duration = Duration::from_secs(900);

/// The oldest that Debian's stable releases of today have, and older than the tracepoints of sockets.
const OLDEST: &str = "6.1";

/// Boots one of Debian's kernels in an emulated machine, and holds what the agent tells there against what was
/// asked and answered.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Which: the beginning of its version.
    #[arg(long, value_name = "X.Y", default_value = OLDEST)]
    version: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { version: OLDEST.to_owned() }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    anyhow::ensure!(cfg!(target_arch = "x86_64"), "only x86-64's machine is emulated");
    packages::ensure(Need::Kernel)?;
    let program = cargo::build(false)?;
    let folder = cargo::target()?.join("kernel");
    fs::create_dir_all(&folder)?;
    let kernel = package::kernel(&folder, &options.version)?;
    let initramfs = initramfs::pack(&folder, &program)?;
    let log = folder.join(format!("console-{}.log", options.version));
    println!("booting {}; the console is in {}", kernel.display(), log.display());
    let begun = Instant::now();
    let ended = boot(&kernel, &initramfs, &log);
    let console = Console::read(&log)?;
    let checked = ended.and_then(|()| console.check());
    let told = checked.with_context(|| format!("the console ends with:\n{}", console.tail()))?;
    println!("{told}\nin {} s", begun.elapsed().as_secs());
    Ok(())
}

/// Boots, and waits until the machine is off.
fn boot(kernel: &Path, initramfs: &Path, log: &Path) -> Result<()> {
    let mut command = tools::command("qemu-system-x86_64")?;
    // Emulated on purpose: that works everywhere, and takes a minute.
    command.args(["-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "2048"]);
    command.args([
        "-nodefaults",
        "-nographic",
        "-monitor",
        "none",
        "-serial",
        "stdio",
        "-no-reboot",
    ]);
    command.args(["-append", "console=ttyS0 panic=-1 quiet"]);
    command.arg("-kernel").arg(kernel).arg("-initrd").arg(initramfs);
    let log = File::create(log)?;
    command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
    let mut machine = command.spawn().context("cannot run qemu-system-x86_64")?;
    let ended = wait(&mut machine);
    if ended.is_err() {
        // It is over already, or ends by this.
        let _killed = machine.kill();
        let _status = machine.wait();
    }
    ended
}

fn wait(machine: &mut Child) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < TIMEOUT {
        if let Some(status) = machine.try_wait()? {
            anyhow::ensure!(status.success(), "the machine ended with {status}");
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("the machine is not off after {} s", TIMEOUT.as_secs())
}
