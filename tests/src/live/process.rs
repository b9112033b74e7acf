//! Processes of others, each with a deadline.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::{tools, wait};

/// How long a client may take for all that it was told to do.
pub const TIMEOUT: Duration = Duration::from_mins(2);

/// A process that came to its end with success.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Which it was.
    pub pid: u32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// A process that runs, with its output kept.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    stdout: File,
    stderr: File,
}

/// Runs `command` to its end; whatever is not success, or takes too long, is an error that shows what it said.
pub fn run(command: &mut Command) -> Result<Finished> {
    Running::start(command)?.finish()
}

// ===== impl Running =====

impl Running {
    /// Starts `command` without standard input, unless it has been given one.
    pub fn start(command: &mut Command) -> Result<Self> {
        Self::spawn(command.stdin(Stdio::null()))
    }

    /// Starts `command` with `input` as its standard input, which then ends.
    pub fn start_with(command: &mut Command, input: &[u8]) -> Result<Self> {
        let mut file = tempfile::tempfile()?;
        std::io::Write::write_all(&mut file, input)?;
        file.rewind()?;
        Self::spawn(command.stdin(file))
    }

    /// Starts `command` with the standard input that it has.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let name = tools::program_name(command);
        let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let child = command
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            .spawn()
            .with_context(|| format!("cannot run {name}"))?;
        Ok(Self { name, child, stdout, stderr })
    }

    /// Which it is.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far.
    pub fn said(&self) -> Result<String> {
        read(&self.stdout)
    }

    /// What it wrote to standard error so far.
    pub fn complained(&self) -> Result<String> {
        read(&self.stderr)
    }

    /// Waits until it has ended, and returns with what code.
    pub fn code(&mut self) -> Result<Option<i32>> {
        Ok(self.child.wait()?.code())
    }

    /// The way in, where it was given a pipe.
    pub fn input(&mut self) -> Result<&mut std::process::ChildStdin> {
        self.child.stdin.as_mut().context("no way in")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits until it has written `text`.
    pub fn wait_until_it_says(&mut self, text: &str) -> Result<()> {
        wait::within(TIMEOUT, &format!("{} to say {text:?}", self.name), || {
            if read(&self.stdout)?.contains(text) {
                return Ok(Some(()));
            }
            let ended = self.child.try_wait()?;
            ensure!(ended.is_none(), "{} ended ({ended:?}): {}", self.name, read(&self.stderr)?);
            Ok(None)
        })
    }

    /// Closes its standard input, waits for its end, and requires success.
    pub fn finish(mut self) -> Result<Finished> {
        drop(self.child.stdin.take());
        let status = wait::within(TIMEOUT, &format!("{} to end", self.name), || {
            Ok(self.child.try_wait()?)
        })
        .with_context(|| format!("it said: {}", read(&self.stderr).unwrap_or_default()))?;
        let (stdout, stderr) = (read(&self.stdout)?, read(&self.stderr)?);
        ensure!(status.success(), "{} failed ({status}):\n{stderr}\n{stdout}", self.name);
        Ok(Finished { pid: self.child.id(), stdout, stderr })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Nothing depends on how it ends.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// All of a file that somebody else writes through the same place in it.
fn read(file: &File) -> Result<String> {
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file));
    let mut text = Vec::new();
    File::open(path)?.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
