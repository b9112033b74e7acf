//! Builds the kernel side, where there is a toolchain for it, and embeds it.
//!
//! Without one an empty stand-in is embedded: everything but the probes works, and the program says so.
//! `WRONGDOOR_EBPF_OBJECT` names an object with the probes that is embedded instead, or `none`; the
//! filter of packet sockets is left out then.
#![expect(clippy::expect_used, reason = "a build script can tell nobody but cargo, by panicking")]
#![expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

mod toolchain;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use toolchain::Toolchain;

/// The probes, and the filter of packet sockets.
const PROGRAMS: [&str; 2] = ["wrongdoor", "packets"];

fn main() {
    commit();
    println!("cargo::rerun-if-env-changed=WRONGDOOR_EBPF_OBJECT");
    let ebpf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ebpf");
    let source = ["src", "Cargo.toml", "Cargo.lock", "common/src", "common/Cargo.toml"];
    source.iter().for_each(|part| watch(&ebpf.join(part)));
    watch(Path::new("build"));
    let objects = match env::var_os("WRONGDOOR_EBPF_OBJECT") {
        Some(none) if none == "none" => [None, None],
        Some(given) => [Some(PathBuf::from(given)).inspect(|given| watch(given)), None],
        None => match find().map(|toolchain| build(&ebpf, &toolchain)) {
            Some(built) => PROGRAMS.map(|program| Some(built.join(program))),
            None => [None, None],
        },
    };
    for (name, object) in ["probes.o", "filter.o"].iter().zip(objects) {
        let bytes = match object {
            Some(object) => fs::read(&object)
                .unwrap_or_else(|error| panic!("cannot read {}: {error}", object.display())),
            None => Vec::new(),
        };
        fs::write(out().join(name), bytes).expect("the output folder is cargo's");
    }
}

/// The commit that is built, for `--version`: as `WRONGDOOR_COMMIT` names it, or as git knows it in a release build. A
/// debug build is not built anew for each commit.
fn commit() {
    println!("cargo::rerun-if-env-changed=WRONGDOOR_COMMIT");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = env::var("WRONGDOOR_COMMIT").ok().or_else(|| is_release.then(git_commit)?);
    let commit = commit.filter(|commit| commit.chars().all(|c| c.is_ascii_hexdigit()));
    println!("cargo::rustc-env=WRONGDOOR_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

fn git_commit() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    watch(&root.join(".git/HEAD"));
    watch(&root.join(".git/refs/heads"));
    let output =
        Command::new("git").current_dir(root).args(["rev-parse", "--short=12", "HEAD"]).output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The toolchain; where there is none, its coming makes cargo run this again.
fn find() -> Option<Toolchain> {
    // Installing the linker is the last step of `cargo xtask setup`, and changes this folder.
    if let Some(folder) = toolchain::installed().filter(|folder| folder.is_dir()) {
        watch(&folder);
    }
    match Toolchain::find() {
        Ok(toolchain) => Some(toolchain),
        Err(missing) => {
            println!(
                "cargo::warning=no BPF toolchain: {missing} is missing; this build has no eBPF probes \
                 (cargo xtask setup installs one)"
            );
            None
        }
    }
}

fn build(ebpf: &Path, toolchain: &Toolchain) -> PathBuf {
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
    // One folder for all profiles: the kernel side is the same in each.
    let out = out();
    let target = out.ancestors().nth(4).expect("OUT_DIR is deep in the target folder").join("ebpf");
    let cargo = env::var_os("CARGO").expect("cargo sets it");
    toolchain.build(&cargo, ebpf, &target, &architecture).unwrap_or_else(|said| {
        panic!(
            "the kernel side does not build; WRONGDOOR_EBPF_OBJECT=none builds without it:\n{said}"
        )
    })
}

fn out() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"))
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
