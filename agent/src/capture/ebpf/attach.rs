//! Attaches uprobes to a file, and detaches them.

use super::load_error::explain;
use super::programs::KernelPrograms;
use super::uprobe_multi::{Point, UprobeMulti};
use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeLinkId, UProbeScope};
use std::error::Error;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::path::Path;
use wrongdoor_attach::{AttachPoint, AttachPosition};
use wrongdoor_ebpf_common::{Cookie, program};

/// The most threads that detach at a time.
const MAX_DETACHING: usize = 32;

/// The order in which programs attach: those of returns come first, so that each call whose beginning is seen has its
/// end seen too.
const ORDER: [(AttachPosition, &str); 4] = [
    (AttachPosition::Return, program::TLS_RETURN),
    (AttachPosition::Uretprobe, program::TLS_RETURNED),
    (AttachPosition::Entry, program::TLS_ENTRY),
    (AttachPosition::Message, program::TLS_MESSAGE),
];

/// A program that is attached to places of one file.
pub(super) struct UprobeLink {
    pub(super) program: &'static str,
    /// How many places.
    pub(super) places: u64,
    held: Held,
}

/// What keeps a program attached.
enum Held {
    Multi(OwnedFd),
    PerfEvent(UProbeLinkId),
}

/// The refusal of a place: which program was to be attached, where, and why it is not.
pub(super) struct AttachRefusal<'a> {
    pub(super) program: &'static str,
    pub(super) attach_point: &'a AttachPoint,
    pub(super) reason: String,
}

/// A file to attach to.
#[derive(Clone, Copy)]
pub(super) struct AttachTarget<'a> {
    pub(super) path: &'a Path,
    /// The number by which the kernel side knows the file.
    pub(super) library: u16,
    /// In this process only; in all where there is none.
    pub(super) process: Option<NonZeroU32>,
}

/// Attaches programs to all attach points in a file. Calls `refused` for each place that the kernel refuses.
pub(super) fn attach<'a>(
    programs: &mut KernelPrograms,
    target: AttachTarget<'_>,
    attach_points: &'a [AttachPoint],
    refused: &mut dyn FnMut(AttachRefusal<'a>),
) -> Vec<UprobeLink> {
    let mut links = Vec::new();
    for (place, program) in ORDER {
        let group: Vec<&AttachPoint> =
            attach_points.iter().filter(|attach_point| attach_point.place == place).collect();
        if group.is_empty() {
            continue;
        }
        let mut refuse = |attach_point, error: &(dyn Error + 'static)| {
            // The process has ended: there is nothing left to trace, and nothing has failed.
            if !has_ended(error) {
                refused(AttachRefusal { program, attach_point, reason: explain(error) });
            }
        };
        match programs.multi() {
            Some(multi) => attach_multi(multi, program, target, &group, &mut links, &mut refuse),
            None => attach_perf_events(programs, program, target, &group, &mut links, &mut refuse),
        }
    }
    links
}

/// One link for all places. The kernel takes all or none: if it refuses, each place is tried by itself.
fn attach_multi<'a>(
    multi: &UprobeMulti,
    program: &'static str,
    target: AttachTarget<'_>,
    group: &[&'a AttachPoint],
    links: &mut Vec<UprobeLink>,
    refuse: &mut dyn FnMut(&'a AttachPoint, &(dyn Error + 'static)),
) {
    let returns = program == program::TLS_RETURNED;
    let process = target.process.map(NonZeroU32::get);
    let mut try_all = |some: &[&'a AttachPoint]| {
        let points: Vec<Point> = some
            .iter()
            .map(|attach_point| Point {
                offset: attach_point.offset,
                cookie: cookie(attach_point, target.library),
            })
            .collect();
        let held = multi.attach(program, target.path, &points, returns, process)?;
        let places = u64::try_from(points.len()).unwrap_or(u64::MAX);
        links.push(UprobeLink { program, places, held: Held::Multi(held) });
        std::io::Result::Ok(())
    };
    let Err(error) = try_all(group) else { return };
    if has_ended(&error) {
        return;
    }
    for attach_point in group {
        if let Err(error) = try_all(&[*attach_point]) {
            refuse(attach_point, &error);
        }
    }
}

fn attach_perf_events<'a>(
    programs: &mut KernelPrograms,
    program: &'static str,
    target: AttachTarget<'_>,
    group: &[&'a AttachPoint],
    links: &mut Vec<UprobeLink>,
    refuse: &mut dyn FnMut(&'a AttachPoint, &(dyn Error + 'static)),
) {
    let scope = target.process.map_or(UProbeScope::AllProcesses, UProbeScope::OneProcess);
    let Some(uprobe) = programs.uprobe(program) else { return };
    for attach_point in group {
        let point = UProbeAttachPoint {
            location: UProbeAttachLocation::AbsoluteOffset(attach_point.offset),
            cookie: Some(cookie(attach_point, target.library)),
        };
        match uprobe.attach(point, target.path, scope) {
            Ok(id) => links.push(UprobeLink { program, places: 1, held: Held::PerfEvent(id) }),
            Err(error) => refuse(attach_point, &error),
        }
    }
}

/// Detaches. For each link and each perf event the kernel waits until no processor runs the program any more; threads
/// wait for many of them together.
pub(super) fn detach(programs: &mut KernelPrograms, links: Vec<UprobeLink>) {
    let mut held: Vec<Box<dyn Send>> = Vec::with_capacity(links.len());
    for UprobeLink { program, held: one, .. } in links {
        match one {
            Held::Multi(link) => held.push(Box::new(link)),
            Held::PerfEvent(id) => {
                let Some(uprobe) = programs.uprobe(program) else { continue };
                match uprobe.take_link(id) {
                    Ok(event) => held.push(Box::new(event)),
                    Err(error) => tracing::debug!("a uprobe was detached already: {error}"),
                }
            }
        }
    }
    let share = held.len().div_ceil(MAX_DETACHING);
    std::thread::scope(|scope| {
        while !held.is_empty() {
            let some = held.split_off(held.len().saturating_sub(share));
            scope.spawn(move || drop(some));
        }
    });
}

fn cookie(attach_point: &AttachPoint, library: u16) -> u64 {
    Cookie { function: attach_point.function, arguments: attach_point.arguments, library }.bits()
}

fn has_ended(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| (**error).source());
    causes.any(|cause| {
        let kernel = cause.downcast_ref::<std::io::Error>();
        kernel.is_some_and(|kernel| kernel.raw_os_error() == Some(libc::ESRCH))
    })
}
