use std::fs;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::deploy::{licences, repository};

/// The licence that a manifest declares; none where it takes that of the workspace.
fn declared(manifest: &str) -> Result<Option<String>> {
    let text = fs::read_to_string(repository().join(manifest)).context(manifest.to_owned())?;
    let line = text.lines().find_map(|line| line.strip_prefix("license = "));
    Ok(line.map(|licence| licence.trim_matches('"').to_owned()))
}

#[test]
fn what_is_loaded_into_the_kernel_is_under_the_licence_that_it_declares_there() -> Result<()> {
    let kernel_side = "MIT OR GPL-2.0-only";
    for (folder, source) in
        [("ebpf", "src/main.rs"), ("ebpf", "src/bin/packets.rs"), ("xtask/baseline", "src/main.rs")]
    {
        let source = fs::read_to_string(repository().join(folder).join(source))?;
        ensure!(source.contains("Dual MIT/GPL"), "{folder}");
        let licence = declared(&format!("{folder}/Cargo.toml"))?;
        ensure!(licence.as_deref() == Some(kernel_side), "{folder}: {licence:?}");
    }
    let common = declared("ebpf/common/Cargo.toml")?;
    ensure!(common.as_deref() == Some("MIT OR Apache-2.0 OR GPL-2.0-only"), "{common:?}");
    ensure!(declared("Cargo.toml")?.as_deref() == Some("MIT OR Apache-2.0"));
    Ok(())
}

#[test]
fn the_text_of_every_licence_is_there() -> Result<()> {
    let beginnings =
        ["Apache License", "GNU GENERAL PUBLIC LICENSE", "Permission is hereby granted"];
    for (name, beginning) in licences::OWN.into_iter().zip(beginnings) {
        let text = fs::read_to_string(repository().join(name)).context(name)?;
        ensure!(text.contains(beginning), "{name}");
    }
    Ok(())
}
