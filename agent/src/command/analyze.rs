//! `wrongdoor analyze`: captures in, verdicts out.

use crate::cli::{Analyze, FailOn, Format};
use crate::error::Error;
use crate::exit_status;
use crate::export::{HtmlReport, JsonLines, Output, PatternTable, Record, Sink, Summary, unread};
use crate::progress::Progress;
use crate::{pipeline, text};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wrongdoor_core::wire::tls::keylog::KeyLog;
use wrongdoor_pcap::CaptureFile;

/// Runs the command. Everything is opened before anything is read.
pub(super) fn run(arguments: &Analyze) -> Result<ExitCode, Error> {
    if arguments.files.iter().filter(|file| file.as_os_str() == "-").count() > 1 {
        return Err(Error::StandardInputTwice);
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
    let mut report = begin_report(arguments)?;
    let output = Output::open(arguments.output.as_deref())?;
    let mut sink: Box<dyn Sink> = match arguments.format {
        Format::Table => Box::new(PatternTable::new(output)),
        Format::Json => Box::new(JsonLines::new(output)),
    };
    let progress = Progress::new(captures.iter().map(CaptureFile::size));
    let mut written = Ok(());
    let (summary, read) = pipeline::run(captures, keys, &progress, |record: &Record| {
        if written.is_ok() {
            written = sink.record(record);
            if let (Ok(()), Some(report)) = (&written, &mut report) {
                written = report.record(record);
            }
        }
        written.is_ok()
    });
    progress.finish();
    written?;
    // Where nothing at all could be read, there is nothing to report on.
    if read.is_ok() || summary.packets > 0 {
        sink.finish(&summary)?;
        if let Some(report) = &mut report {
            if read.is_err() {
                report.breaks_off();
            }
            report.finish(&summary)?;
        }
    }
    read?;
    Ok(exit_code(&arguments.fail_on, &summary))
}

/// The page, if one is asked for: it takes nothing else's place.
fn begin_report(arguments: &Analyze) -> Result<Option<HtmlReport>, Error> {
    let Some(path) = &arguments.report else { return Ok(None) };
    if path.as_os_str() == "-" {
        return Err(Error::ReportOnStandardOutput);
    }
    check_is_no_input(path, arguments)?;
    if arguments.output.as_deref().is_some_and(|output| is_same(output, path)) {
        return Err(Error::ReportIsOutput { path: path.clone() });
    }
    Ok(Some(HtmlReport::begin(path, &arguments.files)?))
}

/// The same file, whether it is there yet or not.
fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        std::fs::canonicalize(path).ok().or_else(|| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = std::fs::canonicalize(folder.unwrap_or_else(|| Path::new("."))).ok()?;
            Some(folder.join(path.file_name()?))
        })
    };
    one == other || place(one).is_some_and(|place_of_one| Some(place_of_one) == place(other))
}

/// Opening the output empties it.
fn check_is_no_input(output: &Path, arguments: &Analyze) -> Result<(), Error> {
    let identity = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
    };
    let mut inputs = arguments.files.iter().chain(&arguments.keylog);
    match identity(output) {
        Some(file) if inputs.any(|input| identity(input) == Some(file)) => {
            Err(Error::OutputIsInput { path: output.to_owned() })
        }
        _ => Ok(()),
    }
}

fn exit_code(fail_on: &[FailOn], summary: &Summary) -> ExitCode {
    let is_matched = |wanted: &FailOn| match wanted {
        FailOn::Misdirected => summary.misdirected > 0,
        FailOn::Mismatched => summary.misdirected + summary.mismatched > 0,
        FailOn::Unreadable => unread::is_any(summary),
    };
    let code = if fail_on.iter().any(is_matched) { exit_status::MATCHED } else { 0 };
    ExitCode::from(code)
}

fn read_key_logs(paths: &[PathBuf]) -> Result<KeyLog, Error> {
    let mut keys = KeyLog::default();
    for path in paths {
        let before = keys.malformed_lines;
        keys.add(&read_key_log(path)?);
        let malformed = keys.malformed_lines - before;
        if malformed > 0 {
            text::warn(&format!(
                "wrongdoor: warning: key log `{}`: {malformed} lines are not key log entries",
                path.display()
            ));
        }
    }
    if keys.dropped_connections > 0 {
        let dropped = keys.dropped_connections;
        text::warn(&format!(
            "wrongdoor: warning: the key logs hold too many connections; {dropped} are left out"
        ));
    }
    Ok(keys)
}

fn read_key_log(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::KeyLog { path: path.to_owned(), source })
}
