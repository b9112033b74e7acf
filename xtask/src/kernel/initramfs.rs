//! What the machine starts with: everything it needs is in memory.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::certs::Authority;
use wrongdoor_tests::tools;

const INIT: &str = include_str!("init.sh");
const NGINX: &str = include_str!("nginx.conf");

/// Packs the program, a server and a client with all that they load.
pub(super) fn pack(folder: &Path, program: &Path) -> Result<PathBuf> {
    let root = folder.join("root");
    // There is none the first time.
    let _none_there = fs::remove_dir_all(&root);
    let (busybox, scene) = (root.join("bin/busybox"), root.join("scene"));
    for folder in ["bin", "usr/bin", "usr/sbin", "etc", "scene"] {
        fs::create_dir_all(root.join(folder))?;
    }
    let (nginx, curl) = (tools::path("nginx")?, tools::path("curl")?);
    fs::copy(tools::path("busybox")?, &busybox)?;
    fs::copy(&nginx, root.join("usr/sbin/nginx"))?;
    fs::copy(&curl, root.join("usr/bin/curl"))?;
    let stripped = root.join("usr/bin/wrongdoor");
    tools::output(tools::command("strip")?.arg("-o").arg(&stripped).arg(program))?;
    for library in libraries(&[program, &nginx, &curl, &busybox])? {
        let inside = root.join(library.strip_prefix("/")?);
        fs::create_dir_all(inside.parent().context("a library is in a folder")?)?;
        fs::copy(&library, inside)?;
    }
    fs::write(root.join("init"), INIT)?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    fs::write(scene.join("nginx.conf"), NGINX)?;
    fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\n")?;
    fs::write(root.join("etc/group"), "root:x:0:\n")?;
    Authority::new(&scene)?.issue("a", &["a.test"])?;

    let packed = folder.join("initramfs.gz");
    let script = "set -e; find . | cpio --quiet -o -H newc -R 0:0 | gzip -1 > \"$1\"";
    tools::output(Command::new("sh").current_dir(&root).args(["-c", script, "pack"]).arg(&packed))?;
    Ok(packed)
}

/// All shared libraries that the programs load, the loader among them.
fn libraries(programs: &[&Path]) -> Result<BTreeSet<PathBuf>> {
    let mut all = BTreeSet::new();
    for program in programs {
        let output = Command::new("ldd").arg(program).output().context("cannot run ldd")?;
        let text = String::from_utf8(output.stdout)?;
        // A static program has none, and ldd fails.
        let found =
            text.split_whitespace().filter(|word| word.starts_with('/') && word.contains(".so"));
        all.extend(found.map(PathBuf::from));
        ensure!(!text.contains("not found"), "{} lacks a library:\n{text}", program.display());
    }
    Ok(all)
}
