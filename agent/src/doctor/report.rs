//! What was found, as plain values.

use crate::capture::ebpf::LibraryReport;

/// Everything that is told.
#[derive(Clone, Debug)]
pub(crate) struct DoctorReport {
    /// About the machine.
    pub(crate) findings: Vec<Check>,
    /// What came of loading the probes.
    pub(crate) live: LoadedProbes,
    /// Processes whose TLS cannot be looked into.
    pub(crate) unseen: Vec<UnseenReport>,
}

/// What came of loading the probes. By default there are none in this build.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadedProbes {
    /// Whether the build has any.
    pub(crate) has_probes: bool,
    /// Each on its own.
    pub(crate) programs: Vec<ProgramReport>,
    /// The TLS libraries that were found.
    pub(crate) libraries: Vec<LibraryReport>,
}

/// One kernel program.
#[derive(Clone, Debug)]
pub(crate) struct ProgramReport {
    /// Its name.
    pub(crate) program: String,
    /// Or what the kernel said.
    pub(crate) loaded: Result<(), String>,
    /// The program that does its work, where the kernel has none of its kind.
    pub(crate) stand_in: Option<&'static str>,
    /// How many places it is attached to.
    pub(crate) attached: usize,
    /// What it is for.
    pub(crate) purpose: String,
    /// What to do where it does not load.
    pub(crate) remedy: Option<String>,
}

/// A process whose TLS cannot be looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnseenReport {
    /// Its number.
    pub(crate) pid: u32,
    /// Its name.
    pub(crate) command: String,
    /// What encrypts.
    pub(crate) what: String,
    /// What can be done.
    pub(crate) remedy: String,
}

/// One thing about the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// What it belongs to.
    pub(crate) area: Area,
    /// Its name.
    pub(crate) name: &'static str,
    /// How it is.
    pub(crate) state: State,
    /// What was found.
    pub(crate) detail: String,
    /// What to do about it.
    pub(crate) remedy: Option<String>,
}

/// What a finding belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    /// How this program was built.
    Build,
    /// The kernel and its settings.
    Kernel,
    /// What this process may do.
    Privileges,
    /// What is mounted.
    Mounts,
    /// What runs.
    Processes,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As it should be.
    Ok,
    /// Something is seen less for it.
    Degraded,
    /// Nothing is seen for it.
    Missing,
}

/// What all of it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Everything is as it should be.
    Works,
    /// Something can be seen, not everything.
    Partly,
    /// Only privileges are missing.
    Unprivileged,
    /// The kernel or the build lacks something.
    Unavailable,
}

// === impl DoctorReport ===

impl DoctorReport {
    /// What all of it comes to. What the kernel did with the probes counts more than what we expected.
    pub(crate) fn condition(&self) -> Condition {
        let is_missing = |finding: &&Check| finding.state == State::Missing;
        let mut missing = self.findings.iter().filter(is_missing).peekable();
        let is_refused = missing.peek().is_some();
        let is_privilege = missing.all(|finding| finding.area == Area::Privileges);
        let programs = &self.live.programs;
        let loaded = programs.iter().filter(|program| program.loaded.is_ok()).count();
        match (is_refused, programs.len(), loaded) {
            (true, _, 0) if is_privilege => Condition::Unprivileged,
            (true, _, 0) => Condition::Unavailable,
            (false, 1.., 0) => Condition::Unavailable,
            (false, _, _) if self.is_flawless() => Condition::Works,
            (_, _, _) => Condition::Partly,
        }
    }

    fn is_flawless(&self) -> bool {
        self.unseen.is_empty() && self.only_lacks_processes()
    }

    /// All that this machine and the probes need is there; at most, some processes cannot be read.
    pub(crate) fn only_lacks_processes(&self) -> bool {
        self.findings.iter().all(|finding| finding.state == State::Ok)
            && self.live.programs.iter().all(ProgramReport::is_whole)
            && self.live.libraries.iter().all(|library| library.is_whole())
    }
}

// === impl ProgramReport ===

impl ProgramReport {
    /// What it is for is seen, by it or by its stand-in.
    pub(crate) fn is_whole(&self) -> bool {
        self.stand_in.is_some() || self.loaded.is_ok()
    }
}

// === impl Check ===

impl Check {
    pub(super) fn ok(area: Area, name: &'static str, detail: impl Into<String>) -> Self {
        Self { area, name, state: State::Ok, detail: detail.into(), remedy: None }
    }

    pub(super) fn degraded(
        area: Area,
        name: &'static str,
        detail: impl Into<String>,
        remedy: &str,
    ) -> Self {
        let remedy = Some(remedy.to_owned());
        Self { area, name, state: State::Degraded, detail: detail.into(), remedy }
    }

    pub(super) fn missing(
        area: Area,
        name: &'static str,
        detail: impl Into<String>,
        remedy: &str,
    ) -> Self {
        Self { state: State::Missing, ..Self::degraded(area, name, detail, remedy) }
    }
}

// === impl Area ===

impl Area {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Kernel => "kernel",
            Self::Privileges => "privileges",
            Self::Mounts => "mounts",
            Self::Processes => "processes",
        }
    }
}

// === impl State ===

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Missing => "missing",
        }
    }
}

// === impl Condition ===

impl Condition {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Partly => "partly",
            Self::Unprivileged => "unprivileged",
            Self::Unavailable => "unavailable",
        }
    }
}
