//! A disk that is full until it grows.

use super::target::Medium;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub(in crate::export) struct Disk {
    state: Arc<Mutex<State>>,
    is_file: bool,
}

struct State {
    bytes: Vec<u8>,
    room: usize,
}

impl Disk {
    /// One that holds so many bytes, as a regular file.
    pub(in crate::export) fn file(room: usize) -> Self {
        let state = State { bytes: Vec::new(), room };
        Self { state: Arc::new(Mutex::new(state)), is_file: true }
    }

    /// The same, from which nothing can be removed.
    pub(in crate::export) fn stream(room: usize) -> Self {
        Self { is_file: false, ..Self::file(room) }
    }

    /// It holds so many bytes from now on.
    pub(in crate::export) fn grow(&self, room: usize) {
        self.state.lock().unwrap().room = room;
    }

    /// All that is on it.
    pub(in crate::export) fn text(&self) -> String {
        String::from_utf8(self.state.lock().unwrap().bytes.clone()).unwrap()
    }
}

impl Medium for Disk {
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        let count = bytes.len().min(state.room.saturating_sub(state.bytes.len()));
        if count == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        state.bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn cut(&mut self, length: u64) -> io::Result<bool> {
        if self.is_file {
            self.state.lock().unwrap().bytes.truncate(length as usize);
        }
        Ok(self.is_file)
    }
}
