//! BoringSSL and OpenSSL without symbols: made-up files with their errors in them.

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
    /// Of each function.
    lengths: Vec<u64>,
}

/// What a function does.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Raises an error with this reason at this line.
    Raises(u32, u32),
    /// Calls the function of this number.
    Calls(u64),
    /// The same, with 0 as the fourth argument.
    CallsWithoutFlags(u64),
    /// Says its own name, one of [`NAMES`], as OpenSSL 3 does.
    Names(usize),
    /// Says its own number, as OpenSSL 1.1.1 does.
    Numbers(u32),
    /// Writes to memory.
    Stores,
}

use Does::{Calls, CallsWithoutFlags, Names, Numbers, Raises, Stores};

/// Behind the path, each with so many bytes.
const NAMES: [&str; 5] =
    ["SSL_new", "SSL_read", "ssl_read_internal", "SSL_write", "ssl_write_internal"];
const NAME_BYTES: usize = 32;

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
            (CallsWithoutFlags(number), Processor::X86_64) => {
                // xor ecx, ecx
                self.code.extend([0x31, 0xc9]);
                self.call(self.address(number));
            }
            (CallsWithoutFlags(number), Processor::AArch64) => {
                // mov w3, 0
                self.words(&[0x5280_0003]);
                self.call(self.address(number));
            }
            (Names(name), processor) => {
                let text = self.path + (PATH.len() + name * NAME_BYTES) as u64;
                self.point_to(self.path, 0);
                match processor {
                    // mov esi, line
                    Processor::X86_64 => self.code.extend([0xbe, 7, 0, 0, 0]),
                    Processor::AArch64 => self.words(&[0x5280_0001 | 7 << 5]),
                }
                self.point_to(text, 2);
                self.call(self.address(0));
            }
            (Numbers(number), processor) => {
                match processor {
                    // mov edi, 20; mov esi, number; xor edx, edx
                    Processor::X86_64 => {
                        self.code.extend([0xbf, 20, 0, 0, 0, 0xbe]);
                        self.code.extend(number.to_le_bytes());
                        self.code.extend([0x31, 0xd2]);
                    }
                    Processor::AArch64 => {
                        let set = |register: u32, value: u32| 0x5280_0000 | value << 5 | register;
                        self.words(&[set(0, 20), set(1, number), set(2, 0)]);
                    }
                }
                self.point_to(self.path, 3);
                self.call(self.address(0));
            }
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
                let set = |register: u32, value: u32| 0x5280_0000 | value << 5 | register;
                self.words(&[set(0, self.library), set(2, reason)]);
                self.point_to(self.path, 3);
                self.words(&[set(4, line)]);
                self.call(self.address(0));
            }
        }
    }

    /// Puts an address into the register of an argument.
    fn point_to(&mut self, to: u64, argument: usize) {
        match self.processor {
            // lea: rdi, rsi, rdx, rcx
            Processor::X86_64 => {
                self.code.extend([0x48, 0x8d, [0x3d, 0x35, 0x15, 0x0d][argument]]);
                let distance = to.wrapping_sub(self.here() + 4) as u32;
                self.code.extend(distance.to_le_bytes());
            }
            // adrp, add
            Processor::AArch64 => {
                let pages = ((to & !0xfff) as i64 - (self.here() & !0xfff) as i64) >> 12;
                let (pages, register) = (pages as u32, argument as u32);
                let adrp = 0x9000_0000 | (pages & 3) << 29 | (pages >> 2 & 0x7_ffff) << 5;
                let add = 0x9100_0000 | ((to & 0xfff) as u32) << 10 | register << 5;
                self.words(&[adrp | register, add | register]);
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
        let length = self.code.len() - begins;
        assert!(length < APART);
        self.lengths.push(length as u64);
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
    let mut texts = PATH.to_vec();
    for name in NAMES {
        texts.extend_from_slice(name.as_bytes());
        texts.resize((texts.len() - PATH.len()).next_multiple_of(NAME_BYTES) + PATH.len(), 0);
    }
    let (path, _) = file.section(".rodata", elf::SHT_PROGBITS, 0, &texts);
    // Code begins behind, at an address that 64 divides, as the builder does it.
    let text = (path + texts.len() as u64).next_multiple_of(64);
    let lengths = Vec::new();
    let mut code = Functions { processor, path, text, library, code: Vec::new(), lengths };
    for does in functions {
        code.function(does);
    }
    let (placed, _) = file.section(".text", elf::SHT_PROGBITS, 0, &code.code);
    assert_eq!(placed, text);
    if is_told {
        let begins = (text..).step_by(APART).zip(code.lengths);
        file.unwind_table(&begins.collect::<Vec<_>>());
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

/// `ERR_set_debug`, `SSL_new`, `ssl_read_internal`, `SSL_read`, `SSL_read_ex`, the same for writing, and a caller of all.
const OPENSSL_3: [&[Does]; 9] = [
    &[],
    &[Names(0)],
    &[Names(2), Stores],
    &[Names(1), Calls(2)],
    &[Calls(2)],
    &[Names(4), Stores],
    &[Names(3), Calls(5)],
    &[Calls(5)],
    &[Calls(0), Calls(1), Calls(3), Calls(4), Calls(6), Calls(7)],
];

#[test]
fn openssls_functions_are_known_by_their_own_names() {
    let expected = |write_ex| {
        [("SSL_read", 3), ("SSL_read_ex", 4), ("SSL_write", 6), (write_ex, 7), ("SSL_new", 1)]
    };
    let with = |functions: &[(usize, &'static [Does])]| {
        let mut library = OPENSSL_3.to_vec();
        functions.iter().for_each(|(number, does)| library[*number] = does);
        library
    };
    // By numbers, as before 3.0.
    let old = with(&[
        (1, &[Numbers(186)]),
        (2, &[Numbers(523), Stores]),
        (3, &[Numbers(223), Calls(2)]),
        (5, &[Numbers(524), Stores]),
        (6, &[Numbers(208), Calls(5)]),
    ]);
    // Flags, which one function hands on and the other does not have.
    let hands_on = with(&[(6, &[Names(3), CallsWithoutFlags(5)])]);
    let has_none = with(&[(6, &[Names(3), CallsWithoutFlags(5)]), (7, &[CallsWithoutFlags(5)])]);
    for processor in BOTH {
        for (library, write_ex) in [
            (&OPENSSL_3.to_vec(), "SSL_write_ex"),
            (&old, "SSL_write_ex"),
            (&hands_on, "SSL_write_ex2"),
            (&has_none, "SSL_write_ex"),
        ] {
            let found = found(processor, OPENSSL, library, true).unwrap();
            assert_eq!(found, Some(expected(write_ex).to_vec()), "{processor:?} {library:?}");
        }
    }
}

#[test]
fn inlined_functions_of_openssl_are_known_too() {
    let mut inlined = OPENSSL_3.to_vec();
    // Only the function for early data calls the internal function.
    (inlined[3], inlined[4]) = (&[Names(1), Names(2)], &[Names(2)]);
    for processor in BOTH {
        let found = found(processor, OPENSSL, &inlined, true).unwrap().unwrap();
        let reads: Vec<_> =
            found.iter().filter(|(symbol, _)| symbol.starts_with("SSL_read")).collect();
        let expected = [("SSL_read", 3), ("SSL_read_ex", 2), ("SSL_read_ex", 4)];
        assert!(reads.into_iter().eq(&expected), "{processor:?}: {found:?}");
    }
}

#[test]
fn of_openssl_what_is_there_twice_or_not_at_all_is_refused() {
    for processor in BOTH {
        for number in [1, 3, 6] {
            let mut twice = OPENSSL_3.to_vec();
            twice.push(OPENSSL_3[number]);
            let refusal = found(processor, OPENSSL, &twice, true).unwrap_err();
            assert!(matches!(refusal, Reason::Stripped(_)), "{processor:?} {number}: {refusal}");
        }
        for gone in [&[1][..], &[2, 3, 4], &[5, 6, 7]] {
            let mut without = OPENSSL_3.to_vec();
            gone.iter().for_each(|number| without[*number] = &[]);
            let refusal = found(processor, OPENSSL, &without, true).unwrap_err();
            assert!(matches!(refusal, Reason::Stripped(_)), "{processor:?} {gone:?}: {refusal}");
        }
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
        is_openssl: bool,
        changes in proptest::collection::vec((0.0..1.0, any::<u8>()), 1..40),
    ) {
        let processor = BOTH[usize::from(is_arm)];
        let library: &[&[Does]] = if is_openssl { &OPENSSL_3 } else { &LIBRARY };
        let (mut bytes, _) = program(processor, BORINGSSL, library, is_told);
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
