//! How a kernel side is built: for build scripts, and for the benchmark's own. Included by path.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A compiler for the kernel's machine, with the sources of its `core`.
#[derive(Debug)]
pub(crate) struct Toolchain {
    linker: PathBuf,
    /// The compiler, or the default one of a rustup toolchain.
    rustc: PathBuf,
}

impl Toolchain {
    /// The first that is there: Debian's compiler with its sources, or a rustup nightly with `rust-src`.
    pub(crate) fn find() -> Option<Self> {
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
        let path = env::var_os("PATH").unwrap_or_default();
        let linker = env::split_paths(&path)
            .chain(home.map(|home| home.join("bin")))
            .map(|folder| folder.join("bpf-linker"))
            .find(|file| file.is_file())?;
        let debian = Path::new("/usr/bin/rustc");
        if debian.is_file() && Path::new("/usr/lib/rustlib/src/rust/library/core").is_dir() {
            return Some(Self { linker, rustc: debian.to_owned() });
        }
        let nightly = Command::new("rustup").args(["which", "--toolchain", "nightly", "rustc"]).output();
        let nightly = nightly.ok().filter(|output| output.status.success())?;
        let rustc = PathBuf::from(String::from_utf8(nightly.stdout).ok()?.trim());
        let sources = rustc.parent()?.parent()?.join("lib/rustlib/src/rust/library/core");
        sources.is_dir().then_some(Self { linker, rustc })
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
        command.env("RUSTC", &self.rustc).env("RUSTC_BOOTSTRAP", "1");
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        let output = command.output().map_err(|error| format!("cannot run cargo: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(target.join("bpfel-unknown-none/release"))
    }
}
