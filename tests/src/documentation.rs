//! The pages of the documentation.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// All pages in a folder and in its folders, in the order of their paths.
pub fn pages_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut pages, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    Ok(pages)
}
