//! A thread in the network namespace that is watched: interfaces of which only the name is known come and go there.

use super::PacketOptions;
use super::error::PacketsError;
use super::filter::WantedPackets;
use super::opener::{FanoutGroup, MAX_INTERFACES, Opener};
use crate::privileges;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use rustix::thread::{CapabilitySet, LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Interfaces are looked at again after so long, whatever the kernel said.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
/// RTMGRP_LINK
const LINKS: u32 = 1;

/// The thread's other end.
#[derive(Debug)]
pub(super) struct Watcher {
    /// Rings of interfaces that have come back.
    groups: Receiver<FanoutGroup>,
    is_over: Arc<AtomicBool>,
    /// Some interface that was named is not there.
    is_short: Arc<AtomicBool>,
}

impl Watcher {
    /// Opens everything in a thread of its own, which stays where interfaces have names.
    pub(super) fn start(
        options: PacketOptions,
        wanted: WantedPackets,
    ) -> Result<(Vec<FanoutGroup>, Self), PacketsError> {
        let (first, opened) = sync_channel(1);
        // Each interface at most once.
        let (sender, groups) = sync_channel(MAX_INTERFACES);
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let is_short = Arc::new(AtomicBool::new(false));
        let short = Arc::clone(&is_short);
        let work = move || {
            let (opener, opened) = match open(&options, &wanted) {
                Ok((opener, groups)) => (Some(opener), Ok(groups)),
                Err(error) => (None, Err(error)),
            };
            let numbers = opener.iter().flat_map(|opener| {
                options.interfaces.iter().map(|name| opener.index(name).ok().flatten())
            });
            let numbers = numbers.collect();
            privileges::keep(CapabilitySet::NET_RAW, "interfaces");
            let is_heard = first.send(opened).is_ok();
            if let Some(opener) = opener.filter(|_| is_heard) {
                watch(
                    &opener,
                    &options.interfaces,
                    numbers,
                    &sender,
                    &Signs { is_over: &over, is_short: &short },
                );
            }
        };
        let builder = thread::Builder::new().name("interfaces".to_owned());
        builder.spawn(work).map_err(PacketsError::Thread)?;
        let lost = || PacketsError::Thread(std::io::Error::other("it has ended"));
        let groups_now = opened.recv().map_err(|_ended| lost())??;
        Ok((groups_now, Self { groups, is_over, is_short }))
    }

    /// Whether every interface that was named is there.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_short.load(Ordering::Relaxed)
    }

    /// The next rings that were opened again.
    pub(super) fn next(&self) -> Option<FanoutGroup> {
        self.groups.try_recv().ok()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// What the thread and the rest tell each other.
struct Signs<'a> {
    is_over: &'a AtomicBool,
    is_short: &'a AtomicBool,
}

fn open(
    options: &PacketOptions,
    wanted: &WantedPackets,
) -> Result<(Opener, Vec<FanoutGroup>), PacketsError> {
    if let Some(path) = &options.netns {
        enter(path).map_err(|source| PacketsError::Namespace { path: path.clone(), source })?;
    }
    let opener = Opener::new(wanted, options.interfaces.len(), options.ring_bytes)?;
    let groups = if options.interfaces.is_empty() {
        vec![opener.open(0, None)?]
    } else {
        let named = options.interfaces.iter().enumerate();
        named.map(|(place, name)| opener.open(place, Some(name))).collect::<Result<_, _>>()?
    };
    Ok((opener, groups))
}

/// The thread moves, and no other.
fn enter(path: &Path) -> std::io::Result<()> {
    let namespace = File::open(path)?;
    Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Opens rings for interfaces that have another number than before: they were made anew.
fn watch(
    opener: &Opener,
    names: &[String],
    mut numbers: Vec<Option<u32>>,
    sender: &SyncSender<FanoutGroup>,
    signs: &Signs<'_>,
) {
    let news = news()
        .inspect_err(|error| tracing::debug!("cannot follow changes of interfaces: {error}"))
        .ok();
    while !names.is_empty() && !signs.is_over.load(Ordering::Relaxed) {
        wait(news.as_ref());
        for (place, (name, number)) in names.iter().zip(&mut numbers).enumerate() {
            let Ok(now) = opener.index(name) else { continue };
            if now == *number {
                continue;
            }
            if now.is_none() {
                tracing::warn!(interface = name, "the interface is gone; the agent waits for it");
                *number = None;
                continue;
            }
            match opener.open(place, Some(name)) {
                Ok(group) => {
                    tracing::info!(interface = name, "the interface is back");
                    *number = now;
                    if sender.send(group).is_err() {
                        return;
                    }
                }
                Err(error) => tracing::warn!(interface = name, "{error}"),
            }
        }
        signs.is_short.store(numbers.contains(&None), Ordering::Relaxed);
    }
}

/// A socket at which the kernel tells that interfaces change.
fn news() -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // Protocol 0 is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &SocketAddrNetlink::new(0, LINKS))?;
    Ok(socket)
}

/// Until something has changed, or for some time.
fn wait(news: Option<&OwnedFd>) {
    let mut sockets: Vec<PollFd<'_>> =
        news.iter().map(|news| PollFd::new(*news, PollFlags::IN)).collect();
    // Interrupted or timed out: the interfaces are looked at all the same.
    let _woken = poll(&mut sockets, Some(&LOOK_EVERY));
    let mut unread = [0; 4096];
    // What it is that changed is looked up by name.
    while news.is_some_and(|news| recv(news, &mut unread, RecvFlags::empty()).is_ok()) {}
}
