//! Builds the kernel side, where there is a toolchain for it, and embeds it.
//!
//! Without one an empty stand-in is embedded: everything but the probes works, and the program says so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A compiler for the kernel's machine, with the sources of its `core`.
struct Toolchain {
    linker: PathBuf,
    /// The compiler, or the default one of a rustup toolchain.
    rustc: PathBuf,
}

fn main() {
    println!("cargo::rerun-if-env-changed=WRONGDOOR_EBPF_OBJECT");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ebpf = root.join("ebpf");
    for watched in ["src", "Cargo.toml", "Cargo.lock", "common/src", "common/Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", ebpf.join(watched).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("probes.o");
    let object = match env::var_os("WRONGDOOR_EBPF_OBJECT") {
        Some(none) if none == "none" => None,
        Some(given) => {
            println!("cargo::rerun-if-changed={}", Path::new(&given).display());
            Some(PathBuf::from(given))
        }
        None => toolchain().map(|toolchain| build(&ebpf, &toolchain)),
    };
    let bytes = match object {
        Some(object) => fs::read(&object)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", object.display())),
        None => {
            println!(
                "cargo::warning=no BPF toolchain: built without eBPF probes (cargo xtask setup installs one)"
            );
            Vec::new()
        }
    };
    fs::write(&out, bytes).expect("the output folder is cargo's");
}

/// The first that is there: Debian's compiler with its sources, or a rustup nightly with `rust-src`.
fn toolchain() -> Option<Toolchain> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let path = env::var_os("PATH").unwrap_or_default();
    let linker = env::split_paths(&path)
        .chain(home.map(|home| home.join("bin")))
        .map(|folder| folder.join("bpf-linker"))
        .find(|file| file.is_file())?;
    let debian = Path::new("/usr/bin/rustc");
    if debian.is_file() && Path::new("/usr/lib/rustlib/src/rust/library/core").is_dir() {
        return Some(Toolchain { linker, rustc: debian.to_owned() });
    }
    let nightly =
        Command::new("rustup").args(["which", "--toolchain", "nightly", "rustc"]).output();
    let nightly = nightly.ok().filter(|output| output.status.success())?;
    let rustc = PathBuf::from(String::from_utf8(nightly.stdout).ok()?.trim());
    let sources = rustc.parent()?.parent()?.join("lib/rustlib/src/rust/library/core");
    sources.is_dir().then_some(Toolchain { linker, rustc })
}

fn build(ebpf: &Path, toolchain: &Toolchain) -> PathBuf {
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
    // One folder for all profiles: the kernel side is the same in each.
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let target = out.ancestors().nth(4).expect("OUT_DIR is deep in the target folder").join("ebpf");
    let flags = [
        "-Clinker-plugin-lto".to_owned(),
        format!("--cfg=bpf_target_arch=\"{architecture}\""),
        "-Cdebuginfo=2".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        format!("-Clinker={}", toolchain.linker.display()),
    ];
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo.current_dir(ebpf).args(["build", "--release", "--locked", "-Zbuild-std=core"]);
    cargo.args(["--target", "bpfel-unknown-none", "--target-dir"]).arg(&target);
    // What the agent's own build is told is not for this one.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_") && name != "CARGO_HOME" || name.starts_with("RUSTC") {
            cargo.env_remove(&*name);
        }
    }
    cargo.env("RUSTC", &toolchain.rustc).env("RUSTC_BOOTSTRAP", "1");
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    let output = cargo.output().unwrap_or_else(|error| panic!("cannot run cargo: {error}"));
    assert!(
        output.status.success(),
        "the kernel side does not build; WRONGDOOR_EBPF_OBJECT=none builds without it:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target.join("bpfel-unknown-none/release/wrongdoor")
}
