//! `wrongdoor analyze`: captures in, verdicts out.

use crate::capture::file::CaptureFile;
use crate::cli::{Analyze, FailOn, Format};
use crate::export::{JsonLines, Output, Record, Sink, Summary, Table};
use crate::failure::{self, Failure, complain};
use crate::pipeline;
use crate::progress::Progress;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wrongdoor_core::tls::keylog::KeyLog;

/// Runs the command. Everything is opened before anything is read.
pub(super) fn run(arguments: &Analyze) -> Result<ExitCode, Failure> {
    if arguments.files.iter().filter(|file| file.as_os_str() == "-").count() > 1 {
        return Err(Failure::StandardInputTwice);
    }
    let captures = arguments
        .files
        .iter()
        .map(|path| CaptureFile::open(path))
        .collect::<Result<Vec<_>, _>>()?;
    let keys = read_key_logs(&arguments.keylog)?;
    if let Some(output) = &arguments.output {
        check_is_no_input(output, arguments)?;
    }
    let output = Output::open(arguments.output.as_deref())?;
    let mut sink: Box<dyn Sink> = match arguments.format {
        Format::Table => Box::new(Table::new(output)),
        Format::Json => Box::new(JsonLines::new(output)),
    };
    let progress = Progress::new(captures.iter().map(CaptureFile::size));
    let mut written = Ok(());
    let (summary, read) = pipeline::run(captures, keys, &progress, |record: &Record| {
        if written.is_ok() {
            written = sink.record(record);
        }
        written.is_ok()
    });
    progress.finish();
    written?;
    // Where nothing at all could be read, there is nothing to report on.
    if read.is_ok() || summary.packets > 0 {
        sink.finish(&summary)?;
    }
    read?;
    Ok(exit_code(arguments.fail_on, &summary))
}

/// Opening the output empties it.
fn check_is_no_input(output: &Path, arguments: &Analyze) -> Result<(), Failure> {
    let identity = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
    };
    let mut inputs = arguments.files.iter().chain(&arguments.keylog);
    match identity(output) {
        Some(file) if inputs.any(|input| identity(input) == Some(file)) => {
            Err(Failure::OutputIsInput { name: output.display().to_string() })
        }
        _ => Ok(()),
    }
}

fn exit_code(fail_on: Option<FailOn>, summary: &Summary) -> ExitCode {
    let matched = match fail_on {
        None => false,
        Some(FailOn::Misdirected) => summary.misdirected > 0,
        Some(FailOn::Mismatched) => summary.misdirected + summary.mismatched > 0,
    };
    if matched { ExitCode::from(failure::MATCHED) } else { ExitCode::SUCCESS }
}

fn read_key_logs(paths: &[PathBuf]) -> Result<KeyLog, Failure> {
    let mut keys = KeyLog::default();
    for path in paths {
        let before = keys.malformed_lines;
        keys.add(&read_key_log(path)?);
        let malformed = keys.malformed_lines - before;
        if malformed > 0 {
            complain(&format!(
                "wrongdoor: warning: key log `{}`: {malformed} lines are not key log entries",
                path.display()
            ));
        }
    }
    if keys.dropped_connections > 0 {
        let dropped = keys.dropped_connections;
        complain(&format!(
            "wrongdoor: warning: the key logs hold too many connections; {dropped} are left out"
        ));
    }
    Ok(keys)
}

fn read_key_log(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|source| Failure::KeyLog { name: path.display().to_string(), source })
}
