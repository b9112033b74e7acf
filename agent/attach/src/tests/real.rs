//! What Debian's packages have, and what `objdump` thinks of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use super::*;

const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu";

/// A file of a package that the tests need.
fn needed(path: impl Into<PathBuf>, package: &str) -> PathBuf {
    let path = path.into();
    let name = path.display();
    assert!(path.exists(), "`{name}` is needed for this test: apt-get install {package}");
    path
}

fn examined(path: &Path, abilities: Abilities) -> Examined {
    look(path, abilities).unwrap().unwrap()
}

/// The mnemonics by address, of one function or of a range.
fn disassemble(path: &Path, what: &[String]) -> BTreeMap<u64, String> {
    let output = Command::new("objdump").arg("-d").args(what).arg(path).output();
    let output = output.unwrap_or_else(|error| {
        panic!("`objdump` is needed for this test: apt-get install binutils ({error})")
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let (address, rest) = line.split_once(":\t")?;
        let address = u64::from_str_radix(address.trim(), 16).ok()?;
        let (_, instruction) = rest.split_once('\t')?;
        Some((address, instruction.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// So many bytes from there on, for `objdump`.
fn range(place: u64, length: u64) -> [String; 2] {
    [format!("--start-address={place}"), format!("--stop-address={}", place + length)]
}

fn address(elf: &Elf, offset: u64) -> u64 {
    let segments = elf.segments.iter().filter(|segment| segment.executable);
    let mut found = segments.filter_map(|s| Some(s.address + offset.checked_sub(s.offset)?));
    found.next_back().unwrap()
}

fn headers(path: &Path) -> Elf {
    let file = File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    Elf::read(&BoundedReader::new(&file, size)).unwrap().unwrap()
}

/// Each attach point is on an instruction, and that is of the kind it is said to be.
fn check(attach_point: &AttachPoint, address: u64, code: &BTreeMap<u64, String>) {
    let instruction =
        code.get(&address).unwrap_or_else(|| panic!("{attach_point:x?} is inside of one"));
    let mnemonic = instruction.split_whitespace().next().unwrap();
    let is_emulated = mnemonic.starts_with('j') && !instruction.contains('*')
        || ["push", "nop", "call"].contains(&mnemonic);
    assert_eq!(attach_point.is_emulated, is_emulated, "{attach_point:x?}: {instruction}");
    if attach_point.place == AttachPosition::Return {
        assert!(is_emulated || mnemonic == "ret", "{attach_point:x?}: {instruction}");
    }
}

fn check_library(path: &Path) {
    let elf = headers(path);
    let mut disassembled = BTreeMap::new();
    for abilities in ABILITIES {
        for attach_point in examined(path, abilities).attach_points {
            let place = address(&elf, attach_point.offset);
            let code = disassembled.entry(attach_point.symbol).or_insert_with(|| {
                match attach_point.place {
                    // No symbol names it.
                    AttachPosition::Message => disassemble(path, &range(place, 256)),
                    _ => disassemble(path, &[format!("--disassemble={}", attach_point.symbol)]),
                }
            });
            check(&attach_point, place, code);
            if attach_point.place == AttachPosition::Uretprobe {
                // The return address is still on top: nothing before has moved the stack.
                let before = code.range(..place).filter(|(at, _)| place - **at < 64);
                let before: String = before.map(|(_, line)| line.as_str()).collect();
                assert!(!before.contains("push") && !before.contains("%rsp"), "{before}");
            }
        }
    }
}

#[test]
fn openssl() {
    let path = needed(format!("{LIBRARIES}/libssl.so.3"), "libssl3");
    let found = examined(&path, ABILITIES[0]);
    assert_eq!((found.kind, found.version.as_deref()), (TlsKind::OpenSsl, Some("libssl.so.3")));
    assert_eq!(found.missing, []);
    // `js` behind the test of the length; `jne __stack_chk_fail` of the stack protector.
    let read: Vec<_> = found
        .attach_points
        .iter()
        .filter(|attach_point| attach_point.symbol == "SSL_read")
        .collect();
    assert_eq!(
        read.iter().map(|attach_point| attach_point.place).collect::<Vec<_>>(),
        [AttachPosition::Entry, AttachPosition::Return]
    );
    assert!(read.iter().all(|attach_point| attach_point.is_emulated), "{read:x?}");
    assert_eq!(read[1].offset - read[0].offset, 0x38 - 0x16);
    assert_eq!(
        found
            .attach_points
            .iter()
            .filter(|attach_point| attach_point.place == AttachPosition::Entry)
            .count(),
        9
    );
    check_library(&path);
}

/// No symbol names it. It is known by what it does: it hashes each message, or keeps it until the hash is agreed upon.
#[test]
fn openssls_transcript_is_found_by_its_name_in_an_error() {
    let path = needed(format!("{LIBRARIES}/libssl.so.3"), "libssl3");
    let found = examined(&path, ABILITIES[0]);
    let [point] = found
        .attach_points
        .iter()
        .filter(|point| point.place == AttachPosition::Message)
        .collect::<Vec<_>>()[..]
    else {
        panic!("{found:x?}")
    };
    let place = address(&headers(&path), point.offset);
    let code: String = disassemble(&path, &range(place, 256)).into_values().collect();
    assert!(code.contains("EVP_DigestUpdate@plt") && code.contains("BIO_write@plt"), "{code}");
}

/// Without its symbols, the same functions are found in it as with them.
#[test]
fn boringssl_is_found_by_its_errors_where_its_symbols_say() {
    let path = needed(format!("{LIBRARIES}/android/libssl.so.0"), "android-libboringssl");
    let file = SafeFile::open(&path).unwrap();
    let found = examine_stripped(&file, Processor::X86_64, ABILITIES[0]).unwrap().unwrap();
    assert_eq!((found.kind, found.missing.as_slice()), (TlsKind::BoringSsl, [].as_slice()));
    let named = examined(&path, ABILITIES[0]);
    for symbol in ["SSL_read", "SSL_write", "SSL_new"] {
        let of = |examined: &Examined| -> Vec<(AttachPosition, u64)> {
            let points = examined.attach_points.iter().filter(|point| point.symbol == symbol);
            points.map(|point| (point.place, point.offset)).collect()
        };
        assert_eq!(of(&found), of(&named), "{symbol}");
    }
    let messages = |examined: &Examined| -> Vec<u64> {
        let points = examined.attach_points.iter();
        points.filter(|p| p.place == AttachPosition::Message).map(|p| p.offset).collect()
    };
    assert!(messages(&named).len() >= 2, "{:x?}", messages(&named));
    assert_eq!(messages(&found), messages(&named));
}

/// Without its symbols, the same functions are found in it as with them, and no others.
#[test]
fn openssl_is_found_by_its_own_names_where_its_symbols_say() {
    let library = needed(format!("{LIBRARIES}/libssl.so.3"), "libssl3");
    let program = needed("/usr/bin/node", "nodejs").canonicalize().unwrap();
    for path in [library, program] {
        let file = SafeFile::open(&path).unwrap();
        let found = examine_stripped(&file, Processor::X86_64, ABILITIES[0]).unwrap().unwrap();
        assert_eq!(found.kind, TlsKind::OpenSsl);
        let named = examined(&path, ABILITIES[0]);
        let begins = |examined: &Examined, symbol: &str| -> Vec<u64> {
            let of = examined.attach_points.iter().filter(|point| point.symbol == symbol);
            of.map(|point| point.offset).collect()
        };
        for symbol in ["SSL_read", "SSL_write", "SSL_new", "ssl3_finish_mac"] {
            assert!(!begins(&named, symbol).is_empty());
            assert_eq!(begins(&found, symbol), begins(&named, symbol), "{symbol}");
        }
        // In Node, what both call is found beside the function that has it inlined.
        for symbol in ["SSL_read_ex", "SSL_write_ex"] {
            let (found, named) = (begins(&found, symbol), begins(&named, symbol));
            assert!(named.iter().all(|begin| found.contains(begin)), "{found:x?} {named:x?}");
        }
    }
}

/// A browser of 300 MB, whose table of functions leaves BoringSSL out.
#[test]
fn chromium_is_found_by_its_errors() {
    let path = needed("/usr/lib/chromium/chromium", "chromium");
    let file = SafeFile::open(&path).unwrap();
    let found = examine_stripped(&file, Processor::X86_64, ABILITIES[0]).unwrap().unwrap();
    assert_eq!((found.kind, found.missing.as_slice()), (TlsKind::BoringSsl, [].as_slice()));
    let elf = headers(&path);
    for point in &found.attach_points {
        let place = address(&elf, point.offset);
        // One function begins at or before it, and objdump sees an instruction there.
        check(point, place, &disassemble(&path, &range(place, 16)));
    }
    let messages =
        found.attach_points.iter().filter(|point| point.place == AttachPosition::Message).count();
    assert!(messages >= 2, "messages that are read, and those that are written: {messages}");
    assert!(examine_stripped(&file, Processor::AArch64, ABILITIES[0]).unwrap().is_none());
}

#[test]
fn gnutls() {
    let path = needed(format!("{LIBRARIES}/libgnutls.so.30"), "gnutls-bin");
    let found = examined(&path, ABILITIES[0]);
    assert_eq!((found.kind, found.missing.as_slice()), (TlsKind::GnuTls, [].as_slice()));
    // It does nothing but jump to `gnutls_record_send2`.
    assert!(
        !found.attach_points.iter().any(|attach_point| attach_point.symbol == "gnutls_record_send")
    );
    assert!(
        found.attach_points.iter().any(|attach_point| attach_point.symbol == "gnutls_record_send2")
    );
    // Its end is a jump to a function without a name: only a uretprobe sees that return.
    let without = examined(&path, ABILITIES[1]);
    assert!(without.missing.iter().any(|(symbol, _)| *symbol == "gnutls_record_recv"));
    check_library(&path);
}

#[test]
fn node_has_openssl_inside() {
    let path = needed("/usr/bin/node", "nodejs");
    let path = path.canonicalize().unwrap();
    let found = examined(&path, ABILITIES[0]);
    assert_eq!((found.kind, found.missing.as_slice()), (TlsKind::OpenSsl, [].as_slice()));
    assert!(
        found.attach_points.iter().all(|attach_point| attach_point.is_emulated),
        "{:x?}",
        found.attach_points
    );
    check_library(&path);
}

#[test]
fn caddy_is_a_go_program() {
    let path = needed("/usr/bin/caddy", "caddy");
    let elf = headers(&path);
    let found = examined(&path, ABILITIES[0]);
    assert_eq!((found.kind, found.missing.as_slice()), (TlsKind::Go, [].as_slice()));
    assert!(found.version.as_ref().unwrap().starts_with("go1."), "{:?}", found.version);
    let of = |symbol: &str| -> Vec<AttachPoint> {
        found
            .attach_points
            .iter()
            .filter(|attach_point| attach_point.symbol == symbol)
            .cloned()
            .collect()
    };
    for method in wanted::METHODS {
        let attach_points = of(method.name);
        // Methods of messages are there since Go 1.21, and Debian's Caddy is older.
        if attach_points.is_empty() {
            assert!(!matches!(method.traced, wanted::GoTraced::Call(_)), "{}", method.name);
            continue;
        }
        let (first, last) = (
            attach_points[0].offset,
            attach_points.iter().map(|attach_point| attach_point.offset).max().unwrap(),
        );
        let (first, last) = (address(&elf, first), address(&elf, last));
        // No instruction is longer than 15 bytes.
        let stop = last + 15;
        let range = [format!("--start-address={first}"), format!("--stop-address={stop}")];
        let code = disassemble(&path, &range);
        for attach_point in &attach_points {
            check(attach_point, address(&elf, attach_point.offset), &code);
        }
        let place = match method.traced {
            wanted::GoTraced::Call(_) => AttachPosition::Entry,
            _ => AttachPosition::Message,
        };
        assert_eq!(attach_points[0].place, place, "{}", method.name);
        if method.traced == wanted::GoTraced::Call(wanted::When::Both) {
            let returns = code.range(..=last).filter(|(_, line)| line.starts_with("ret")).count();
            assert_eq!(attach_points.len() - 1, returns, "{}", method.name);
        } else {
            assert_eq!(attach_points.len(), 1, "{}", method.name);
        }
    }
}

#[test]
fn what_has_no_tls_is_passed_over() {
    for program in ["/bin/sh", "/usr/bin/env"] {
        assert!(look(Path::new(program), ABILITIES[0]).unwrap().is_none(), "{program}");
    }
    assert!(look(Path::new("/etc/passwd"), ABILITIES[0]).unwrap().is_none());
}
