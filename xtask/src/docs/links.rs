//! Links between pages, and to files of the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use wrongdoor_tests::documentation::pages_in;

/// Files beside the pages of `docs/`.
const OTHERS: [&str; 6] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "deploy/chart/wrongdoor/README.md",
    ".github/pull_request_template.md",
];

/// Fails where a relative link of a page leads to no file or to no heading. Links to other sites are not followed.
pub(super) fn check(root: &Path) -> Result<()> {
    let mut pages = pages_in(&root.join("docs/src"))?;
    pages.extend(pages_in(&root.join("dashboards/runbooks"))?);
    pages.extend(OTHERS.iter().map(|other| root.join(other)).filter(|path| path.exists()));
    let mut broken = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page)?;
        let folder = page.parent().unwrap_or(root);
        let is_broken = |target: &&str| !leads_somewhere(folder, page, target);
        broken.extend(targets(&text).into_iter().filter(is_broken).map(|target| {
            format!("{}: {target}", page.strip_prefix(root).unwrap_or(page).display())
        }));
    }
    ensure!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
    println!("{} pages: all links lead somewhere", pages.len());
    Ok(())
}

/// The targets of inline links, outside of code.
fn targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if !is_code {
            let parts = line.split("](").skip(1);
            found.extend(parts.filter_map(|part| part.split_once(')').map(|(target, _)| target)));
        }
    }
    found.retain(|target| !target.contains("://") && !target.starts_with("mailto:"));
    found
}

fn leads_somewhere(folder: &Path, page: &Path, target: &str) -> bool {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() { page.to_owned() } else { folder.join(path) };
    if heading.is_empty() || file.extension().is_none_or(|kind| kind != "md") {
        return file.exists();
    }
    fs::read_to_string(&file).is_ok_and(|text| headings(&text).contains(heading))
}

/// The anchors of the headings, as mdBook and GitHub make them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        if is_code || !line.starts_with('#') {
            continue;
        }
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let unique =
            (1..).map(|nth| format!("{anchor}-{nth}")).find(|next| !anchors.contains(next));
        let anchor = if anchors.contains(&anchor) { unique.unwrap_or_default() } else { anchor };
        anchors.insert(anchor);
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_file_and_a_heading() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let page = folder.path().join("a.md");
        fs::write(&page, "# One\n## `Two` and three\n")?;
        for (target, expected) in [
            ("a.md", true),
            ("a.md#two-and-three", true),
            ("#one", true),
            ("#four", false),
            ("b.md", false),
        ] {
            assert_eq!(leads_somewhere(folder.path(), &page, target), expected, "{target}");
        }
        let text = "[a](a.md) and [b](https://b.example)\n```text\n[c](c.md)\n```\n[d](#d)";
        assert_eq!(targets(text), ["a.md", "#d"]);
        Ok(())
    }
}
