//! Opens rings, in the network namespace of the thread that it is in.

use super::error::PacketsError;
use super::filter::{Filter, MAX_PORTS, WantedPackets};
use super::ring::Ring;
use super::sys::PacketSocket;
use rustix::net::netdevice::name_to_index;
use std::{fs, thread};

/// The most interfaces by name.
pub(super) const MAX_INTERFACES: usize = 32;
/// The most rings of all interfaces together: each has a socket.
const MAX_RINGS: usize = 64;

/// What every ring has in common.
pub(super) struct Opener {
    filter: Filter,
    /// How many rings an interface has, and how large each is.
    rings: usize,
    ring_bytes: u32,
}

/// The rings of one interface, or of all: they share its packets by flow.
#[derive(Debug)]
pub(super) struct FanoutGroup {
    /// Its place among the named ones.
    pub(super) place: usize,
    pub(super) rings: Vec<Ring>,
}

impl Opener {
    /// For so many interfaces, with `bytes` for all rings together.
    pub(super) fn new(
        wanted: &WantedPackets,
        interfaces: usize,
        bytes: u32,
    ) -> Result<Self, PacketsError> {
        if interfaces > MAX_INTERFACES {
            return Err(PacketsError::Interfaces(MAX_INTERFACES));
        }
        if wanted.cleartext.len() > MAX_PORTS {
            return Err(PacketsError::Ports);
        }
        let interfaces = interfaces.max(1);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let rings = cores.clamp(1, MAX_RINGS / interfaces);
        let share = u32::try_from(interfaces * rings).map_or(1, |rings| bytes / rings);
        let filter = Filter::new(wanted).map_err(|_too_far| PacketsError::Ports)?;
        Ok(Self { filter, rings, ring_bytes: share })
    }

    /// The rings of an interface, or of all.
    pub(super) fn open(
        &self,
        place: usize,
        name: Option<&str>,
    ) -> Result<FanoutGroup, PacketsError> {
        let what =
            name.map_or_else(|| "for all interfaces".to_owned(), |name| format!("for `{name}`"));
        let failed = |source| PacketsError::socket(&what, source);
        let index = match name {
            Some(name) => self.index(name)?.ok_or_else(|| PacketsError::NoInterface {
                name: name.to_owned(),
                others: others(),
            })?,
            None => 0,
        };
        let mut rings = Vec::with_capacity(self.rings);
        let mut shared = None;
        for _ in 0..self.rings {
            let socket = PacketSocket::open().map_err(failed)?;
            // Closed until all share the packets: none is to come twice.
            socket.filter(&Filter::closed()).map_err(failed)?;
            let ring = Ring::new(socket, self.ring_bytes).map_err(failed)?;
            ring.socket().bind(index).map_err(failed)?;
            match ring.socket().share(shared) {
                Ok(group) => shared = Some(group),
                // Older kernels do not share out the packets of an interface that is shut: one ring takes all.
                Err(_) if shared.is_none() => {
                    rings.push(ring);
                    break;
                }
                Err(error) => return Err(failed(error)),
            }
            rings.push(ring);
        }
        for ring in &rings {
            self.filter.attach(ring.socket()).map_err(failed)?;
        }
        Ok(FanoutGroup { place, rings })
    }

    /// The number of an interface, if there is one of this name.
    pub(super) fn index(&self, name: &str) -> Result<Option<u32>, PacketsError> {
        let failed = |source| PacketsError::socket("to look for interfaces", source);
        let socket = PacketSocket::open().map_err(failed)?;
        match name_to_index(&socket, name) {
            Ok(index) => Ok(Some(index)),
            Err(rustix::io::Errno::NODEV | rustix::io::Errno::NAMETOOLONG) => Ok(None),
            Err(error) => Err(failed(error.into())),
        }
    }
}

/// The interfaces of this thread's namespace.
fn others() -> String {
    let table = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let names = table.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0.trim()));
    names.collect::<Vec<_>>().join(", ")
}
