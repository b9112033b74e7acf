//! Captures made by hand, byte by byte, and what must be read from them.

mod build;
mod damage;
mod formats;
mod opening;
mod properties;
#[cfg(feature = "test-against-packages")]
mod tshark;

use std::io::{Cursor, Read};
use std::path::PathBuf;

use tempfile::TempDir;

use super::{CaptureFile, ReadError, Warning};

/// A packet that outlives its window: time, link type, bytes, original length.
type Seen = (i64, u32, Vec<u8>, u32);

/// All that was read from a capture.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    packets: Vec<Seen>,
    secrets: Vec<Vec<u8>>,
    warnings: Vec<Warning>,
}

fn read(mut capture: CaptureFile) -> Result<Outcome, ReadError> {
    let mut outcome = Outcome::default();
    while let Some(window) = capture.next_window()? {
        assert!(window.packets().len() == window.len());
        for (index, packet) in window.packets().enumerate() {
            assert_eq!(window.get(index), Some(packet));
            let bytes = packet.bytes.to_vec();
            outcome.packets.push((packet.at.0, packet.link.0, bytes, packet.original_len));
        }
        outcome.secrets.extend(window.secrets().map(<[u8]>::to_vec));
    }
    assert!(capture.next_window().unwrap().is_none(), "the end stays the end");
    outcome.warnings = capture.warnings();
    Ok(outcome)
}

fn read_bytes(bytes: &[u8]) -> Result<Outcome, ReadError> {
    read(CaptureFile::from_reader("sample", Cursor::new(bytes.to_vec())))
}

fn read_windows(bytes: &[u8], window: usize) -> Result<Outcome, ReadError> {
    let mut capture = CaptureFile::from_reader("sample", Cursor::new(bytes.to_vec()));
    capture.window_bytes = window;
    read(capture)
}

/// Reads a file that holds `bytes`, which is mapped where they are not compressed.
fn read_file(bytes: &[u8], window: usize) -> Result<Outcome, ReadError> {
    let (_kept, path) = file(bytes);
    let mut capture = CaptureFile::open(&path).unwrap();
    capture.window_bytes = window;
    // As `read_bytes` names it, so that outcomes compare.
    "sample".clone_into(&mut capture.name);
    read(capture)
}

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any.name");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Gives a few bytes at a time, as a pipe may.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.turn += 1;
        let size = self.sizes[self.turn % self.sizes.len()].max(1).min(buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}
