//! Loads the probes, and reports what came of it.

use super::report::{LoadedProbes, ProgramReport};
use crate::build_info::has_probes;
use crate::capture::ebpf::{
    DETACH_DELAY, EbpfOptions, EbpfProbes, LoadError, ProgramNeed, stand_in,
};
use crate::capture::scope::ProcessScope;
use crate::capture::source::LiveSource;
use crate::config::RING_BYTES;
use std::time::{Duration, Instant};

/// The most that `doctor` waits for the first look at all processes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What comes of loading the probes, for `doctor`: everything is attached, looked at, and detached again.
pub(crate) fn probes() -> LoadedProbes {
    let has_probes = has_probes();
    let options = EbpfOptions {
        scope: ProcessScope::default(),
        ring_bytes: RING_BYTES,
        detach_delay: DETACH_DELAY,
        only_perf_events: false,
        record: None,
        sheds_privileges: false,
        reports_libraries: true,
    };
    let probes = match EbpfProbes::open(options) {
        Ok(probes) => probes,
        Err(LoadError::NoProbes) => return LoadedProbes { has_probes, ..LoadedProbes::default() },
        Err(error) => {
            let remedy = error.is_privilege().then(|| {
                "run it as root, or with the capabilities that are listed as missing".to_owned()
            });
            let program = ProgramReport {
                program: "all".to_owned(),
                stand_in: None,
                loaded: Err(error.to_string()),
                attached: 0,
                purpose: "everything that is seen in TLS libraries".to_owned(),
                remedy,
            };
            return LoadedProbes { has_probes, programs: vec![program], libraries: Vec::new() };
        }
    };
    let begun = Instant::now();
    while probes.waits_for().is_some() && begun.elapsed() < TIMEOUT {
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = probes.status();
    let places = |program: &str| {
        let found = status.attached.iter().find(|(name, _)| *name == program);
        found.map_or(0, |(_, places)| usize::try_from(*places).unwrap_or(usize::MAX))
    };
    let programs = probes
        .loaded()
        .iter()
        .map(|loaded| {
            let refused = loaded.result.is_err();
            let stand_in = refused.then(|| stand_in(probes.loaded(), loaded.program)).flatten();
            let remedy = remedy(loaded.need, &loaded.result).filter(|_| stand_in.is_none());
            ProgramReport {
                program: loaded.program.to_owned(),
                loaded: loaded.result.clone(),
                stand_in,
                attached: places(loaded.program),
                purpose: loaded.purpose.to_owned(),
                remedy,
            }
        })
        .collect();
    LoadedProbes { has_probes, programs, libraries: status.libraries }
}

fn remedy(need: ProgramNeed, result: &Result<(), String>) -> Option<String> {
    let reason = result.as_ref().err()?;
    let text = if reason.contains("cgroup2") {
        "mount -t cgroup2 none /sys/fs/cgroup/unified"
    } else if need == ProgramNeed::StandIn {
        "boot a kernel from 6.3 on, or without lockdown"
    } else {
        "run it with the capabilities that are listed as missing, or boot a newer kernel"
    };
    Some(text.to_owned())
}
