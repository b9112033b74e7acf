//! Processes that encrypt with something that cannot be looked into: said, so that nobody takes their
//! silence for health.

use super::ProcessSeen;
use std::io::{self, Read};

/// What is searched of a program. Linkers that BoringSSL's users use put constants in front of code.
const MAX_SEARCHED: u64 = 64 << 20;
const CHUNK: usize = 256 << 10;
/// Names of source files that are in the error tables of every build, whatever folder they were built in.
/// `BoringSSL` itself is no mark: programs that only know of it say it too.
const MARKERS: [&[u8]; 2] = [b"ssl/ssl_lib.cc", b"ssl/tls13_client.cc"];
/// The longest of them.
const LONGEST: usize = 19;

/// TLS that is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unseen {
    /// What encrypts.
    pub(crate) what: &'static str,
    /// What can be done.
    pub(crate) remedy: &'static str,
}

/// The beginnings of file names of libraries, and what they mean. Of OpenSSL and GnuTLS there is none: they
/// are seen. `libssl3.so` is NSS; OpenSSL 3 is `libssl.so.3`.
const LIBRARIES: &[(&str, Unseen)] = &[
    (
        "libjvm.so",
        Unseen {
            what: "Java's own TLS (JSSE)",
            remedy: "use netty-tcnative or Conscrypt with a shared OpenSSL, or capture packets with a key log",
        },
    ),
    ("libssl3.so", NSS),
    ("libnss3.so", NSS),
    ("libmbedtls.so", Unseen { what: "mbed TLS", remedy: CAPTURE }),
    ("libwolfssl.so", Unseen { what: "wolfSSL", remedy: CAPTURE }),
    ("libs2n.so", Unseen { what: "s2n-tls", remedy: CAPTURE }),
    ("libmatrixssl.so", Unseen { what: "MatrixSSL", remedy: CAPTURE }),
    ("libbearssl.so", Unseen { what: "BearSSL", remedy: CAPTURE }),
    ("librustls.so", Unseen { what: "rustls", remedy: CAPTURE }),
];

const BORINGSSL: Unseen = Unseen {
    what: "BoringSSL or AWS-LC without symbols",
    remedy: "use a build that is not stripped",
};
const NSS: Unseen = Unseen { what: "NSS", remedy: CAPTURE };
const CAPTURE: &str = "capture packets with SSLKEYLOGFILE set where the program supports it";

/// TLS of this process that cannot be looked into, by the libraries that it has mapped.
///
/// It may use another one beside it, which is seen; and one that is part of its program is not known by
/// name: for BoringSSL there is [`boringssl`].
pub(crate) fn unseen(process: &ProcessSeen) -> Option<Unseen> {
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

/// BoringSSL as a part of a program. Worth asking once for each program that has no symbols of it: with them
/// it is seen.
pub(crate) fn boringssl(program: impl Read) -> io::Result<Option<Unseen>> {
    let is_found = holds_marker(program.take(MAX_SEARCHED))?;
    Ok(is_found.then_some(BORINGSSL))
}

fn holds_marker(mut program: impl Read) -> io::Result<bool> {
    let mut window = Vec::with_capacity(CHUNK + LONGEST);
    loop {
        // A marker may lie across two chunks.
        let kept = window.len().saturating_sub(LONGEST - 1);
        window.drain(..kept);
        if program.by_ref().take(CHUNK as u64).read_to_end(&mut window)? == 0 {
            return Ok(false);
        }
        if MARKERS.iter().any(|marker| contains(&window, marker)) {
            return Ok(true);
        }
    }
}

fn contains(bytes: &[u8], marker: &[u8]) -> bool {
    let Some(first) = marker.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        let Some(candidate) = rest.get(at..) else { return false };
        if candidate.starts_with(marker) {
            return true;
        }
        rest = candidate.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::testing::process;
    use super::*;

    #[test]
    fn libraries_are_known_by_name() {
        for (path, expected) in [
            ("/usr/lib/jvm/java-17/lib/server/libjvm.so", Some("Java's own TLS (JSSE)")),
            ("/usr/lib/firefox/libssl3.so", Some("NSS")),
            ("/usr/lib/libnss3.so", Some("NSS")),
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
    fn boringssl_is_found_across_chunks() {
        assert_eq!(MARKERS.map(<[u8]>::len).into_iter().max(), Some(LONGEST));
        let mut program = vec![b's'; CHUNK - 5];
        program.extend_from_slice(b"external/boringssl/ssl/ssl_lib.cc");
        program.resize(2 * CHUNK, 0);
        let at = program.iter().position(|byte| *byte == b'e').unwrap();
        // Wherever the chunks meet.
        for shift in 0..40 {
            let shifted = program.get(shift..).unwrap();
            assert_eq!(boringssl(shifted).unwrap(), Some(BORINGSSL), "{shift}");
        }
        program[at + 25] = b'x';
        assert_eq!(boringssl(&program[..]).unwrap(), None);
    }

    #[test]
    fn the_search_ends() {
        let mut read = io::repeat(b'x').take(2 * MAX_SEARCHED);
        assert_eq!(boringssl(&mut read).unwrap(), None);
        assert_eq!(read.limit(), MAX_SEARCHED);
    }
}
