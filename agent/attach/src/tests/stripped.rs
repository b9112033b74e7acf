//! BoringSSL without symbols: made-up files with its errors in them.

use object::elf;
use proptest::prelude::*;

use super::build::Builder;
use super::*;

const PATH: &[u8] = b"external/boringssl/src/ssl/ssl_lib.cc\0";
const BORINGSSL: u32 = 16;
const OPENSSL: u32 = 20;
/// Functions begin so many bytes apart.
const APART: usize = 0x200;

/// Writes the functions of a library, one after the other.
struct Functions {
    processor: Processor,
    /// Where the path is.
    path: u64,
    /// Where the first function is.
    text: u64,
    library: u32,
    code: Vec<u8>,
}

/// What a function does.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Raises an error with this reason at this line.
    Raises(u32, u32),
    /// Calls the function of this number.
    Calls(u64),
    /// Writes to memory.
    Stores,
}

use Does::{Calls, Raises, Stores};

/// `ERR_put_error`, `SSL_new`, `ssl_read_impl`, `SSL_read`, `SSL_peek`, `SSL_write`, and a caller of all.
const LIBRARY: [&[Does]; 7] = [
    &[],
    &[Stores, Raises(185, 500), Raises(65, 510)],
    &[Raises(226, 700), Stores, Raises(215, 710)],
    &[Raises(66, 800), Calls(2), Stores],
    &[Raises(66, 900), Calls(2)],
    &[Raises(66, 1000), Raises(226, 1010), Raises(215, 1020), Stores, Raises(111, 1030)],
    &[Calls(0), Calls(1), Calls(2), Calls(3), Calls(4), Calls(5)],
];
const NEW: u64 = 1;
const READ: u64 = 3;
const WRITE: u64 = 5;

impl Functions {
    fn address(&self, number: u64) -> u64 {
        self.text + number * APART as u64
    }

    fn here(&self) -> u64 {
        self.text + self.code.len() as u64
    }

    fn words(&mut self, words: &[u32]) {
        self.code.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }

    fn call(&mut self, to: u64) {
        let distance = to.wrapping_sub(self.here());
        match self.processor {
            Processor::X86_64 => {
                self.code.push(0xe8);
                let distance = distance.wrapping_sub(5) as u32;
                self.code.extend(distance.to_le_bytes());
            }
            Processor::AArch64 => {
                self.words(&[0x9400_0000 | (distance >> 2) as u32 & 0x03ff_ffff]);
            }
        }
    }

    fn put(&mut self, does: Does) {
        match (does, self.processor) {
            (Calls(number), _) => self.call(self.address(number)),
            // mov [rdi+8], rax; str x9, [x8, #8]
            (Stores, Processor::X86_64) => self.code.extend([0x48, 0x89, 0x47, 0x08]),
            (Stores, Processor::AArch64) => self.words(&[0xf900_0509]),
            (Raises(reason, line), Processor::X86_64) => {
                // mov edi, library; xor esi, esi; mov edx, reason; lea rcx, path; mov r8d, line
                self.code.push(0xbf);
                self.code.extend(self.library.to_le_bytes());
                self.code.extend([0x31, 0xf6, 0xba]);
                self.code.extend(reason.to_le_bytes());
                self.code.extend([0x48, 0x8d, 0x0d]);
                let distance = self.path.wrapping_sub(self.here() + 4) as u32;
                self.code.extend(distance.to_le_bytes());
                self.code.extend([0x41, 0xb8]);
                self.code.extend(line.to_le_bytes());
                self.call(self.address(0));
            }
            (Raises(reason, line), Processor::AArch64) => {
                // mov w0, library; mov w2, reason; adrp x3, path; add x3, x3, path; mov w4, line
                let pages =
                    ((self.path & !0xfff) as i64 - ((self.here() + 8) & !0xfff) as i64) >> 12;
                let pages = pages as u32;
                let adrp = 0x9000_0003 | (pages & 3) << 29 | (pages >> 2 & 0x7_ffff) << 5;
                let add = 0x9100_0063 | ((self.path & 0xfff) as u32) << 10;
                let set = |register: u32, value: u32| 0x5280_0000 | value << 5 | register;
                let library = self.library;
                self.words(&[set(0, library), set(2, reason), adrp, add, set(4, line)]);
                self.call(self.address(0));
            }
        }
    }

    fn function(&mut self, does: &[Does]) {
        let begins = self.code.len();
        match self.processor {
            // push rbp … pop rbp; ret
            Processor::X86_64 => self.code.push(0x55),
            Processor::AArch64 => self.words(&[0xa9bf_7bfd]),
        }
        does.iter().for_each(|does| self.put(*does));
        match self.processor {
            Processor::X86_64 => self.code.extend([0x5d, 0xc3]),
            Processor::AArch64 => self.words(&[0xa8c1_7bfd, 0xd65f_03c0]),
        }
        assert!(self.code.len() - begins < APART);
        self.code.resize(begins + APART, 0xcc);
    }
}

/// A program with these functions, and where the first is in it. `is_told`: its table says where functions are.
fn program(
    processor: Processor,
    library: u32,
    functions: &[&[Does]],
    is_told: bool,
) -> (Vec<u8>, u64) {
    let mut file = Builder::new(processor);
    let (path, _) = file.section(".rodata", elf::SHT_PROGBITS, 0, PATH);
    // Code begins behind, at an address that 64 divides, as the builder does it.
    let text = (path + PATH.len() as u64).next_multiple_of(64);
    let mut code = Functions { processor, path, text, library, code: Vec::new() };
    for does in functions {
        code.function(does);
    }
    let lengths = vec![APART as u64; functions.len()];
    let (placed, _) = file.section(".text", elf::SHT_PROGBITS, 0, &code.code);
    assert_eq!(placed, text);
    if is_told {
        file.unwind_table(text, &lengths);
    }
    (file.done(false), text)
}

fn found(
    processor: Processor,
    library: u32,
    functions: &[&[Does]],
    is_told: bool,
) -> Result<Option<Vec<(&'static str, u64)>>, Reason> {
    let (bytes, text) = program(processor, library, functions, is_told);
    let examined = search(&bytes, processor)?;
    Ok(examined.map(|examined| {
        let entries = examined
            .attach_points
            .iter()
            .filter(|point| point.place == AttachPosition::Entry || point.symbol == "SSL_new");
        let number = |point: &AttachPoint| (point.offset + build::BASE - text) / APART as u64;
        entries.map(|point| (point.symbol, number(point))).collect()
    }))
}

fn search(bytes: &[u8], processor: Processor) -> Result<Option<Examined>, Reason> {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    let reader = BoundedReader::with_limit(&file, bytes.len() as u64, MAX_SEARCHED_BYTES);
    let elf = Elf::read(&reader)?.filter(|elf| elf.processor == processor);
    elf.map_or(Ok(None), |elf| crate::stripped::examine(&elf, &reader, ABILITIES[0]))
}

const BOTH: [Processor; 2] = [Processor::X86_64, Processor::AArch64];

#[test]
fn functions_are_known_by_their_errors() {
    for processor in BOTH {
        let found = found(processor, BORINGSSL, &LIBRARY, true).unwrap().unwrap();
        let expected = [("SSL_read", READ), ("SSL_write", WRITE), ("SSL_new", NEW)];
        assert_eq!(found, expected, "{processor:?}");
    }
}

#[test]
fn without_a_table_functions_begin_where_calls_go_and_behind_gaps() {
    let told = found(Processor::X86_64, BORINGSSL, &LIBRARY, true).unwrap();
    assert_eq!(found(Processor::X86_64, BORINGSSL, &LIBRARY, false).unwrap(), told);
    // Of this processor nothing is guessed.
    assert_eq!(found(Processor::AArch64, BORINGSSL, &LIBRARY, false).unwrap(), None);
}

#[test]
fn openssl_has_a_file_of_the_same_name_and_is_another_library() {
    for processor in BOTH {
        assert_eq!(found(processor, OPENSSL, &LIBRARY, true).unwrap(), None, "{processor:?}");
    }
}

#[test]
fn what_is_there_twice_or_not_at_all_is_refused() {
    for processor in BOTH {
        for number in [NEW, READ, WRITE] {
            let number = usize::try_from(number).unwrap();
            let mut twice = LIBRARY.to_vec();
            twice.push(LIBRARY[number]);
            let refusal = found(processor, BORINGSSL, &twice, true).unwrap_err();
            assert!(matches!(refusal, Reason::Stripped(_)), "{processor:?} {number}: {refusal}");
            let mut without = LIBRARY.to_vec();
            without[number] = &[];
            let refusal = found(processor, BORINGSSL, &without, true).unwrap_err();
            assert!(matches!(refusal, Reason::Stripped(_)), "{processor:?} {number}: {refusal}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a file says, the search ends, and each place that it gives is in the file.
    #[test]
    fn damaged_files_are_searched_to_an_end(
        is_arm: bool,
        is_told: bool,
        changes in proptest::collection::vec((0.0..1.0, any::<u8>()), 1..40),
    ) {
        let processor = BOTH[usize::from(is_arm)];
        let (mut bytes, _) = program(processor, BORINGSSL, &LIBRARY, is_told);
        for (at, byte) in changes {
            let at = (at * bytes.len() as f64) as usize;
            bytes[at] = byte;
        }
        if let Ok(Some(examined)) = search(&bytes, processor) {
            for point in examined.attach_points {
                prop_assert!(point.offset < bytes.len() as u64, "{point:x?}");
            }
        }
    }
}
