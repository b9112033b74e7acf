//! What live capture can see here, and what would let it see more.

mod capabilities;
mod json;
mod kernel;
mod mounts;
mod probes;
mod processes;
mod report;
mod system;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use json::json;
pub(crate) use probes::probes;
pub(crate) use report::{Condition, DoctorReport, LoadedProbes};
pub(crate) use system::System;
pub(crate) use table::table;

use report::{Area, Check};
use std::time::Instant;

/// Looks at the machine; `live` is what came of loading the probes.
pub(crate) fn examine(system: &System, live: LoadedProbes, now: Instant) -> DoctorReport {
    let mut findings = vec![build(live.has_probes)];
    findings.extend(kernel::findings(system));
    findings.extend(capabilities::findings(system));
    findings.extend(mounts::findings(system));
    let whole = live.libraries.iter().filter(|library| library.refused.is_none());
    let traced = whole.map(|library| library.file).collect();
    let (seen, unseen) = processes::findings(system, &traced, now);
    findings.extend(seen);
    DoctorReport { findings, live, unseen }
}

fn build(has_probes: bool) -> Check {
    if has_probes {
        return Check::ok(Area::Build, "probes", "in this build");
    }
    let remedy = "install a BPF toolchain with `cargo xtask setup` and build again";
    Check::missing(Area::Build, "probes", "this build has no probes", remedy)
}
