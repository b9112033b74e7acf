//! The compiler for the kernel's machine: found, or installed after saying what and why.

#[path = "../../agent/build/toolchain.rs"]
mod found;

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use wrongdoor_tests::live::kernel;
use wrongdoor_tests::tools;

use self::found::LINKER;
pub(crate) use self::found::Toolchain;
use crate::{cargo, packages};

/// The linker's version, and the feature that says which LLVM it is linked with.
const VERSION: [&str; 2] = ["0.13.0", "llvm-22"];
/// Tells where that LLVM is.
const LLVM_CONFIG: &str = "llvm-config-22";
/// Debian's compiler with the sources of its `core`, and what the linker is built from. The compiler's LLVM and the
/// linker's are of the same version: bitcode that is newer than the linker cannot be read.
const DEBIAN: [(&str, &str); 7] = [
    ("rustc-web", "a compiler that knows the kernel's machine"),
    ("rust-web-src", "the sources of its `core`, of which there is no ready-made one"),
    ("llvm-22-dev", "what the linker is made of"),
    ("libpolly-22-dev", "LLVM asks for it"),
    ("zlib1g-dev", "LLVM asks for it"),
    ("libzstd-dev", "LLVM asks for it"),
    ("libxml2-dev", "LLVM asks for it"),
];

/// Sees to it that there is one. Returns whether something was installed.
pub(crate) fn ensure() -> Result<bool> {
    let Err(missing) = Toolchain::find() else { return Ok(false) };
    println!("the kernel side needs a BPF toolchain, and {missing} is missing");
    if is_in_debian()? {
        from_debian()?;
    } else if tools::find("rustup").is_some() {
        from_rustup()?;
    } else {
        bail!(
            "neither Debian's rustc-web nor rustup is there: install rustup (https://rustup.rs) and bpf-linker \
             (https://github.com/aya-rs/bpf-linker/releases), and run this again"
        );
    }
    let toolchain = Toolchain::find()
        .map_err(|missing| anyhow::anyhow!("{missing} is still missing after all was installed"))?;
    println!("{} compiles, {} links", toolchain.compiler.display(), toolchain.linker.display());
    Ok(true)
}

/// The same, unless the machine is excused from proving anything about kernels, or the object comes from elsewhere.
pub(crate) fn ensure_unless_excused() -> Result<()> {
    if !kernel::is_excused() && env::var_os("WRONGDOOR_EBPF_OBJECT").is_none() {
        ensure()?;
    }
    Ok(())
}

/// Requires that a built program has the probes in it.
pub(crate) fn require_probes(wrongdoor: &Path) -> Result<()> {
    let version = tools::output(Command::new(wrongdoor).arg("--version"))?;
    let version = String::from_utf8_lossy(&version).into_owned();
    ensure!(version.contains("with eBPF probes"), "the build has no probes: {}", version.trim());
    Ok(())
}

/// Format and lints of the kernel side. Its lints need no BPF toolchain: the code is checked for this machine.
pub(crate) fn check() -> Result<()> {
    let ebpf = cargo::root().join("ebpf");
    cargo::run_to_end(cargo::command().current_dir(&ebpf).args(["fmt", "--check"]))?;
    let mut clippy = cargo::command();
    clippy.current_dir(&ebpf).args(["clippy", "--release", "--locked", "--target-dir"]);
    clippy.arg(cargo::target()?.join("ebpf-clippy")).args(["--", "-D", "warnings"]);
    clippy.env("RUSTC_BOOTSTRAP", "1");
    let machine = format!("--cfg=bpf_target_arch=\"{}\"", env::consts::ARCH);
    cargo::run_to_end(clippy.env("CARGO_ENCODED_RUSTFLAGS", machine))
}

/// Whether this machine's Debian has the packages. Ubuntu, and older releases, have not.
fn is_in_debian() -> Result<bool> {
    if tools::find("apt-get").is_none() {
        return Ok(false);
    }
    let is_known = || -> Result<bool> {
        let mut show = tools::command("apt-cache")?;
        Ok(show.arg("show").args(DEBIAN.map(|(package, _)| package)).output()?.status.success())
    };
    if is_known()? {
        return Ok(true);
    }
    // A machine that never asked knows none.
    packages::install(&[])?;
    is_known()
}

fn from_debian() -> Result<()> {
    println!("this Debian has a compiler and an LLVM that fit each other; will install");
    for (package, why) in DEBIAN {
        println!("  {package}: {why}");
    }
    packages::install(&DEBIAN.map(|(package, _)| package))?;
    linker()
}

fn from_rustup() -> Result<()> {
    println!("this machine's packages have none; will have rustup install a nightly with rust-src");
    let rustup =
        ["toolchain", "install", "nightly", "--profile", "minimal", "--component", "rust-src"];
    cargo::run_to_end(Command::new("rustup").args(rustup))?;
    if Toolchain::find().is_ok() {
        return Ok(());
    }
    ensure!(
        tools::find(LLVM_CONFIG).is_some(),
        "{LINKER} is missing, and there is no LLVM to build it with: install it from \
         https://github.com/aya-rs/bpf-linker/releases, or with `cargo binstall {LINKER}`, and run this again"
    );
    linker()
}

/// Builds the linker from source, with this machine's LLVM.
fn linker() -> Result<()> {
    if Toolchain::find().is_ok() {
        return Ok(());
    }
    let prefix = tools::output(tools::command(LLVM_CONFIG)?.arg("--prefix"))?;
    let prefix = String::from_utf8(prefix).context("a folder that is no text")?;
    let [version, feature] = VERSION;
    println!("will build {LINKER} {version} from source; about a minute");
    let mut install = cargo::command();
    install.env("LLVM_PREFIX", prefix.trim());
    install.args(["install", LINKER, "--locked", "--version", version]);
    cargo::run_to_end(install.args(["--no-default-features", "--features", feature]))
}
