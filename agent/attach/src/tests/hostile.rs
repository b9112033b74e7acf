//! Files that are no files, that are too large, that lie, and that change.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use object::elf;
use proptest::prelude::*;

use super::build::{BASE, Builder};
use super::*;

/// Far less than what anything here may take.
const SOON: Duration = Duration::from_secs(5);

fn reason(path: &Path) -> Reason {
    let begun = Instant::now();
    let reason = look(path, ABILITIES[0]).unwrap_err().reason;
    assert!(begun.elapsed() < SOON, "{}: {:?}", path.display(), begun.elapsed());
    reason
}

#[test]
#[expect(unsafe_code, reason = "a FIFO is not made in another way")]
fn only_regular_files_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    let name = CString::new(fifo.as_os_str().as_bytes()).unwrap();
    // SAFETY: the name is a C string that lives as long as the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    for path in [fifo.as_path(), Path::new("/dev/zero"), Path::new("/dev/tty"), folder.path()] {
        assert!(matches!(reason(path), Reason::NotRegular), "{}", path.display());
    }
    assert!(matches!(reason(&folder.path().join("none")), Reason::Unreadable(_)));
}

#[test]
fn zeros_without_end_are_nothing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(1 << 30).unwrap();
    assert!(look(file.path(), ABILITIES[0]).unwrap().is_none());
    file.as_file().set_len((1 << 30) + 1).unwrap();
    assert!(matches!(reason(file.path()), Reason::TooLarge { .. }));
    file.as_file().set_len(0).unwrap();
    assert!(look(file.path(), ABILITIES[0]).unwrap().is_none());
}

#[test]
fn a_million_symbols_are_refused() {
    let mut file = Builder::new(Processor::native());
    let (_, texts) = file.section(".dynstr", elf::SHT_STRTAB, 0, b"\0SSL_read\0");
    file.section(".dynsym", elf::SHT_DYNSYM, texts, &vec![0; 24_000_000]);
    let refusal = look_at(&file.done(true), Processor::native()).unwrap_err();
    assert!(matches!(refusal, Reason::TooMany { what: "symbols", count: 1_000_000, .. }));
}

#[test]
fn the_same_name_many_times_is_refused() {
    let mut file = Builder::new(Processor::native());
    let (text, _) = file.section(".text", elf::SHT_PROGBITS, 0, &[0xc3; 4096]);
    let many: Vec<_> = (0..1000).map(|index| ("SSL_read", text + index, 1)).collect();
    file.symbols(&many);
    assert!(look_at(&file.done(true), Processor::native()).is_err());
    // One name in the texts, many symbols that have it.
    let mut file = Builder::new(Processor::native());
    let (text, _) = file.section(".text", elf::SHT_PROGBITS, 0, &[0xc3; 4096]);
    let (_, texts) = file.section(".dynstr", elf::SHT_STRTAB, 0, b"\0SSL_read\0");
    let mut entries = Vec::new();
    for index in 0..1000 {
        entries.extend([1, 0, 0, 0, 0x12, 0, 1, 0]);
        entries.extend([text + index, 1].map(u64::to_le_bytes).concat());
    }
    file.section(".dynsym", elf::SHT_DYNSYM, texts, &entries);
    let refusal = look_at(&file.done(true), Processor::native()).unwrap_err();
    assert!(matches!(refusal, Reason::TooMany { what: "TLS functions", .. }), "{refusal}");
}

#[test]
fn tables_beyond_the_limit_are_not_read() {
    let mut file = Builder::new(Processor::native());
    let (_, texts) = file.section(".dynstr", elf::SHT_STRTAB, 0, &vec![b'a'; 65 << 20]);
    file.section(".dynsym", elf::SHT_DYNSYM, texts, &[0; 48]);
    let refusal = look_at(&file.done(true), Processor::native()).unwrap_err();
    assert!(matches!(refusal, Reason::ReadsTooMuch { .. }), "{refusal}");
}

#[test]
fn a_file_that_is_cut_short_is_damaged() {
    let mut file = Builder::new(Processor::native());
    let (text, _) = file.section(".text", elf::SHT_PROGBITS, 0, &[0xc3; 64]);
    file.symbols(&[("SSL_read", text, 8)]);
    let whole = file.done(true);
    for length in 0..whole.len() {
        let found = look_at(&whole[..length], Processor::native());
        let is_right = match found {
            Ok(None) => length < 4,
            Ok(Some(_)) => false,
            Err(reason) => matches!(reason, Reason::Damaged(_) | Reason::Foreign),
        };
        assert!(is_right, "{length} bytes");
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library");
    fs::write(&path, b"\x7fELF and more").unwrap();
    let file = SafeFile::open(&path).unwrap();
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"!").unwrap();
    let refusal = examine(&file, ABILITIES[0]).unwrap_err();
    assert!(matches!(refusal.reason, Reason::Changed));
    assert!(refusal.to_string().contains("library"), "{refusal}");
    // Another file of the same name does not matter: the one that is open is looked at.
    let file = SafeFile::open(&path).unwrap();
    let before = file.identity();
    fs::rename(&path, folder.path().join("old")).unwrap();
    fs::write(&path, b"another").unwrap();
    drop(examine(&file, ABILITIES[0]));
    assert_eq!(file.identity(), before);
    assert_ne!(SafeFile::open(&path).unwrap().identity(), before);
}

/// A library with a bit of everything, to be damaged.
fn sample() -> Vec<u8> {
    let mut file = Builder::new(Processor::native());
    let code = [0x53, 0x85, 0xd2, 0x78, 0x02, 0x90, 0x90, 0x5b, 0xc3, 0x90].repeat(20);
    let (text, _) = file.section(".text", elf::SHT_PROGBITS, 0, &code);
    file.symbols(&[("SSL_read", text, 9), ("SSL_write", text + 10, 0), ("SSL_new", text + 20, 9)]);
    file.section(".gopclntab", elf::SHT_PROGBITS, 0, &[0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8]);
    let mut dynamic = 14_u64.to_le_bytes().to_vec();
    dynamic.extend(1_u64.to_le_bytes());
    file.section(".dynamic", elf::SHT_DYNAMIC, 2, &dynamic);
    assert!(text > BASE);
    file.done(true)
}

proptest! {
    #[test]
    fn damage_is_survived(
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = sample();
        let length = bytes.len();
        for (index, value) in at {
            bytes[index.index(length)] = value;
        }
        let begun = Instant::now();
        drop(look_at(&bytes, Processor::native()));
        drop(look_at(&bytes[..cut.index(length)], Processor::native()));
        prop_assert!(begun.elapsed() < SOON);
    }
}
