//! The stories of <https://github.com/http2jp/hpack-test-case>: what other encoders write.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;
use wrongdoor_core::seen::Seen;
use wrongdoor_core::wire::hpack::{HpackDecoder, Keep, Value};

/// Decodes the stories of http2jp/hpack-test-case and compares every field.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folder of one encoder, or one of such folders.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// What was compared.
#[derive(Default)]
struct Sums {
    stories: usize,
    blocks: usize,
    fields: usize,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut sums = Sums::default();
    replay_folder(&options.folder, &mut sums)?;
    ensure!(sums.stories > 0, "there are no stories in {}", options.folder.display());
    let Sums { stories, blocks, fields } = sums;
    println!("{stories} stories, {blocks} blocks, {fields} fields: all as they were sent");
    Ok(())
}

fn replay_folder(folder: &Path, sums: &mut Sums) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            replay_folder(&path, sums)?;
        } else if path.extension().is_some_and(|kind| kind == "json") {
            replay(&path, sums).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// One story is one direction of one connection: its blocks in order.
fn replay(path: &Path, sums: &mut Sums) -> Result<()> {
    let story: Json = serde_json::from_slice(&fs::read(path)?)?;
    let cases = story.get("cases").and_then(Json::as_array).context("no cases")?;
    let mut decoder = HpackDecoder::new(|_name| Keep::Whole);
    for (number, case) in cases.iter().enumerate() {
        let sent = fields_sent(case).with_context(|| format!("case {number}"))?;
        let wire = case.get("wire").and_then(Json::as_str).context("no wire")?;
        let read = fields_read(&mut decoder, &hex(wire)?);
        let read = read.with_context(|| format!("case {number}"))?;
        ensure!(read == sent, "case {number}: {read:?} was read where {sent:?} was sent");
        sums.blocks += 1;
        sums.fields += sent.len();
    }
    sums.stories += 1;
    Ok(())
}

/// One object with one member for each field, in order.
fn fields_sent(case: &Json) -> Result<Vec<(String, String)>> {
    let headers = case.get("headers").and_then(Json::as_array).context("no headers")?;
    let members = headers.iter().filter_map(Json::as_object).flatten();
    members
        .map(|(name, value)| Ok((name.clone(), value.as_str().context("no text")?.to_owned())))
        .collect()
}

fn fields_read(decoder: &mut HpackDecoder, block: &[u8]) -> Result<Vec<(String, String)>> {
    let (mut fields, mut unread) = (Vec::new(), 0);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let decoded = decoder.decode(block, |field| match (field.name, field.value) {
        (Seen::Known(name), Value::Known(value)) => fields.push((text(name), text(value))),
        _ => unread += 1,
    });
    match decoded {
        Ok(()) if unread == 0 => Ok(fields),
        Ok(()) => bail!("{unread} fields could not be read"),
        Err(error) => bail!("malformed: {}", error.as_str()),
    }
}

fn hex(text: &str) -> Result<Vec<u8>> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    ensure!(odd.is_empty(), "an odd number of digits");
    pairs.iter().map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}
