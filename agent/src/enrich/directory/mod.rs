//! Who is where, for whoever asks: by container, by uid, by address.
//!
//! A pod is found by two tables, so that what two pods claim in one is still found by the other.

use super::cluster_ends::{ClusterEnds, Container, Peer, Pod, Service};
use super::ttl_map::{TtlMap, Uid};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use wrongdoor_core::observation::Facts;
use wrongdoor_core::observation::probe_event::{Observer, Process};
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::net::Endpoint;

/// The most pods of one node that are kept, with those that were deleted lately; a node runs some hundreds.
const MAX_PODS: usize = 4096;
/// The most services of the cluster.
const MAX_SERVICES: usize = 16_384;
/// So long a deleted pod is found by what is never used again, its uid and its containers' ids: what it did may be told
/// later, when a long connection ends.
const GRACE_PERIOD: Duration = Duration::from_secs(300);
/// The same by address, which another may have soon (30 s on EKS): the end of a pod ends its connections, and those are
/// told within a second or two.
const ADDRESS_GRACE_PERIOD: Duration = Duration::from_secs(10);
/// The most containers, and addresses, of one object.
pub(super) const MAX_KEYS: usize = 64;

/// What the API server has told.
pub(crate) struct Directory {
    tables: RwLock<Tables>,
    begun: Instant,
}

/// All of it, for as long as it is looked at.
pub(crate) struct View<'a> {
    tables: RwLockReadGuard<'a, Tables>,
    now: Duration,
}

struct Tables {
    containers: TtlMap<Box<str>, Known>,
    addresses: TtlMap<IpAddr, Known>,
    services: TtlMap<IpAddr, Arc<Service>>,
    pods: WatchStats,
    of_services: WatchStats,
}

/// A pod, and which of its containers has which id.
#[derive(Clone, Debug)]
struct Known {
    /// The pod itself: of which container is not known.
    pod: Arc<Container>,
    containers: Vec<(Box<str>, Arc<Container>)>,
}

/// How well the API server is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WatchStats {
    /// All there were have been told once.
    pub(crate) is_whole: bool,
    /// Times that it did not answer, or broke off with an error.
    pub(crate) errors: u64,
    /// How many there are.
    pub(crate) objects: u64,
    /// How many there was no room for.
    pub(crate) refused: u64,
}

/// Both kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SyncState {
    pub(crate) pods: WatchStats,
    pub(crate) services: WatchStats,
}

/// A pod as it was told.
#[derive(Debug)]
pub(super) struct PodSeen {
    pub(super) pod: Pod,
    /// What kubelet calls it in control groups, where that is not its uid.
    pub(super) alias: Option<Box<str>>,
    /// Ids and names of its containers.
    pub(super) containers: Vec<(Box<str>, Box<str>)>,
    /// Its own addresses: none of a pod that has its node's.
    pub(super) addresses: Vec<IpAddr>,
}

/// A service as it was told.
#[derive(Debug)]
pub(super) struct ServiceSeen {
    pub(super) uid: Uid,
    pub(super) service: Service,
    pub(super) addresses: Vec<IpAddr>,
}

impl Directory {
    /// An empty one, to be filled.
    pub(crate) fn new() -> Arc<Self> {
        let tables = Tables {
            containers: TtlMap::new(MAX_PODS, GRACE_PERIOD),
            addresses: TtlMap::new(MAX_PODS, ADDRESS_GRACE_PERIOD),
            services: TtlMap::new(MAX_SERVICES, ADDRESS_GRACE_PERIOD),
            pods: WatchStats::default(),
            of_services: WatchStats::default(),
        };
        Arc::new(Self { tables: RwLock::new(tables), begun: Instant::now() })
    }

    /// To look things up. Nothing is learnt as long as it is held.
    pub(crate) fn view(&self) -> View<'_> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        View { tables, now: self.begun.elapsed() }
    }

    pub(super) fn pods(&self, change: impl FnOnce(&mut Pods<'_>)) {
        let now = self.begun.elapsed();
        change(&mut Pods { tables: &mut self.change(), now });
    }

    pub(super) fn services(&self, change: impl FnOnce(&mut Services<'_>)) {
        let now = self.begun.elapsed();
        change(&mut Services { tables: &mut self.change(), now });
    }

    /// Forgets what was deleted long enough ago.
    pub(super) fn sweep(&self) {
        let now = self.begun.elapsed();
        let mut tables = self.change();
        tables.containers.sweep(now);
        tables.addresses.sweep(now);
        tables.services.sweep(now);
    }

    fn change(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can be learnt of pods.
pub(super) struct Pods<'a> {
    tables: &'a mut Tables,
    now: Duration,
}

impl Pods<'_> {
    pub(super) fn begin_list(&mut self) {
        self.tables.containers.begin_list();
        self.tables.addresses.begin_list();
    }

    pub(super) fn end_list(&mut self) {
        self.tables.containers.end_list(self.now);
        self.tables.addresses.end_list(self.now);
        self.tables.pods.is_whole = true;
    }

    pub(super) fn apply(&mut self, seen: PodSeen) {
        let PodSeen { pod, alias, containers, addresses } = seen;
        let uid = pod.uid.clone();
        let pod = Arc::new(pod);
        let container = |name| Arc::new(Container { pod: Arc::clone(&pod), name });
        let containers: Vec<_> = containers
            .into_iter()
            .take(MAX_KEYS)
            .map(|(id, name)| (id, container(Some(name))))
            .collect();
        let ids = containers.iter().map(|(id, _)| id.clone());
        let mut keys: Vec<_> = ids.chain([uid.clone()]).chain(alias).collect();
        keys.sort_unstable();
        keys.dedup();
        let known = Known { pod: container(None), containers };
        self.tables.containers.apply(&uid, keys, known.clone());
        self.tables.addresses.apply(&uid, addresses, known);
    }

    pub(super) fn delete(&mut self, uid: &str) {
        self.tables.containers.delete(uid, self.now);
        self.tables.addresses.delete(uid, self.now);
    }

    pub(super) fn failed(&mut self) {
        self.tables.pods.errors += 1;
    }
}

/// What can be learnt of services.
pub(super) struct Services<'a> {
    tables: &'a mut Tables,
    now: Duration,
}

impl Services<'_> {
    pub(super) fn begin_list(&mut self) {
        self.tables.services.begin_list();
    }

    pub(super) fn end_list(&mut self) {
        self.tables.services.end_list(self.now);
        self.tables.of_services.is_whole = true;
    }

    pub(super) fn apply(&mut self, seen: ServiceSeen) {
        let ServiceSeen { uid, service, addresses } = seen;
        self.tables.services.apply(&uid, addresses, Arc::new(service));
    }

    pub(super) fn delete(&mut self, uid: &str) {
        self.tables.services.delete(uid, self.now);
    }

    pub(super) fn failed(&mut self) {
        self.tables.of_services.errors += 1;
    }
}

impl View<'_> {
    /// How well the API server is followed.
    pub(crate) fn standing(&self) -> SyncState {
        let tables = &self.tables;
        let objects = |following: WatchStats, objects: usize, refused| WatchStats {
            objects: objects as u64,
            refused,
            ..following
        };
        let (pods, services) = (&tables.containers, &tables.services);
        SyncState {
            pods: objects(tables.pods, pods.len(), pods.refused),
            services: objects(tables.of_services, services.len(), services.refused),
        }
    }

    /// Where a connection was seen.
    pub(crate) fn place(&self, facts: &Facts) -> ClusterEnds {
        let far = match facts.observer.role {
            Some(Side::Client) => facts.server(),
            Some(Side::Server) | None => facts.client(),
        };
        ClusterEnds { pod: self.own(&facts.observer, facts.server()), peer: self.peer(far) }
    }

    /// The pod at this end: by its process, for an address can be its node's. Packets belong to no process; there it
    /// is the pod that has the server's address to itself.
    pub(crate) fn own(
        &self,
        observer: &Observer,
        server: Option<Endpoint>,
    ) -> Option<Arc<Container>> {
        match (&observer.process, observer.role) {
            (Some(process), _) => self.process(process),
            (None, Some(_)) => None,
            (None, None) => self.at(server?.ip()),
        }
    }

    fn process(&self, process: &Process) -> Option<Arc<Container>> {
        let by_container = process.container.as_deref().and_then(|id| {
            let known = self.tables.containers.find(id, self.now)?;
            let named = known.containers.iter().find(|(known, _)| **known == *id);
            Some(named.map_or(&known.pod, |(_, container)| container))
        });
        // Kubelet tells of a container some time after it began.
        let by_pod = || {
            process
                .pod
                .as_deref()
                .and_then(|uid| Some(&self.tables.containers.find(uid, self.now)?.pod))
        };
        by_container.or_else(by_pod).map(Arc::clone)
    }

    fn peer(&self, end: Option<Endpoint>) -> Option<Peer> {
        let address = end?.ip();
        let pod = self.at(address).map(Peer::Pod);
        pod.or_else(|| {
            self.tables.services.find(&address, self.now).map(Arc::clone).map(Peer::Service)
        })
    }

    fn at(&self, address: IpAddr) -> Option<Arc<Container>> {
        self.tables.addresses.find(&address, self.now).map(|known| Arc::clone(&known.pod))
    }
}

#[cfg(test)]
mod tests;
