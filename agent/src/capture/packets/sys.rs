//! What AF_PACKET asks of the kernel directly: no library has these calls. All of this capture's unsafe code.

use super::filter::Instruction;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

/// `struct tpacket_block_desc`: where a block says whose it is.
const STATUS_AT: usize = 8;

/// A packet socket. Until it is bound it gets nothing.
#[derive(Debug)]
pub(super) struct PacketSocket(OwnedFd);

/// What the kernel has counted since the last time that it was asked (`struct tpacket_stats_v3`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statistics {
    /// Packets that the filter passed, with those that there was no room for.
    pub(super) packets: u32,
    /// Those that there was no room for.
    pub(super) drops: u32,
    /// How often all blocks were full.
    pub(super) freezes: u32,
}

/// The memory of a ring, shared with the kernel.
#[derive(Debug)]
pub(super) struct RingMapping {
    start: NonNull<u8>,
    block_bytes: usize,
    blocks: usize,
}

// === impl PacketSocket ===

impl PacketSocket {
    /// Packets are to come without their link's header.
    pub(super) fn open() -> io::Result<Self> {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        #[expect(unsafe_code, reason = "no library opens sockets of this family")]
        // SAFETY: the call takes no pointer, and what it returns is a new descriptor that is nobody else's.
        let socket = unsafe {
            let number = libc::socket(libc::AF_PACKET, kind, 0);
            if number < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(number)
        };
        let version: libc::c_int = 2; // TPACKET_V3
        let socket = Self(socket);
        socket.set(libc::SOL_PACKET, libc::PACKET_VERSION, &version)?;
        Ok(socket)
    }

    /// Has the kernel make a ring of blocks that it hands over at the latest after so many milliseconds.
    pub(super) fn ring(
        &self,
        block_bytes: u32,
        blocks: u32,
        milliseconds: u32,
    ) -> io::Result<RingMapping> {
        // Frames have no fixed size in this version; the kernel only checks the arithmetic.
        let frame = 2048;
        let request = libc::tpacket_req3 {
            tp_block_size: block_bytes,
            tp_block_nr: blocks,
            tp_frame_size: frame,
            tp_frame_nr: block_bytes / frame * blocks,
            tp_retire_blk_tov: milliseconds,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        self.set(libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let (block_bytes, blocks) = (to_size(block_bytes)?, to_size(blocks)?);
        let length = block_bytes.checked_mul(blocks).ok_or(io::ErrorKind::InvalidInput)?;
        #[expect(unsafe_code, reason = "the ring is shared memory of this socket")]
        // SAFETY: a new mapping, wherever the kernel has room.
        let start = unsafe {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(ptr::null_mut(), length, access, libc::MAP_SHARED, self.0.as_raw_fd(), 0)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(RingMapping { start, block_bytes, blocks })
    }

    /// Lets packets come: of this interface, or of all where it is 0.
    pub(super) fn bind(&self, interface: u32) -> io::Result<()> {
        let length = size_of::<libc::sockaddr_ll>();
        #[expect(unsafe_code, reason = "no library has addresses of this family")]
        // SAFETY: all bits zero is such an address; it lives as long as the call and is as long as it says.
        let result = unsafe {
            let mut address: libc::sockaddr_ll = std::mem::zeroed();
            address.sll_family = libc::AF_PACKET as u16;
            address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
            address.sll_ifindex = interface.cast_signed();
            libc::bind(self.0.as_raw_fd(), (&raw const address).cast(), length as libc::socklen_t)
        };
        check(result)
    }

    /// Shares the packets of its interface with the sockets of a group, by flow. Without one it begins a group,
    /// whose number comes back.
    pub(super) fn share(&self, group: Option<u16>) -> io::Result<u16> {
        const HASH: u32 = 0; // PACKET_FANOUT_HASH
        const UNIQUE: u32 = 0x2000; // PACKET_FANOUT_FLAG_UNIQUEID
        let wish = match group {
            Some(group) => u32::from(group) | HASH << 16,
            None => (HASH | UNIQUE) << 16,
        };
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &wish)?;
        let mut given: u32 = 0;
        self.get(libc::SOL_PACKET, libc::PACKET_FANOUT, &mut given)?;
        Ok((given & 0xffff) as u16)
    }

    /// Has the kernel ask this program which packets to hand over.
    pub(super) fn filter(&self, program: &[Instruction]) -> io::Result<()> {
        filter(&self.0, program)
    }

    /// What was counted since the last time.
    pub(super) fn statistics(&self) -> io::Result<Statistics> {
        let mut statistics = Statistics::default();
        self.get(libc::SOL_PACKET, libc::PACKET_STATISTICS, &mut statistics)?;
        Ok(statistics)
    }

    /// The error that happened to it lately, once.
    pub(super) fn error(&self) -> io::Result<Option<io::Error>> {
        let mut number: libc::c_int = 0;
        self.get(libc::SOL_SOCKET, libc::SO_ERROR, &mut number)?;
        Ok((number != 0).then(|| io::Error::from_raw_os_error(number)))
    }

    fn set<T>(&self, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
        set(&self.0, level, name, value)
    }

    fn get<T: Plain>(&self, level: libc::c_int, name: libc::c_int, to: &mut T) -> io::Result<()> {
        let mut length = size_of::<T>() as libc::socklen_t;
        #[expect(unsafe_code, reason = "no library has these options")]
        // SAFETY: the kernel writes no more than `length` bytes, which `to` has, and any bytes are a `T`.
        let result = unsafe {
            let to = ptr::from_mut(to).cast();
            libc::getsockopt(self.0.as_raw_fd(), level, name, to, &raw mut length)
        };
        check(result)
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Integers only: any bytes are a value.
trait Plain {}
impl Plain for u32 {}
impl Plain for libc::c_int {}
impl Plain for Statistics {}

// === impl RingMapping ===

impl RingMapping {
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// A block, if there is such a one and it is ours: the kernel has done with it.
    pub(super) fn block(&self, number: usize) -> Option<&[u8]> {
        if self.status(number)?.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        #[expect(unsafe_code, reason = "the ring is shared memory")]
        // SAFETY: the block is within the mapping, and the kernel, whose word for it is read before, writes
        // to it again only once it is given back, which needs `&mut self`.
        let bytes = unsafe {
            std::slice::from_raw_parts(
                self.start.as_ptr().add(number * self.block_bytes),
                self.block_bytes,
            )
        };
        Some(bytes)
    }

    /// Gives a block to the kernel.
    pub(super) fn give_back(&mut self, number: usize) {
        if let Some(status) = self.status(number) {
            status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        }
    }

    fn status(&self, number: usize) -> Option<&AtomicU32> {
        if number >= self.blocks || self.block_bytes < STATUS_AT + size_of::<u32>() {
            return None;
        }
        #[expect(unsafe_code, reason = "the ring is shared memory")]
        // SAFETY: the word is within the mapping, aligned as blocks are to pages, and only used as an atomic
        // while the kernel may write to it.
        let status = unsafe {
            AtomicU32::from_ptr(
                self.start.as_ptr().add(number * self.block_bytes + STATUS_AT).cast(),
            )
        };
        Some(status)
    }
}

#[expect(unsafe_code, reason = "a pointer is not sent by itself")]
// SAFETY: nobody else has the mapping; the kernel does not mind which thread looks at it.
unsafe impl Send for RingMapping {}

impl Drop for RingMapping {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the ring is shared memory")]
        // SAFETY: the mapping is ours, and no slice of it outlives it.
        let _unmapped =
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.block_bytes * self.blocks) };
    }
}

/// Has the kernel ask this program which packets to hand over at a socket.
pub(super) fn filter(socket: &impl AsFd, program: &[Instruction]) -> io::Result<()> {
    let length = u16::try_from(program.len())
        .map_err(|_too_long| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut program: Vec<libc::sock_filter> = program
        .iter()
        .map(|one| libc::sock_filter { code: one.code, jt: one.jt, jf: one.jf, k: one.k })
        .collect();
    let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

fn set<T>(socket: &impl AsFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    #[expect(unsafe_code, reason = "no library has these options")]
    // SAFETY: the kernel reads no more than `length` bytes, which `value` has; a program that it points to is the
    // caller's and lives on.
    let result = unsafe {
        let value = ptr::from_ref(value).cast();
        libc::setsockopt(socket.as_fd().as_raw_fd(), level, name, value, length)
    };
    check(result)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn to_size(number: u32) -> io::Result<usize> {
    usize::try_from(number).map_err(|_large| io::ErrorKind::InvalidInput.into())
}
