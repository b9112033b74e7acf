//! The report as one JSON object. The shapes are apart from the values, so that neither changes with the
//! other.

use super::report::{Check, DoctorReport, ProgramReport, UnseenReport};
use crate::capture::ebpf::LibraryReport;
use crate::text::json_line;
use serde::Serialize;

/// One line.
pub(crate) fn json(report: &DoctorReport) -> Vec<u8> {
    json_line(&DoctorLine {
        kind: "doctor",
        version: env!("CARGO_PKG_VERSION"),
        condition: report.condition().as_str(),
        has_probes: report.live.has_probes,
        findings: report.findings.iter().map(FindingPart::new).collect(),
        programs: report.live.programs.iter().map(ProgramPart::new).collect(),
        libraries: report.live.libraries.iter().map(LibraryPart::new).collect(),
        unseen: report.unseen.iter().map(UnseenPart::new).collect(),
    })
}

#[derive(Serialize)]
struct DoctorLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
    condition: &'static str,
    has_probes: bool,
    findings: Vec<FindingPart<'a>>,
    programs: Vec<ProgramPart<'a>>,
    libraries: Vec<LibraryPart<'a>>,
    unseen: Vec<UnseenPart<'a>>,
}

#[derive(Serialize)]
struct FindingPart<'a> {
    area: &'static str,
    name: &'static str,
    state: &'static str,
    detail: &'a str,
    remedy: Option<&'a str>,
}

#[derive(Serialize)]
struct ProgramPart<'a> {
    program: &'a str,
    loaded: bool,
    error: Option<&'a str>,
    stand_in: Option<&'static str>,
    attached: usize,
    purpose: &'a str,
    remedy: Option<&'a str>,
}

#[derive(Serialize)]
struct LibraryPart<'a> {
    path: &'a str,
    kind: &'a str,
    version: Option<&'a str>,
    device: String,
    inode: u64,
    users: Vec<UserPart<'a>>,
    #[serde(rename = "traps")]
    attach_points: usize,
    missing: &'a [String],
    refused: Option<&'a str>,
}

#[derive(Serialize)]
struct UserPart<'a> {
    pid: u32,
    command: &'a str,
}

#[derive(Serialize)]
struct UnseenPart<'a> {
    pid: u32,
    command: &'a str,
    what: &'a str,
    remedy: &'a str,
}

// === impl FindingPart ===

impl<'a> FindingPart<'a> {
    fn new(finding: &'a Check) -> Self {
        Self {
            area: finding.area.as_str(),
            name: finding.name,
            state: finding.state.as_str(),
            detail: &finding.detail,
            remedy: finding.remedy.as_deref(),
        }
    }
}

// === impl ProgramPart ===

impl<'a> ProgramPart<'a> {
    fn new(report: &'a ProgramReport) -> Self {
        Self {
            program: &report.program,
            loaded: report.loaded.is_ok(),
            error: report.loaded.as_ref().err().map(String::as_str),
            stand_in: report.stand_in,
            attached: report.attached,
            purpose: &report.purpose,
            remedy: report.remedy.as_deref(),
        }
    }
}

// === impl LibraryPart ===

impl<'a> LibraryPart<'a> {
    fn new(report: &'a LibraryReport) -> Self {
        let users = report.users.iter();
        Self {
            path: &report.path,
            kind: &report.kind,
            version: report.version.as_deref(),
            device: report.file.device.to_string(),
            inode: report.file.inode,
            users: users.map(|(pid, command)| UserPart { pid: *pid, command }).collect(),
            attach_points: report.attach_points,
            missing: &report.missing,
            refused: report.refused.as_deref(),
        }
    }
}

// === impl UnseenPart ===

impl<'a> UnseenPart<'a> {
    fn new(report: &'a UnseenReport) -> Self {
        let UnseenReport { pid, command, what, remedy } = report;
        Self { pid: *pid, command, what, remedy }
    }
}
