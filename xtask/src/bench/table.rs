//! The result, for the README.

use std::fmt::Write as _;

use super::measure::Measured;

/// How many times faster than tshark every capture is to be read.
const TARGET_TSHARK: f64 = 50.0;
/// How much memory may be used, in bytes.
const TARGET_MEMORY: u64 = 200 << 20;

/// What was measured on one capture.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) bytes: u64,
    pub(crate) json: Measured,
    pub(crate) table: Measured,
    pub(crate) tcpdump: Measured,
    pub(crate) tshark: Measured,
    /// How many times tcpdump's time may be taken, where there is a target.
    pub(crate) target_tcpdump: Option<f64>,
}

/// All rows, with ratios, then what was missed.
pub(crate) fn markdown(rows: &[Row], runs: usize, tshark_runs: usize) -> String {
    let mut text = String::from(
        "\n| capture | size | program | time | rate | processor | peak memory | tshark ÷ it | it ÷ tcpdump |\n\
         |---|--:|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        line(&mut text, row, "`wrongdoor --format json`", row.json);
        line(&mut text, row, "`wrongdoor --format table`", row.table);
        line(&mut text, row, "`tcpdump -w /dev/null`", row.tcpdump);
        line(&mut text, row, "`tshark -T fields`", row.tshark);
    }
    let plural = if tshark_runs == 1 { "" } else { "s" };
    _ = writeln!(
        text,
        "\nMedian of {runs} runs (tshark: {tshark_runs} run{plural}), output to /dev/null, files in the page cache, {} processors.",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    for row in rows {
        for (program, measured) in [("json", row.json), ("table", row.table)] {
            targets(&mut text, row, program, measured);
        }
    }
    text
}

fn line(text: &mut String, row: &Row, program: &str, measured: Measured) {
    let seconds = measured.time.as_secs_f64();
    _ = writeln!(
        text,
        "| {} | {} MiB | {program} | {seconds:.3} s | {:.0} MiB/s | {:.3} s | {} MiB | {:.1} | {:.2} |",
        row.name,
        row.bytes >> 20,
        row.bytes as f64 / f64::from(1 << 20) / seconds,
        measured.processor.as_secs_f64(),
        measured.memory >> 20,
        ratio(row.tshark, measured),
        ratio(measured, row.tcpdump),
    );
}

fn targets(text: &mut String, row: &Row, program: &str, measured: Measured) {
    let faster = ratio(row.tshark, measured);
    let slower = ratio(measured, row.tcpdump);
    let mut say = |met: bool, what: String| {
        let word = if met { "met" } else { "MISSED" };
        _ = writeln!(text, "- {}, {program}: {what}: {word}", row.name);
    };
    say(faster >= TARGET_TSHARK, format!("{faster:.1} times tshark's speed (≥ {TARGET_TSHARK})"));
    if let Some(target) = row.target_tcpdump {
        say(slower <= target, format!("{slower:.2} times tcpdump's time (≤ {target})"));
    }
    let (used, most) = (measured.memory >> 20, TARGET_MEMORY >> 20);
    say(measured.memory < TARGET_MEMORY, format!("{used} MiB of memory (< {most} MiB)"));
}

fn ratio(a: Measured, b: Measured) -> f64 {
    a.time.as_secs_f64() / b.time.as_secs_f64()
}
