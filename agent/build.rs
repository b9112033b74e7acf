//! Builds the kernel side, where there is a toolchain for it, and embeds it.
//!
//! Without one an empty stand-in is embedded: everything but the probes works, and the program says so.

#[path = "../ebpf/toolchain.rs"]
mod toolchain;

use std::path::{Path, PathBuf};
use std::{env, fs};

use toolchain::Toolchain;

fn main() {
    println!("cargo::rerun-if-env-changed=WRONGDOOR_EBPF_OBJECT");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ebpf = root.join("ebpf");
    for watched in
        ["src", "Cargo.toml", "Cargo.lock", "toolchain.rs", "common/src", "common/Cargo.toml"]
    {
        println!("cargo::rerun-if-changed={}", ebpf.join(watched).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("probes.o");
    let object = match env::var_os("WRONGDOOR_EBPF_OBJECT") {
        Some(none) if none == "none" => None,
        Some(given) => {
            println!("cargo::rerun-if-changed={}", Path::new(&given).display());
            Some(PathBuf::from(given))
        }
        None => Toolchain::find().map(|toolchain| build(&ebpf, &toolchain)),
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

fn build(ebpf: &Path, toolchain: &Toolchain) -> PathBuf {
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
    // One folder for all profiles: the kernel side is the same in each.
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let target = out.ancestors().nth(4).expect("OUT_DIR is deep in the target folder").join("ebpf");
    let cargo = env::var_os("CARGO").expect("cargo sets it");
    let built = toolchain.build(&cargo, ebpf, &target, &architecture).unwrap_or_else(|said| {
        panic!("the kernel side does not build; WRONGDOOR_EBPF_OBJECT=none builds without it:\n{said}")
    });
    built.join("wrongdoor")
}
