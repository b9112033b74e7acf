//! Ports that nobody else has.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use anyhow::{Result, bail};

/// Below what Linux gives to outgoing connections, so that no client takes a port between its
/// being found free and its server's start.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// A TCP port on loopback, ours until this is dropped.
///
/// The UDP port of the same number is held meanwhile: it keeps the port from every other user of
/// this kit, in this process and in others, and leaves the TCP side free for the server.
#[derive(Debug)]
pub struct Port {
    number: u16,
    hold: UdpSocket,
}

impl Port {
    /// Finds a free port.
    pub fn find() -> Result<Self> {
        for attempt in 0..200_u32 {
            let random = RandomState::new().hash_one(attempt);
            let offset = random % u64::from(RANGE.end - RANGE.start);
            let number = RANGE.start + u16::try_from(offset)?;
            let Ok(hold) = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)) else { continue };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, hold });
            }
        }
        bail!("no free port between {} and {}", RANGE.start, RANGE.end);
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Sends a datagram from the port to itself, for a capture to see.
    pub fn send_to_itself(&self, bytes: &[u8]) -> Result<()> {
        self.hold.send_to(bytes, (Ipv4Addr::LOCALHOST, self.number))?;
        Ok(())
    }
}
