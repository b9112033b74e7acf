//! Captures made by hand or committed, the page that `analyze --report` makes of them, and a browser that reads it.

/// What the command line promises.
mod command;
/// Names that would be markup.
mod hostile;
/// By keyboard, and by search.
mod keyboard;
/// What is on the page, and how it looks.
mod page;
/// A proxy in front.
mod proxies;
/// A hundred thousand requests.
mod size;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use wrongdoor_core::time::Timestamp;
use wrongdoor_tests::binary;
use wrongdoor_tests::browser::Browser;
use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::wire::{Frame, pcap};

/// A page, and the folder that it is in.
struct Page {
    folder: TempDir,
}

impl Page {
    /// Of a committed capture.
    fn of_golden(name: &str) -> Result<Self> {
        let captures = Golden::folder();
        let keys = captures.join(format!("{name}.keys"));
        Self::of(&captures.join(format!("{name}.pcap")), &keys)
    }

    /// Of frames and the secrets for them.
    fn of_frames(frames: &[Frame], keys: &[u8]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (capture, keylog) = (folder.path().join("made.pcap"), folder.path().join("made.keys"));
        fs::write(&capture, pcap(frames)?)?;
        fs::write(&keylog, keys)?;
        Self::of(&capture, &keylog)
    }

    fn of(capture: &Path, keys: &Path) -> Result<Self> {
        let page = Self { folder: tempfile::tempdir()? };
        let mut command = binary::command(&["analyze", "--keylog"]);
        let Output { status, stderr, .. } =
            command.arg(keys).arg("--report").arg(page.file()).arg(capture).output()?;
        ensure!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        Ok(page)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("report.html")
    }

    fn html(&self) -> Result<String> {
        Ok(fs::read_to_string(self.file())?)
    }

    /// In a browser, which has nothing to complain of.
    fn open(&self) -> Result<Browser> {
        let mut browser = Browser::start()?;
        browser.open(&self.file())?;
        let complaints = browser.complaints()?;
        ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
        Ok(browser)
    }
}

/// Several conversations one after the other, a millisecond from frame to frame.
fn in_turn(conversations: &[Vec<Frame>]) -> Vec<Frame> {
    let frames = conversations.iter().flatten().cloned();
    (1..)
        .zip(frames)
        .map(|(tick, frame)| Frame {
            at: Timestamp(1_700_000_000_000_000_000 + tick * 1_000_000),
            ..frame
        })
        .collect()
}
