//! What comes of loading the probes, and of failing to.

use super::ebpf::{LINGER, LoadError, Need, Options, Probes, RING_BYTES, has_probes, stand_in};
use super::scope::Scope;
use super::source::Source;
use crate::doctor;
use crate::failure::Failure;
use std::time::{Duration, Instant};

/// The most that `doctor` waits for the first look at all processes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What comes of loading the probes, for `doctor`: everything is attached, looked at, and detached again.
pub(crate) fn report() -> doctor::Live {
    let has_probes = has_probes();
    let options = Options {
        scope: Scope::default(),
        ring_bytes: RING_BYTES,
        linger: LINGER,
        only_perf_events: false,
        record: None,
        sheds_privileges: false,
    };
    let probes = match Probes::open(options) {
        Ok(probes) => probes,
        Err(LoadError::NoProbes) => return doctor::Live { has_probes, ..doctor::Live::default() },
        Err(error) => {
            let remedy = error.is_privilege().then(|| {
                "run it as root, or with the capabilities that are listed as missing".to_owned()
            });
            let program = doctor::ProgramReport {
                program: "all".to_owned(),
                stand_in: None,
                loaded: Err(error.to_string()),
                attached: 0,
                failed: Vec::new(),
                purpose: "everything that is seen in TLS libraries".to_owned(),
                remedy,
            };
            return doctor::Live { has_probes, programs: vec![program], libraries: Vec::new() };
        }
    };
    let begun = Instant::now();
    while !Source::is_ready(&probes) && begun.elapsed() < PATIENCE {
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
            doctor::ProgramReport {
                program: loaded.program.to_owned(),
                loaded: loaded.result.clone(),
                stand_in,
                attached: places(loaded.program),
                failed: Vec::new(),
                purpose: loaded.purpose.to_owned(),
                remedy,
            }
        })
        .collect();
    doctor::Live { has_probes, programs, libraries: status.libraries.to_vec() }
}

fn remedy(need: Need, result: &Result<(), String>) -> Option<String> {
    let reason = result.as_ref().err()?;
    let text = if reason.contains("cgroup2") {
        "mount -t cgroup2 none /sys/fs/cgroup/unified"
    } else if need == Need::StandIn {
        "boot a kernel from 6.3 on, or without lockdown"
    } else {
        "run it with the capabilities that are listed as missing, or boot a newer kernel"
    };
    Some(text.to_owned())
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let what = error.to_string();
        if error.is_privilege() {
            let missing = match &doctor::missing_capabilities()[..] {
                [] => String::new(),
                missing => format!("; missing: {}", missing.join(", ")),
            };
            let what = format!("{what}{missing}; run it as root, or see `wrongdoor doctor`");
            Self::Privilege { what }
        } else {
            Self::Unavailable { what: format!("{what}; `wrongdoor doctor` says more") }
        }
    }
}
