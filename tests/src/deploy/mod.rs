//! What `deploy/` has, as a cluster would see it: the chart rendered by Helm, the image built by buildah, and a pod of the
//! one with the other, started by runc.
#![expect(clippy::indexing_slicing, reason = "of JSON: what is not there is null")]

pub mod chart;
pub mod image;
pub mod licences;
pub mod manifests;
pub mod pod;
pub mod seccomp;

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}
