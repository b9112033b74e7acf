//! Files that are read whole.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The text of a file that is one: others may never end, and are not waited for.
pub(crate) fn read_file(path: &Path, max_bytes: u64) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(max_bytes + 1).read_to_string(&mut text)?;
    if text.len() as u64 > max_bytes {
        return Err(io::Error::other(format!("larger than {max_bytes} bytes")));
    }
    Ok(text)
}
