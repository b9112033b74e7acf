//! Inputs that cannot be opened, and those that are not regular files.

use std::error::Error;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;

use super::build::{Order, pcap_header, record, samples};
use super::{CaptureFile, file, read};
use crate::CaptureOpenError;

#[test]
fn what_cannot_be_opened_says_so() {
    let missing = CaptureFile::open(Path::new("/no/such/file")).unwrap_err();
    assert_eq!(missing.to_string(), "cannot open capture `/no/such/file`");
    assert!(missing.source().unwrap().to_string().contains("No such file"));
    let folder = tempfile::tempdir().unwrap();
    let directory = CaptureFile::open(folder.path()).unwrap_err();
    assert!(matches!(directory, CaptureOpenError::Directory { .. }), "{directory}");
}

#[test]
fn a_pipe_by_its_path_is_streamed() {
    let (_, bytes, expected) = samples().remove(1);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let capture = CaptureFile::open(Path::new(&path)).unwrap();
    std::io::Write::write_all(&mut writer, &bytes).unwrap();
    drop(writer);
    assert_eq!(capture.size(), None);
    assert_eq!(read(capture).unwrap().packets, expected);
}

#[test]
fn the_position_ends_at_the_size() {
    for (name, bytes, _) in samples() {
        let (_kept, path) = file(&bytes);
        let mut capture = CaptureFile::open(&path).unwrap();
        assert_eq!((capture.size(), capture.position()), (Some(bytes.len() as u64), 0));
        while capture.next_window().unwrap().is_some() {}
        assert_eq!(capture.position(), bytes.len() as u64, "{name}");
    }
}

#[test]
fn windows_are_shared_and_outlive_their_neighbours() {
    fn shareable<T: Send + Sync>(_: &T) {}
    let mut bytes = pcap_header(Order::Little, 0xa1b2_c3d4, 65535, 1);
    for n in 0..1000_u32 {
        bytes.extend(record(Order::Little, n, 0, &[n as u8; 100], 100));
    }
    let (_kept, path) = file(&bytes);
    let mut capture = CaptureFile::open(&path).unwrap();
    capture.window_bytes = 5_000;
    let mut windows = Vec::new();
    while let Some(window) = capture.next_window().unwrap() {
        shareable(&window);
        windows.push(Arc::new(window));
    }
    drop(capture);
    // Letting go of one, pages shared with the next included, takes nothing from the next.
    let mut n = 0;
    for window in windows {
        for packet in window.packets() {
            assert_eq!(packet.bytes, [n as u8; 100]);
            n += 1;
        }
    }
    assert_eq!(n, 1000);
}

#[test]
fn a_file_that_shrinks_between_windows_ends_early() {
    let mut bytes = pcap_header(Order::Little, 0xa1b2_c3d4, 65535, 1);
    for n in 0..1000_u32 {
        bytes.extend(record(Order::Little, n, 0, &[1; 100], 100));
    }
    let (_kept, path) = file(&bytes);
    let mut capture = CaptureFile::open(&path).unwrap();
    capture.window_bytes = 5_000;
    let first = capture.next_window().unwrap().unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(50_000).unwrap();
    let outcome = read(capture).unwrap();
    assert_eq!(first + outcome.packets.len(), (50_000 - 24) / 116);
    assert_eq!(outcome.warnings.len(), 1);
}
