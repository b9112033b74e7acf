//! Files called like a TLS library that are none, mapped by processes of ours.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use super::process::Running;
use super::{Ground, library};
use crate::tools;

const SILENT: &str = include_str!("scripts/silent.py");

/// How many symbols the largest of them has.
const SYMBOLS: usize = 1_000_000;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// A gibibyte of zeros that takes no space.
    SparseZeros,
    /// An ELF file with a million symbols.
    ManySymbols,
    /// OpenSSL, cut off in the middle.
    Truncated,
    /// The head of an ELF file, whose sections are said to be beyond its end.
    WildOffsets,
    /// OpenSSL, deleted after it was mapped.
    Deleted,
    /// OpenSSL, replaced by zeros after it was mapped.
    Replaced,
    /// OpenSSL, and a FIFO at its path after it was mapped: who opens it waits forever.
    Fifo,
    /// OpenSSL, and a device that never ends at its path.
    Device,
}

impl Trap {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SparseZeros,
        Self::ManySymbols,
        Self::Truncated,
        Self::WildOffsets,
        Self::Deleted,
        Self::Replaced,
        Self::Fifo,
        Self::Device,
    ];

    /// Whether the file itself, however it is reached, is one that must be refused.
    pub fn is_refused(self) -> bool {
        matches!(self, Self::SparseZeros | Self::Truncated | Self::WildOffsets)
    }
}

/// A process that has the file mapped.
#[derive(Debug)]
pub struct Trapped {
    /// The file.
    pub path: PathBuf,
    process: Running,
}

impl Trapped {
    /// Makes the file in a folder of its own and maps it.
    pub fn set(ground: &Ground, trap: Trap) -> Result<Self> {
        let folder = ground.subfolder(&format!("trap-{trap:?}"))?;
        let path = folder.join("libssl.so.3");
        write(trap, &folder, &path)?;
        let process = library::map(&path)?;
        spring(trap, &path)?;
        Ok(Self { path, process })
    }

    /// Lets the process end, unharmed.
    pub fn release(self) -> Result<()> {
        self.process.finish()?;
        Ok(())
    }
}

/// A process that has a file mapped, called like a TLS library, of a file system that answers nothing any more.
#[derive(Debug)]
pub struct Silent {
    /// The file. Only the process sees it there.
    pub path: PathBuf,
    process: Running,
}

impl Silent {
    /// Mounts the file system in a mount namespace of the process's own, at the folder called `name`.
    pub fn set(ground: &Ground, name: &str) -> Result<Self> {
        let path = ground.subfolder(name)?.join("libssl.so.3");
        let mut command = tools::command("python3")?;
        command.args(["-c", SILENT]).arg(&path).stdin(Stdio::piped());
        let mut process = Running::spawn(&mut command)?;
        process.wait_until_it_says("mapped")?;
        Ok(Self { path, process })
    }

    /// Lets the process end, unharmed.
    pub fn release(self) -> Result<()> {
        self.process.finish()?;
        Ok(())
    }
}

fn write(trap: Trap, folder: &Path, path: &Path) -> Result<()> {
    match trap {
        Trap::SparseZeros => File::create(path)?.set_len(1 << 30)?,
        Trap::ManySymbols => many_symbols(path)?,
        Trap::WildOffsets => {
            let mut head = elf_head(u64::MAX - 64, 7);
            head.resize(8192, 0xff);
            fs::write(path, head)?;
        }
        _ => library::copy_openssl(folder)?,
    }
    if trap == Trap::Truncated {
        OpenOptions::new().write(true).open(path)?.set_len(100_000)?;
    }
    Ok(())
}

/// What happens to the path after the file was mapped.
fn spring(trap: Trap, path: &Path) -> Result<()> {
    let make = |program: &str, arguments: &[&str]| {
        fs::remove_file(path)?;
        let mut command = Command::new(program);
        command.arg(path).args(arguments);
        tools::output(&mut command).map(|_nothing| ())
    };
    match trap {
        Trap::Deleted => Ok(fs::remove_file(path)?),
        Trap::Replaced => {
            let other = path.with_extension("other");
            File::create(&other)?.set_len(1 << 30)?;
            Ok(fs::rename(other, path)?)
        }
        Trap::Fifo => make("mkfifo", &[]),
        // /dev/zero
        Trap::Device => make("mknod", &["c", "1", "5"]),
        _ => Ok(()),
    }
}

/// The head of a 64-bit shared library with its section headers at `sections`.
fn elf_head(sections: u64, count: u16) -> Vec<u8> {
    let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    head.extend(3_u16.to_le_bytes());
    head.extend(62_u16.to_le_bytes());
    head.extend(1_u32.to_le_bytes());
    for offset in [0, 0, sections] {
        head.extend(offset.to_le_bytes());
    }
    head.extend(0_u32.to_le_bytes());
    for half in [64, 56, 0, 64, count, 0] {
        head.extend(half.to_le_bytes());
    }
    head
}

/// One section of names, one of symbols: each is a function called `SSL_read`.
fn many_symbols(path: &Path) -> Result<()> {
    const SYMBOL: u64 = 24;
    let names = b"\0SSL_read\0";
    let symbols_at = 128_u64;
    let size = SYMBOL * SYMBOLS as u64;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&elf_head(symbols_at + size, 3))?;
    file.write_all(names)?;
    file.write_all(&vec![0; usize::try_from(symbols_at)? - 64 - names.len()])?;
    for number in 0..SYMBOLS as u64 {
        file.write_all(&1_u32.to_le_bytes())?;
        // A global function in section 1.
        file.write_all(&[0x12, 0, 1, 0])?;
        file.write_all(&(4096 + number).to_le_bytes())?;
        file.write_all(&16_u64.to_le_bytes())?;
    }
    // Nothing; the dynamic symbols, whose names are in section 2; the names.
    let sections: [[u64; 6]; 3] = [
        [0, 0, 0, 0, 0, 0],
        [11, symbols_at, size, 2, 1, SYMBOL],
        [3, 64, names.len() as u64, 0, 0, 0],
    ];
    for [kind, offset, size, link, info, entry] in sections {
        file.write_all(&0_u32.to_le_bytes())?;
        file.write_all(&u32::try_from(kind)?.to_le_bytes())?;
        for long in [2, 0, offset, size] {
            file.write_all(&long.to_le_bytes())?;
        }
        file.write_all(&u32::try_from(link)?.to_le_bytes())?;
        file.write_all(&u32::try_from(info)?.to_le_bytes())?;
        for long in [8, entry] {
            file.write_all(&long.to_le_bytes())?;
        }
    }
    Ok(file.flush()?)
}
