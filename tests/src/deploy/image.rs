//! The image: what is in it, and building it from a program that is there already.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{licences, repository};
use crate::live::{library, process};
use crate::tools;

/// The certificate authorities that the system trusts, in the image where the agent looks for them.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// Puts all that the image has into `root`: the program, without what only debuggers need, certificate authorities and
/// licences.
pub fn fill(root: &Path, program: &Path) -> Result<()> {
    let libraries = library::needed_by(program)?;
    ensure!(
        libraries.is_empty(),
        "{} is not static, and an image from scratch has no libraries; run: cargo xtask build",
        program.display()
    );
    let authorities = root.join(AUTHORITIES);
    fs::create_dir_all(authorities.parent().context("a file in a folder")?)?;
    fs::copy(Path::new("/").join(AUTHORITIES), authorities)
        .context("no certificate authorities")?;
    let mut strip = tools::command("strip")?;
    strip.args(["--strip-debug", "-o"]).arg(root.join("wrongdoor")).arg(program);
    process::run(&mut strip)?;
    licences::write(&root.join("licenses"))
}

/// An image in a store of its own, in a folder.
#[derive(Debug)]
pub struct Image {
    store: PathBuf,
    /// What it says of itself: entry point, environment, labels.
    pub configuration: Value,
}

const NAME: &str = "localhost/wrongdoor:test";

impl Image {
    /// Builds it in `folder` around `program`, with the project's Dockerfile and nothing from elsewhere.
    pub fn build(folder: &Path, program: &Path) -> Result<Self> {
        let context = folder.join("context");
        fill(&context.join(architecture()), program)?;
        let store = folder.join("images");
        let mut build = buildah(&store)?;
        build.args(["build", "--isolation", "chroot", "--pull-never", "--tag", NAME, "--file"]);
        build.arg(repository().join("deploy/image/Dockerfile"));
        build
            .args(["--build-arg", "FROM=prebuilt", "--build-arg", "VERSION=0.0.0-test"])
            .arg(&context);
        process::run(&mut build)?;
        let inspected = tools::output(buildah(&store)?.args(["inspect", "--type", "image", NAME]))?;
        let inspected: Value = serde_json::from_slice(&inspected)?;
        let configuration = inspected.pointer("/OCIv1/config").context("no configuration")?.clone();
        Ok(Self { store, configuration })
    }

    /// Its file system, in `folder`.
    pub fn unpack(&self, folder: &Path) -> Result<()> {
        let said = tools::output(buildah(&self.store)?.args(["from", "--pull-never", NAME]))?;
        let container = String::from_utf8(said)?.trim().to_owned();
        let said = tools::output(buildah(&self.store)?.args(["mount", &container]))?;
        let mounted = String::from_utf8(said)?.trim().to_owned();
        process::run(tools::command("cp")?.args(["--archive", &mounted]).arg(folder))?;
        process::run(buildah(&self.store)?.args(["umount", &container]))?;
        Ok(())
    }

    /// What is run.
    pub fn entry_point(&self) -> Result<Vec<String>> {
        let words = self.configuration.get("Entrypoint").and_then(Value::as_array);
        let words = words.context("no entry point")?;
        Ok(words.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

/// As images call it.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Without a daemon and without overlays: what a test machine has.
fn buildah(store: &Path) -> Result<Command> {
    let mut command = tools::command("buildah")?;
    command.arg("--root").arg(store).arg("--runroot").arg(store.with_extension("run"));
    command.args(["--storage-driver", "vfs"]);
    Ok(command)
}
