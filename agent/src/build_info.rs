//! The kernel side as it was built: see the package's build script.

/// The object file; empty where there was no toolchain.
pub(crate) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/probes.o"));

/// The commit that was built; `unknown` in a debug build, and outside of a git checkout.
pub(crate) const COMMIT: &str = env!("WRONGDOOR_COMMIT");

/// Whether the kernel's side is part of this build.
pub(crate) fn has_probes() -> bool {
    !OBJECT.is_empty()
}
