//! Where a compiler for the kernel's machine is. The build script and `cargo xtask` both have this file, so that
//! the one finds what the other installs.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The linker's name.
pub(crate) const LINKER: &str = "bpf-linker";
/// Where Debian's `rustc-web` puts the compiler, and `rust-web-src` the sources of its `core`.
const DEBIAN: (&str, &str) = ("/usr/bin/rustc", "/usr/lib/rustlib/src/rust/library/core");
/// The same sources in a toolchain of rustup's, which `rust-src` brings.
const SOURCES: &str = "lib/rustlib/src/rust/library/core";

/// A compiler for the kernel's machine, with the sources of its `core`: there is no ready-made one.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    pub(crate) compiler: PathBuf,
    pub(crate) linker: PathBuf,
}

impl Toolchain {
    /// The one that is used, or what is missing of one.
    pub(crate) fn find() -> Result<Self, &'static str> {
        let linker = linker().ok_or("bpf-linker")?;
        let compiler = compiler().ok_or("a compiler with the sources of its core")?;
        Ok(Self { compiler, linker })
    }

    /// Builds the package in `folder` for the kernel of an `architecture`, and returns where its programs are.
    /// The error is what was said.
    pub(crate) fn build(
        &self,
        cargo: &OsStr,
        folder: &Path,
        target: &Path,
        architecture: &str,
    ) -> Result<PathBuf, String> {
        let flags = [
            "-Clinker-plugin-lto".to_owned(),
            format!("--cfg=bpf_target_arch=\"{architecture}\""),
            "-Cdebuginfo=2".to_owned(),
            "-Clink-arg=--btf".to_owned(),
            format!("-Clinker={}", self.linker.display()),
        ];
        let mut command = Command::new(cargo);
        command.current_dir(folder).args(["build", "--release", "--locked", "-Zbuild-std=core"]);
        command.args(["--target", "bpfel-unknown-none", "--target-dir"]).arg(target);
        // What the build around it is told is not for this one.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_") && name != "CARGO_HOME" || name.starts_with("RUSTC") {
                command.env_remove(&*name);
            }
        }
        command.env("RUSTC", &self.compiler).env("RUSTC_BOOTSTRAP", "1");
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        let output = command.output().map_err(|error| format!("cannot run cargo: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(target.join("bpfel-unknown-none/release"))
    }
}

/// Where `cargo install` puts programs.
pub(crate) fn installed() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    Some(home.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cargo")))?.join("bin"))
}

/// The linker, which `cargo install` need not have put into anybody's path.
fn linker() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(installed());
    folders.find_map(|folder| Some(folder.join(LINKER)).filter(|file| file.is_file()))
}

/// Debian's, or a nightly of rustup's.
fn compiler() -> Option<PathBuf> {
    let (debian, sources) = DEBIAN;
    if Path::new(debian).is_file() && Path::new(sources).is_dir() {
        return Some(PathBuf::from(debian));
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["which", "--toolchain", "nightly", "rustc"]);
    let nightly = rustup.output().ok().filter(|output| output.status.success())?.stdout;
    let compiler = PathBuf::from(OsStr::new(std::str::from_utf8(&nightly).ok()?.trim()));
    let has_sources = compiler.parent()?.parent()?.join(SOURCES).is_dir();
    has_sources.then_some(compiler)
}
