//! Reads of a file, bounded in their sum.
//!
//! Never mapped: a file that another program cuts short would kill this one by SIGBUS.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;

use object::pod::{self, Pod};

use super::limits::{CHUNK_BYTES, MAX_READ_BYTES, MAX_SEARCHED_BYTES};
use super::refusal::Reason;

/// A file with what may still be read of it.
#[derive(Debug)]
pub(super) struct BoundedReader<'a> {
    file: &'a File,
    size: u64,
    limit: u64,
    left: Cell<u64>,
}

/// Little-endian numbers in a piece of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

// === impl BoundedReader ===

impl<'a> BoundedReader<'a> {
    pub(super) fn new(file: &'a File, size: u64) -> Self {
        Self::with_limit(file, size, MAX_READ_BYTES)
    }

    /// Of which no more than `limit` bytes are read.
    pub(super) fn with_limit(file: &'a File, size: u64, limit: u64) -> Self {
        Self { file, size, limit, left: Cell::new(limit) }
    }

    /// The same file, for a search through all of it.
    pub(super) fn for_search(&self) -> Self {
        Self::with_limit(self.file, self.size, MAX_SEARCHED_BYTES)
    }

    /// The file's size, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The `length` bytes at `offset`, all of them.
    pub(super) fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Reason> {
        let end = offset.checked_add(length);
        if end.is_none_or(|end| end > self.size) {
            return Err(Reason::Damaged("a part of it lies behind its end"));
        }
        let left = self.left.get().checked_sub(length);
        self.left.set(left.ok_or(Reason::ReadsTooMuch { limit: self.limit })?);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Reason::Changed),
            Err(error) => Err(error.into()),
        }
    }

    /// As much of the `length` bytes at `offset` as the file has.
    pub(super) fn read_up_to(&self, offset: u64, length: u64) -> Result<Vec<u8>, Reason> {
        self.read(offset.min(self.size), length.min(self.size.saturating_sub(offset)))
    }

    /// Walks through `length` bytes at `offset`: pieces in order, each beginning with the last `overlap`
    /// bytes of the one before.
    pub(super) fn walk<B>(
        &self,
        offset: u64,
        length: u64,
        overlap: usize,
        mut see: impl FnMut(u64, &[u8]) -> ControlFlow<B>,
    ) -> Result<Option<B>, Reason> {
        let mut carried = Vec::new();
        let mut done = 0;
        while done < length {
            let more = (length - done).min(CHUNK_BYTES as u64);
            let begins = done - carried.len() as u64;
            carried.extend_from_slice(&self.read(offset.saturating_add(done), more)?);
            if let ControlFlow::Break(found) = see(begins, &carried) {
                return Ok(Some(found));
            }
            carried.drain(..carried.len().saturating_sub(overlap));
            done += more;
        }
        Ok(None)
    }
}

// === impl Fields ===

impl<'a> Fields<'a> {
    fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }

    pub(super) fn u32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn u64(self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// The bytes from `at` on, up to a NUL.
    pub(super) fn text(self, at: usize) -> Option<&'a [u8]> {
        self.0.get(at..)?.split(|&byte| byte == 0).next()
    }
}

/// The entries of a table in a piece of the file; what is left of one at its end is passed over.
pub(super) fn entries<T: Pod>(bytes: &[u8]) -> &[T] {
    let count = bytes.len() / size_of::<T>();
    pod::slice_from_bytes(bytes, count).map_or(&[], |(entries, _)| entries)
}
