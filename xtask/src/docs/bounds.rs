//! The page of the bounds: the constants `MAX_…` of the sources, with what their comments say.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::row;

/// The folders that are read, with what is in them.
const PARTS: [(&str, &str); 6] = [
    ("agent/core/src", "Engine"),
    ("agent/src", "Agent"),
    ("agent/attach/src", "Files with TLS functions"),
    ("agent/procfs/src", "Processes"),
    ("agent/pcap/src", "Capture files"),
    ("ebpf/common/src", "Kernel side"),
];

/// A constant of the sources.
#[derive(Debug, PartialEq, Eq)]
struct Bound {
    name: String,
    value: String,
    meaning: String,
}

pub(super) fn page(root: &Path) -> Result<String> {
    let mut page = "# Bounds\n\nEvery table, queue and buffer has a bound, so that hostile input cannot fill the memory of \
                    the agent. This page lists the constants of the sources. What is lost at a bound is counted: see \
                    `wrongdoor_events_lost_total` in [Metrics](metrics.md).\n"
        .to_owned();
    for (folder, title) in PARTS {
        write!(
            page,
            "\n## {title}\n\n| file in `{folder}` | constant | value | meaning |\n| --- | --- | --- | --- |\n"
        )?;
        for (file, bounds) in bounds_in(&root.join(folder))? {
            for Bound { name, value, meaning } in bounds {
                let file = file.display().to_string();
                page += &row(&[&file, &format!("`{name}`"), &format!("`{value}`"), &meaning])?;
            }
        }
    }
    Ok(page)
}

fn bounds_in(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<Bound>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                // The agent's folder has the other crates' beside `src`; tests have bounds of their own.
                folders.extend(Some(path).filter(|_| name != "tests"));
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let bounds = bounds_of(&fs::read_to_string(&path)?);
                if !bounds.is_empty() {
                    found.insert(path.strip_prefix(folder)?.to_owned(), bounds);
                }
            }
        }
    }
    Ok(found)
}

/// The constants of a file, in their order. Those of its tests are none.
fn bounds_of(source: &str) -> Vec<Bound> {
    let mut bounds = Vec::new();
    let mut comment = Vec::new();
    for line in source.lines().take_while(|line| *line != "mod tests {") {
        let line = line.trim();
        if let Some(text) = line.strip_prefix("/// ") {
            comment.push(text);
            continue;
        }
        let after_const = line.split_once("const MAX_").map(|(_, rest)| rest);
        let parts = after_const.and_then(|rest| {
            let (name, rest) = rest.split_once(':')?;
            let value = rest.split_once('=')?.1.trim().strip_suffix(';')?;
            Some((format!("MAX_{name}"), value.to_owned()))
        });
        if let Some((name, value)) = parts
            && !comment.is_empty()
        {
            bounds.push(Bound { name, value, meaning: plain(&comment.join(" ")) });
        }
        comment.clear();
    }
    bounds
}

/// A comment without the brackets of its links, which lead nowhere here.
fn plain(comment: &str) -> String {
    comment.replace("[`", "`").replace("`]", "`").replace("`(Self::", "` (`Self::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_come_with_their_comments() {
        let source = "\
/// The most names; beyond [`MAX_OTHERS`]
/// the oldest goes.
pub(crate) const MAX_NAMES: usize = 4 * 1024;
const MAX_BARE: usize = 1;
/// No bound.
const TIMEOUT: u64 = 5;
";
        let expected = Bound {
            name: "MAX_NAMES".to_owned(),
            value: "4 * 1024".to_owned(),
            meaning: "The most names; beyond `MAX_OTHERS` the oldest goes.".to_owned(),
        };
        assert_eq!(bounds_of(source), [expected]);
    }
}
