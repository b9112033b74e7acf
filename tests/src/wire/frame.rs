//! Captured frames: read from a capture file, and written as one.

use std::fs::File;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result};
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::LinkType;
use wrongdoor_pcap::CaptureFile;

/// A captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it was captured.
    pub at: Timestamp,
    /// What it begins with.
    pub link: LinkType,
    /// What was captured of it.
    pub bytes: Vec<u8>,
    /// Its length on the wire.
    pub wire_len: usize,
}

// ===== impl Frame =====

impl Frame {
    /// As a capture with a snap length of `len` has it.
    #[must_use]
    pub fn snapped(&self, len: usize) -> Self {
        let mut frame = self.clone();
        frame.bytes.truncate(len);
        frame
    }
}

/// The frames of a capture file.
pub fn read(file: &Path) -> Result<Vec<Frame>> {
    let opened = File::open(file).with_context(|| file.display().to_string())?;
    frames(CaptureFile::from_reader(file.display().to_string(), opened))
}

/// The frames of a capture in memory, as far as it can be read; none of what is no capture.
pub fn read_bytes(capture: Vec<u8>) -> Result<Vec<Frame>> {
    frames(CaptureFile::from_reader("memory", Cursor::new(capture)))
}

fn frames(mut capture: CaptureFile) -> Result<Vec<Frame>> {
    let mut frames = Vec::new();
    while let Some(window) = capture.next_window()? {
        frames.extend(window.packets().map(|packet| Frame {
            at: packet.at,
            link: packet.link,
            bytes: packet.bytes.to_vec(),
            wire_len: usize::try_from(packet.original_len).unwrap_or(usize::MAX),
        }));
    }
    Ok(frames)
}

/// A pcap file of `frames`, with nanoseconds. They share a link type.
pub fn pcap(frames: &[Frame]) -> Result<Vec<u8>> {
    let link = frames.first().map_or(1, |frame| frame.link.0);
    let mut file = Vec::new();
    for field in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 0x0004_0000, link] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    for frame in frames {
        let seconds = u32::try_from(frame.at.0.div_euclid(1_000_000_000))?;
        let nanoseconds = u32::try_from(frame.at.0.rem_euclid(1_000_000_000))?;
        let lengths = [u32::try_from(frame.bytes.len())?, u32::try_from(frame.wire_len)?];
        for field in [seconds, nanoseconds].into_iter().chain(lengths) {
            file.extend_from_slice(&field.to_le_bytes());
        }
        file.extend_from_slice(&frame.bytes);
    }
    Ok(file)
}
