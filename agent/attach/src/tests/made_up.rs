//! Files of kinds that no package of Debian has.

use object::elf;

use super::build::{BASE, Builder};
use super::*;
use crate::wanted::{GoTraced, METHODS};

/// `push rbx; call *rax; pop rbx; ret`.
const FUNCTION: [u8; 8] = [0x53, 0xff, 0xd0, 0x5b, 0xc3, 0x90, 0x90, 0x90];
/// `cmp rsp, [r14+16]; jbe; push rbp; pop rbp; ret; call; jmp` to the beginning.
const METHOD: [u8; 16] =
    [0x49, 0x3b, 0x66, 0x10, 0x76, 0x03, 0x55, 0x5d, 0xc3, 0xe8, 0, 0, 0, 0, 0xeb, 0xf0];
/// `ldr x16, [x28, #16]; cmp sp, x16; b.ls; ret`.
const METHOD_AARCH64: [u32; 4] = [0xf940_0b90, 0xeb30_63ff, 0x5400_0069, 0xd65f_03c0];

fn library(symbols: &[(&str, u64)], processor: Processor) -> Vec<u8> {
    let mut file = Builder::new(processor);
    let (text, _) = file.section(".text", elf::SHT_PROGBITS, 0, &FUNCTION.repeat(40));
    let symbols: Vec<_> = symbols
        .iter()
        .map(|(name, index)| (*name, if *index == 0 { 0 } else { text + 8 * index }, 5))
        .collect();
    file.symbols(&symbols);
    file.done(true)
}

/// A Go program with `before` bytes of C in front, whose table says that its code is at `text`.
fn program(processor: Processor, magic: u32, text: u64, before: usize, named: bool) -> Vec<u8> {
    let method = match processor {
        Processor::X86_64 => METHOD.to_vec(),
        Processor::AArch64 => METHOD_AARCH64.map(u32::to_le_bytes).concat(),
    };
    let mut code = vec![0xcc; before];
    // Something else comes first.
    code.resize(before + 32, 0x90);
    for _ in METHODS {
        code.extend(&method);
        code.resize(code.len().next_multiple_of(32), 0xcc);
    }
    let mut names = b"runtime.main\0".to_vec();
    let mut list = Vec::new();
    let mut described = Vec::new();
    let count = METHODS.len() + 1;
    for (index, name) in
        ["runtime.main"].into_iter().chain(METHODS.iter().map(|m| m.name)).enumerate()
    {
        let at = if index == 0 { 0 } else { names.len() };
        if index > 0 {
            names.extend(name.bytes().chain([0]));
        }
        let begins = index as u32 * 32;
        let place = count * 8 + 4 + described.len();
        list.extend([begins, place as u32].map(u32::to_le_bytes).concat());
        described.extend([begins, at as u32, 0, 0].map(u32::to_le_bytes).concat());
    }
    list.extend((count as u32 * 32).to_le_bytes());
    let mut table = magic.to_le_bytes().to_vec();
    table.extend([0, 0, if processor == Processor::X86_64 { 1 } else { 4 }, 8]);
    let units = 72 + names.len();
    let fields = [count, 0, text as usize, 72, units, units, units, units];
    table.extend(fields.map(|field| (field as u64).to_le_bytes()).concat());
    table.extend([names, list, described].concat());

    let mut file = Builder::new(processor);
    file.section(".text", elf::SHT_PROGBITS, 0, &code);
    file.section(".gopclntab", elf::SHT_PROGBITS, 0, &table);
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.resize(32, 0);
    info.extend(b"\x06go1.99\0");
    file.section(".go.buildinfo", elf::SHT_PROGBITS, 0, &info);
    let mut bytes = file.done(named);
    if !named {
        // The table is looked for in what is not code: the segment is said to hold none of it, and a second
        // one the code.
        bytes[64 + 4] = 4;
    }
    bytes
}

#[test]
fn boringssl_is_told_by_its_mark() {
    let of = |symbols: &[(&str, u64)]| {
        look_at(&library(symbols, Processor::X86_64), Processor::X86_64).unwrap().unwrap()
    };
    let all = [("SSL_read", 1), ("SSL_write", 2), ("SSL_new", 3), ("SSL_free", 4)];
    let found = of(&all);
    assert_eq!((found.kind, found.missing.len()), (TlsKind::OpenSsl, 0));
    let found = of(&[&all[..], &[("BORINGSSL_self_test", 5)]].concat());
    assert_eq!((found.kind, found.attach_points.len()), (TlsKind::BoringSsl, 6));
}

#[test]
fn what_a_program_imports_is_not_its_own() {
    let file = library(&[("SSL_read", 0), ("SSL_write", 0), ("main", 1)], Processor::X86_64);
    assert!(look_at(&file, Processor::X86_64).unwrap().is_none());
}

#[test]
fn vital_functions_that_lack_are_named() {
    let file = library(&[("gnutls_record_recv", 1), ("gnutls_init", 2)], Processor::X86_64);
    let found = look_at(&file, Processor::X86_64).unwrap().unwrap();
    assert_eq!(found.kind, TlsKind::GnuTls);
    let missing: Vec<_> = found.missing.iter().map(|(symbol, _)| *symbol).collect();
    assert_eq!(missing, ["gnutls_record_send", "gnutls_deinit"]);
}

#[test]
fn a_name_that_is_the_end_of_another_one_is_found() {
    let mut file = Builder::new(Processor::X86_64);
    let (text, _) = file.section(".text", elf::SHT_PROGBITS, 0, &FUNCTION.repeat(4));
    // As linkers do: one text, of which the second name is the end.
    let (_, texts) = file.section(".dynstr", elf::SHT_STRTAB, 0, b"\0my_SSL_free\0");
    let mut entries = vec![0; 24];
    for (name, address) in [(1_u32, text), (4, text + 8)] {
        entries.extend(name.to_le_bytes());
        entries.extend([0x12, 0, 1, 0]);
        entries.extend([address, 8].map(u64::to_le_bytes).concat());
    }
    file.section(".dynsym", elf::SHT_DYNSYM, texts, &entries);
    let found = look_at(&file.done(true), Processor::X86_64).unwrap().unwrap();
    let offsets: Vec<_> =
        found.attach_points.iter().map(|attach_point| attach_point.offset + BASE).collect();
    assert_eq!(offsets, [text + 8]);
}

#[test]
fn a_function_without_a_size_ends_at_the_next() {
    let mut file = Builder::new(Processor::X86_64);
    let (text, _) = file.section(".text", elf::SHT_PROGBITS, 0, &FUNCTION.repeat(8));
    file.symbols(&[("SSL_new", text, 0), ("SSL_newer", text + 8, 8)]);
    let file = file.done(true);
    let mut found = Vec::new();
    for abilities in ABILITIES {
        let mut bytes = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut bytes, &file).unwrap();
        let reader = BoundedReader::new(&bytes, file.len() as u64);
        let examined = examine_elf(&reader, abilities, Processor::X86_64).unwrap().unwrap();
        found.extend(
            examined
                .attach_points
                .iter()
                .map(|attach_point| (attach_point.place, attach_point.offset + BASE - text)),
        );
    }
    assert_eq!(found, [(AttachPosition::Uretprobe, 0), (AttachPosition::Return, 4)]);
}

#[test]
fn code_for_another_processor_is_refused() {
    let file = library(&[("SSL_read", 1)], Processor::AArch64);
    assert!(matches!(look_at(&file, Processor::X86_64), Err(Reason::Foreign)));
    let found = look_at(&file, Processor::AArch64).unwrap().unwrap();
    let places: Vec<_> = found
        .attach_points
        .iter()
        .map(|attach_point| (attach_point.place, attach_point.arguments))
        .collect();
    let arguments = Arguments { object: 0, buffer: 1, length: 2, ..Arguments::default() };
    assert_eq!(
        places,
        [(AttachPosition::Entry, arguments), (AttachPosition::Uretprobe, Arguments::default())]
    );
}

#[test]
fn go_code_is_found_where_the_table_does_not_say() {
    let text = BASE + 128;
    // As up to Go 1.25; since then; behind start-up code of C; with a claim that is wrong.
    for (claimed, before) in [(text, 0), (0, 0), (0, 0x140), (text + 64, 0)] {
        for (processor, magic) in
            [(Processor::X86_64, 0xffff_fff1), (Processor::AArch64, 0xffff_fff0)]
        {
            let file = program(processor, magic, claimed, before, true);
            let found = look_at(&file, processor).unwrap().unwrap();
            assert_eq!((found.kind, found.version.as_deref()), (TlsKind::Go, Some("go1.99")));
            assert_eq!(found.missing, []);
            let code = text - BASE + before as u64 + 32;
            for (index, method) in METHODS.iter().enumerate() {
                let begins = code + index as u64 * 32;
                let behind = if processor == Processor::X86_64 { 6 } else { 0 };
                let attach_points = || {
                    found
                        .attach_points
                        .iter()
                        .filter(|attach_point| attach_point.symbol == method.name)
                };
                let place = match method.traced {
                    GoTraced::Call(_) => AttachPosition::Entry,
                    // None calls another, so no message that is written is seen; then none that is read is.
                    GoTraced::Message | GoTraced::MessageTo(_) | GoTraced::Callee => {
                        assert_eq!(attach_points().count(), 0);
                        continue;
                    }
                };
                let entries: Vec<_> = attach_points().filter(|t| t.place == place).collect();
                assert_eq!(entries.len(), 1);
                assert_eq!(entries[0].offset, begins + behind, "{}", method.name);
                let returns = attach_points()
                    .filter(|attach_point| attach_point.place == AttachPosition::Return)
                    .count();
                // Only a read has to say how much it was.
                assert_eq!(returns, usize::from(index == 0));
            }
        }
    }
}

#[test]
fn go_before_1_18_is_refused_with_a_reason() {
    let file = program(Processor::X86_64, 0xffff_fffa, 0, 0, true);
    let refusal = look_at(&file, Processor::X86_64).unwrap_err();
    assert!(refusal.to_string().contains("before 1.18"), "{refusal}");
}

#[test]
fn a_go_table_without_sections_is_found_by_its_looks() {
    let file = program(Processor::X86_64, 0xffff_fff1, BASE + 128, 0, false);
    // Its code is in no segment of code any more, so it gets as far as looking for that.
    assert!(matches!(look_at(&file, Processor::X86_64), Err(Reason::Go(_))));
}
