//! Processes that encrypt with something that cannot be looked into: said, so that nobody takes their
//! silence for health.

use super::{MappedFile, MappedFileError, ProcessSeen, open};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Programs below this size have no TLS linked in: of any library that can be told, the code alone is more.
const MIN_SEARCHED: u64 = 1 << 20;
/// What is searched of a program. Linkers that BoringSSL's users use put constants in front of code.
const MAX_SEARCHED: u64 = 64 << 20;
const CHUNK: usize = 256 << 10;
/// What stands in programs with TLS linked in, symbols or not: names of source files, in tables of errors and in
/// messages of panics, whatever folder they were built in. In front of a `/`, behind it, and what it is a mark of.
/// A library's own name is none: programs that only know of it say it too.
const MARKS: [(&[u8], &[u8], Unseen); 4] = [
    (b"ssl", b"ssl_lib.cc", BORINGSSL),
    (b"ssl", b"tls13_client.cc", BORINGSSL),
    (b"ssl", b"ssl_lib.c\0", OPENSSL),
    (b"", b"rustls-0.", RUSTLS),
];
/// The longest of them.
const LONGEST: usize = 19;

/// All libraries, seen or not, by the names of a label's values.
pub const LIBRARY_NAMES: [&str; 11] = [
    "openssl",
    "boringssl",
    "gnutls",
    "go",
    "rustls",
    "nss",
    "jsse",
    "mbedtls",
    "wolfssl",
    "s2n",
    "other",
];

/// TLS that the agent cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// What encrypts.
    pub what: &'static str,
    /// The library, by the name of a label's value.
    pub library: &'static str,
    /// What can be done.
    pub remedy: &'static str,
}

/// The beginnings of file names of libraries, and what they mean. Of OpenSSL and GnuTLS there is none: they
/// are seen. `libssl3.so` is NSS; OpenSSL 3 is `libssl.so.3`. `libnss3.so` alone is none: Chromium takes certificates from it.
const LIBRARIES: &[(&str, Unseen)] = &[
    (
        "libjvm.so",
        Unseen {
            what: "Java's own TLS (JSSE)",
            library: "jsse",
            remedy: "use netty-tcnative or Conscrypt with a shared OpenSSL, or capture packets with a key log",
        },
    ),
    ("libssl3.so", NSS),
    ("libmbedtls.so", Unseen { what: "mbed TLS", library: "mbedtls", remedy: CAPTURE }),
    ("libwolfssl.so", Unseen { what: "wolfSSL", library: "wolfssl", remedy: CAPTURE }),
    ("libs2n.so", Unseen { what: "s2n-tls", library: "s2n", remedy: CAPTURE }),
    ("libmatrixssl.so", Unseen { what: "MatrixSSL", library: "other", remedy: CAPTURE }),
    ("libbearssl.so", Unseen { what: "BearSSL", library: "other", remedy: CAPTURE }),
    ("librustls.so", RUSTLS),
];

const BORINGSSL: Unseen = Unseen {
    what: "BoringSSL or AWS-LC without symbols",
    library: "boringssl",
    remedy: "report the version of the program, use a build that is not stripped, or watch the other end of its connections",
};
const OPENSSL: Unseen = Unseen {
    what: "OpenSSL linked in, without symbols",
    library: "openssl",
    remedy: "use a build that is not stripped, or one with a shared OpenSSL",
};
const NSS: Unseen = Unseen { what: "NSS", library: "nss", remedy: CAPTURE };
const RUSTLS: Unseen = Unseen { what: "rustls", library: "rustls", remedy: CAPTURE };
const CAPTURE: &str = "capture packets with SSLKEYLOGFILE set where the program supports it";

/// TLS of this process that cannot be looked into, by the libraries that it has mapped.
///
/// It may use another one beside it, which is seen; and one that is part of its program is not known by
/// name: for that there is [`linked_in`].
pub fn unseen(process: &ProcessSeen) -> Option<Unseen> {
    process.mapped.iter().find_map(|mapped| {
        let name = mapped.path.file_name()?.to_str()?;
        let (_, unseen) = LIBRARIES.iter().find(|(library, _)| begins_with(name, library))?;
        Some(*unseen)
    })
}

/// `libssl3.so` and `libssl3.so.1`, not `libssl3.something`.
fn begins_with(name: &str, library: &str) -> bool {
    name.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A file that a process has mapped, open to be searched, and its length. None where it is too small to have TLS in it, and
/// where it is this very program: the agent's own requests are no traffic of the node.
pub fn searchable(
    proc: &Path,
    pid: u32,
    mapped: &MappedFile,
) -> Result<Option<(File, u64)>, MappedFileError> {
    if is_this(mapped) {
        return Ok(None);
    }
    let opened = open(proc, pid, mapped)?;
    let file = File::open(opened.path()).map_err(MappedFileError::Refused)?;
    let length = file.metadata().map_err(MappedFileError::Refused)?.len();
    Ok((length >= MIN_SEARCHED).then_some((file, length)))
}

/// Whether it is the program of this process, an agent's or a probe's. File systems show other devices on files than in
/// maps; the path and the inode are the same in both.
fn is_this(program: &MappedFile) -> bool {
    let own = Path::new("/proc/self/exe");
    let inode = std::fs::metadata(own).map(|metadata| metadata.ino()).ok();
    inode == Some(program.file.inode)
        && std::fs::read_link(own).is_ok_and(|path| path == program.path)
}

/// TLS that is a part of a program. Worth asking once for each program that has no symbols of it: with them it
/// is seen.
pub fn linked_in(program: impl Read) -> io::Result<Option<Unseen>> {
    let mut program = program.take(MAX_SEARCHED);
    let mut window = Vec::with_capacity(CHUNK + LONGEST);
    loop {
        // A mark may lie across two chunks.
        let kept = window.len().saturating_sub(LONGEST - 1);
        window.drain(..kept);
        if program.by_ref().take(CHUNK as u64).read_to_end(&mut window)? == 0 {
            return Ok(None);
        }
        if let Some(found) = mark(&window) {
            return Ok(Some(found));
        }
    }
}

fn mark(bytes: &[u8]) -> Option<Unseen> {
    let slashes = memchr::memchr_iter(b'/', bytes);
    slashes.map(|at| bytes.split_at(at)).find_map(|(before, from)| {
        let is_there = |(front, behind, _): &&(&[u8], &[u8], Unseen)| {
            before.ends_with(front) && from.get(1..).is_some_and(|rest| rest.starts_with(behind))
        };
        MARKS.iter().find(is_there).map(|(_, _, unseen)| *unseen)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::process;
    use super::*;

    #[test]
    fn each_library_has_a_name_of_the_list() {
        let marks = MARKS.iter().map(|(.., unseen)| unseen);
        for unseen in marks.chain(LIBRARIES.iter().map(|(_, unseen)| unseen)) {
            assert!(LIBRARY_NAMES.contains(&unseen.library), "{unseen:?}");
        }
    }

    #[test]
    fn libraries_are_known_by_name() {
        for (path, expected) in [
            ("/usr/lib/jvm/java-17/lib/server/libjvm.so", Some("Java's own TLS (JSSE)")),
            ("/usr/lib/firefox/libssl3.so", Some("NSS")),
            ("/usr/lib/libnss3.so", None),
            ("/usr/lib/libmbedtls.so.14", Some("mbed TLS")),
            ("/usr/lib/libs2n.so.1.0.0", Some("s2n-tls")),
            ("/usr/lib/libssl.so.3", None),
            ("/usr/lib/libgnutls.so.30", None),
            ("/usr/lib/libnss_files.so.2", None),
            ("/usr/lib/libssl3.sox", None),
        ] {
            let mut process = process(1, "x");
            process.mapped.truncate(1);
            process.mapped[0].path = path.into();
            assert_eq!(unseen(&process).map(|unseen| unseen.what), expected, "{path}");
        }
    }

    #[test]
    fn what_is_linked_in_is_found_across_chunks() {
        let lengths = MARKS.map(|(front, behind, _)| front.len() + 1 + behind.len());
        assert_eq!(lengths.into_iter().max(), Some(LONGEST));
        for (text, expected) in [
            ("external/boringssl/ssl/ssl_lib.cc", BORINGSSL.what),
            ("../ssl/ssl_lib.c\0", OPENSSL.what),
            ("/root/.cargo/registry/src/x/rustls-0.23.1/src/", "rustls"),
        ] {
            let mut program = vec![b's'; CHUNK - 5];
            program.extend_from_slice(text.as_bytes());
            program.resize(2 * CHUNK, 0);
            // Wherever the chunks meet.
            for shift in 0..60 {
                let found = linked_in(program.get(shift..).unwrap()).unwrap();
                assert_eq!(found.map(|unseen| unseen.what), Some(expected), "{text} {shift}");
            }
        }
        let others = b"BoringSSL ssl/ssl_lib.h ssl_lib.cc /rustls/ OpenSSL 3.0 /";
        assert_eq!(linked_in(&others[..]).unwrap(), None);
    }

    #[test]
    fn the_search_ends() {
        let mut read = io::repeat(b'x').take(2 * MAX_SEARCHED);
        assert_eq!(linked_in(&mut read).unwrap(), None);
        assert_eq!(read.limit(), MAX_SEARCHED);
    }
}
