//! Traps into a file, and out of it.

use super::programs::{self, Programs};
use crate::capture::libraries::{Place, Trap};
use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeLinkId, UProbeScope};
use std::num::NonZeroU32;
use std::path::Path;
use wrongdoor_ebpf_common::Cookie;

/// The most threads that take traps out at a time.
const MAX_DETACHING: usize = 32;

/// A trap that is set.
pub(super) struct Link {
    pub(super) program: &'static str,
    id: UProbeLinkId,
}

/// Sets `traps` in the file at `path`, of which the kernel side knows by `library`: in one process, or in all. `refused`
/// hears which of them the kernel does not set, whose program each is, and why.
pub(super) fn set(
    programs: &mut Programs,
    path: &Path,
    library: u16,
    traps: &[Trap],
    process: Option<NonZeroU32>,
    refused: &mut dyn FnMut(&'static str, &Trap, String),
) -> Vec<Link> {
    let scope = process.map_or(UProbeScope::AllProcesses, UProbeScope::OneProcess);
    let mut links = Vec::new();
    // Ends before beginnings, births before all: a call whose beginning is seen has its end seen too.
    let mut traps: Vec<_> = traps.iter().collect();
    traps.sort_by_key(|trap| trap.place == Place::Entry);
    for trap in traps {
        let program = match trap.place {
            Place::Entry => "tls_entry",
            Place::Return => "tls_return",
            Place::Uretprobe => "tls_returned",
        };
        let cookie = Cookie { function: trap.function, arguments: trap.arguments, library };
        let point = UProbeAttachPoint {
            location: UProbeAttachLocation::AbsoluteOffset(trap.offset),
            cookie: Some(cookie.bits()),
        };
        let Some(uprobe) = programs.traps(program) else { continue };
        match uprobe.attach(point, path, scope) {
            Ok(id) => links.push(Link { program, id }),
            // The process has ended: there is nothing left to trace, and nothing has failed.
            Err(error) if has_ended(&error) => {}
            Err(error) => refused(program, trap, programs::chain(&error)),
        }
    }
    links
}

/// Takes traps out. The kernel waits for every processor before it lets go of one; the threads wait together.
pub(super) fn unset(programs: &mut Programs, links: Vec<Link>) {
    let taken = links.into_iter().filter_map(|Link { program, id }| {
        let taken = programs.traps(program)?.take_link(id);
        taken.inspect_err(|error| tracing::debug!("a trap was gone already: {error}")).ok()
    });
    let mut taken: Vec<_> = taken.collect();
    let share = taken.len().div_ceil(MAX_DETACHING);
    std::thread::scope(|scope| {
        while !taken.is_empty() {
            let some = taken.split_off(taken.len().saturating_sub(share));
            scope.spawn(move || drop(some));
        }
    });
}

fn has_ended(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let kernel = cause.downcast_ref::<std::io::Error>();
        kernel.is_some_and(|kernel| kernel.raw_os_error() == Some(libc::ESRCH))
    })
}
