//! A capture in the page cache, read in place.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use memmap2::{Advice, Mmap, UncheckedAdvice};

/// A capture file as memory.
///
/// Only regular files are mapped, and only as far as they reach when they are opened. If another
/// program cuts the file short meanwhile, touching a page behind its new end kills this process
/// (SIGBUS). That cannot be excluded, only made unlikely: the length is asked for anew before each
/// window. A capture that is still rotated or truncated belongs on standard input.
#[derive(Debug)]
pub(super) struct CaptureMapping {
    map: Mmap,
    file: File,
}

/// A position in a mapped capture.
#[derive(Debug)]
pub(super) struct MappedCapture {
    mapping: Arc<CaptureMapping>,
    at: usize,
}

/// A part of a mapping whose pages are released when it is dropped.
#[derive(Debug)]
pub(super) struct MappedRange {
    mapping: Arc<CaptureMapping>,
    range: Range<usize>,
}

// === impl CaptureMapping ===

impl CaptureMapping {
    #[expect(unsafe_code, reason = "a capture larger than memory is read in place")]
    pub(super) fn new(file: File) -> Result<Self, File> {
        // SAFETY: the map is only ever read, as plain bytes. Writers of the same file may change
        // them under us; every length read from it is therefore checked against the slice at the
        // moment of its use, and no decision relies on reading the same bytes twice.
        let Ok(map) = (unsafe { Mmap::map(&file) }) else { return Err(file) };
        // Without effect where refused: it is advice.
        drop(map.advise(Advice::Sequential));
        Ok(Self { map, file })
    }

    fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// The first bytes, to tell what the file is; none where it was emptied meanwhile.
    pub(super) fn start(&self) -> &[u8] {
        self.bytes().get(..self.backed().min(4)).unwrap_or_default()
    }

    /// The file, as unread as it was.
    pub(super) fn into_file(self) -> File {
        self.file
    }

    /// How much of the map is still backed by the file.
    fn backed(&self) -> usize {
        let len = self.file.metadata().map_or(0, |metadata| metadata.len());
        usize::try_from(len).unwrap_or(usize::MAX).min(self.map.len())
    }

    /// Lets go of the pages that `range` touches.
    ///
    /// Pages shared with a neighbouring window go too: whoever still wants one faults it in anew,
    /// and no page is left behind between two windows.
    #[expect(unsafe_code, reason = "pages behind the reader would fill the memory")]
    pub(super) fn release(&self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        // SAFETY: the map is shared and backed by a file, and nothing writes through it, so a page
        // that is dropped and touched again comes back with the file's content. Out-of-bounds
        // ranges are refused.
        let released = unsafe {
            self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len())
        };
        // Refused: then the kernel reclaims the pages when it needs them.
        drop::<io::Result<()>>(released);
    }
}

// === impl MappedCapture ===

impl MappedCapture {
    pub(super) fn new(mapping: CaptureMapping) -> Self {
        Self { mapping: Arc::new(mapping), at: 0 }
    }

    pub(super) fn mapping(&self) -> &CaptureMapping {
        &self.mapping
    }

    /// Everything that is left.
    pub(super) fn rest(&self) -> &[u8] {
        let end = self.mapping.backed();
        self.mapping.bytes().get(self.at..end).unwrap_or_default()
    }

    pub(super) fn position(&self) -> u64 {
        self.at as u64
    }

    /// Moves past the next `n` bytes and returns them.
    pub(super) fn take(&mut self, n: usize) -> MappedRange {
        let end = self.at.saturating_add(n).min(self.mapping.bytes().len());
        let range = self.at..end;
        self.at = end;
        MappedRange { mapping: Arc::clone(&self.mapping), range }
    }

    /// Moves past the next `n` bytes; false where there are fewer.
    pub(super) fn skip(&mut self, n: u64) -> bool {
        let left = self.mapping.backed().saturating_sub(self.at);
        match usize::try_from(n) {
            Ok(n) if n <= left => {
                self.at += n;
                true
            }
            _ => {
                self.at += left;
                false
            }
        }
    }
}

// === impl MappedRange ===

impl MappedRange {
    pub(super) fn bytes(&self) -> &[u8] {
        self.mapping.bytes().get(self.range.clone()).unwrap_or_default()
    }
}

impl Drop for MappedRange {
    fn drop(&mut self) {
        self.mapping.release(self.range.clone());
    }
}
