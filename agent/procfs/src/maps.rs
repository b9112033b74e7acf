//! `/proc/PID/maps`: the files that code comes from.

use super::{Device, FileId, MappedFile};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, BufRead};
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The most that is read of one process's maps. A process may have 65,530 mappings, and in a hostile container they all
/// have paths of 4 KiB. 8 MiB is that many with honest ones.
pub(super) const MAX_BYTES: u64 = 8 << 20;
/// The most files of one process. Browsers and desktops have some 300.
pub(super) const MAX_FILES: usize = 1024;
/// The most bytes of paths of one process.
pub(super) const MAX_PATH_BYTES: usize = 256 << 10;
const DELETED: &[u8] = b" (deleted)";

/// The files of one process.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) mapped: Vec<MappedFile>,
    /// A bound was reached, and there may be more.
    pub(super) is_cut: bool,
    /// The bytes of all paths.
    pub(super) path_bytes: usize,
    /// The bytes that were read.
    pub(super) read_bytes: u64,
}

/// One line, of a mapping of a file.
struct Line<'a> {
    range: Range<u64>,
    is_executable: bool,
    file: FileId,
    /// Still with ` (deleted)`.
    path: &'a [u8],
}

/// Each file that is mapped for execution, once. `program` is where `/proc/PID/exe` points: it counts even
/// where its code was copied elsewhere, as some programs do to have it in large pages.
pub(super) fn read(maps: impl BufRead, program: &[u8]) -> io::Result<Files> {
    let mut maps = maps.take(MAX_BYTES);
    let mut files = Files::default();
    let mut places = HashMap::new();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if maps.read_until(b'\n', &mut bytes)? == 0 {
            files.is_cut |= maps.limit() == 0;
            files.read_bytes = MAX_BYTES - maps.limit();
            return Ok(files);
        }
        if let Some(line) = parse(bytes.trim_ascii_end()) {
            files.add(&line, program, &mut places);
        }
    }
}

fn parse(line: &[u8]) -> Option<Line<'_>> {
    let mut fields = line.splitn(6, |byte| *byte == b' ');
    let mut text = || std::str::from_utf8(fields.next()?).ok();
    let (start, end) = text()?.split_once('-')?;
    let permissions = text()?;
    let _offset = text()?;
    let (major, minor) = text()?.split_once(':')?;
    let inode = text()?.parse().ok().filter(|inode| *inode != 0)?;
    let path = fields.next()?.trim_ascii_start();
    let hex = |digits| u32::from_str_radix(digits, 16).ok();
    let address = |digits| u64::from_str_radix(digits, 16).ok();
    path.starts_with(b"/").then_some(Line {
        range: address(start)?..address(end)?,
        is_executable: permissions.contains('x'),
        file: FileId { device: Device { major: hex(major)?, minor: hex(minor)? }, inode },
        path,
    })
}

impl Files {
    fn add(&mut self, line: &Line<'_>, program: &[u8], places: &mut HashMap<FileId, usize>) {
        let raw = unescape(line.path);
        let is_program = raw == program;
        if !line.is_executable && !is_program {
            return;
        }
        if let Some(mapped) = places.get(&line.file).and_then(|at| self.mapped.get_mut(*at)) {
            mapped.is_program |= is_program;
            return;
        }
        let (path, is_deleted) = match raw.strip_suffix(DELETED) {
            Some(path) => (path.to_vec(), true),
            None => (raw, false),
        };
        let path_bytes = self.path_bytes.saturating_add(path.len());
        if self.mapped.len() >= MAX_FILES || path_bytes > MAX_PATH_BYTES {
            self.is_cut = true;
            return;
        }
        self.path_bytes = path_bytes;
        places.insert(line.file, self.mapped.len());
        let path = PathBuf::from(OsString::from_vec(path));
        let (file, range) = (line.file, line.range.clone());
        self.mapped.push(MappedFile { file, path, range, is_deleted, is_program });
    }
}

/// The kernel writes line feeds as `\012`, and nothing else so: a path that holds these four characters
/// cannot be told from one with a line feed, and is then not found.
fn unescape(path: &[u8]) -> Vec<u8> {
    const ESCAPE: &[u8] = br"\012";
    // All but the rarest have none.
    if !path.contains(&b'\\') {
        return path.to_vec();
    }
    let mut whole = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, behind)) = rest.split_first() {
        match rest.strip_prefix(ESCAPE) {
            Some(behind) => {
                whole.push(b'\n');
                rest = behind;
            }
            None => {
                whole.push(*first);
                rest = behind;
            }
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Files {
        read(text.as_bytes(), b"/usr/bin/nginx").unwrap()
    }

    #[test]
    fn code_and_the_program_count() {
        let files = files(
            "\
00400000-00401000 r--p 00000000 fe:00 7                     /usr/bin/nginx
00401000-00402000 r-xp 00001000 fe:00 7                     /usr/bin/nginx
01000000-01001000 rw-p 00000000 00:00 0                     [heap]
7f0000000000-7f0000001000 r--p 00000000 103:1f 9            /lib/lib a.so (deleted)
7f0000001000-7f0000002000 r-xp 00001000 103:1f 9            /lib/lib a.so (deleted)
7f0000003000-7f0000004000 r--p 00000000 fe:00 10            /usr/share/locale
7f0000004000-7f0000005000 r-xp 00000000 00:00 0             [vdso]
7f0000005000-7f0000006000 rwxp 00000000 00:0e 12            anon_inode:[perf_event]
7f0000006000-7f0000007000 r-xp 00000000 fe:00 13            /lib/line\\012feed.so
",
        );
        let shown: Vec<_> = files
            .mapped
            .iter()
            .map(|m| {
                let path = m.path.to_str().unwrap();
                (m.file.to_string(), path, m.range.start, m.is_deleted, m.is_program)
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("254:0 inode 7".to_owned(), "/usr/bin/nginx", 0x40_0000, false, true),
                ("259:31 inode 9".to_owned(), "/lib/lib a.so", 0x7f00_0000_1000, true, false),
                ("254:0 inode 13".to_owned(), "/lib/line\nfeed.so", 0x7f00_0000_6000, false, false),
            ]
        );
        assert!(!files.is_cut);
    }

    #[test]
    fn what_is_no_mapping_is_passed_over() {
        let text = "\n-\nx-y r-xp 0 0:0 1 /a\n0-1 r-xp 0 zz 1 /a\n0-1 r-xp 0 0:0 99999999999999999999 /a\n0-1\n";
        assert!(files(text).mapped.is_empty());
        assert!(read(&[0xff, b' ', b'\n', 0, 0][..], b"").unwrap().mapped.is_empty());
    }

    #[test]
    fn files_and_their_paths_are_bounded() {
        let many: String =
            (1..=MAX_FILES + 1).map(|n| format!("0-1 r-xp 0 0:1 {n} /a\n")).collect();
        assert_eq!((files(&many).mapped.len(), files(&many).is_cut), (MAX_FILES, true));
        let path = "a".repeat(4095);
        let long: String = (1..=100).map(|n| format!("0-1 r-xp 0 0:1 {n} /{path}\n")).collect();
        let files = files(&long);
        assert_eq!(
            (files.mapped.len(), files.path_bytes, files.is_cut),
            (64, MAX_PATH_BYTES, true)
        );
    }

    #[test]
    fn reading_ends_at_its_bound() {
        let endless = io::BufReader::new(io::repeat(b'a'));
        assert!(read(endless, b"").unwrap().is_cut);
    }
}
