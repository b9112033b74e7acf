//! Real libraries and programs, made-up ones, and files that mean harm.

mod build;
mod hostile;
mod made_up;
#[cfg(feature = "test-against-packages")]
mod real;
mod stripped;

use std::fs::File;
use std::path::Path;

use super::*;

const ABILITIES: [Abilities; 2] = [Abilities { uretprobe: true }, Abilities { uretprobe: false }];

fn look(path: &Path, abilities: Abilities) -> Result<Option<Examined>, FileRefusal> {
    examine(&SafeFile::open(path)?, abilities)
}

/// Examines bytes as a file, for whichever processor.
fn look_at(bytes: &[u8], processor: Processor) -> Result<Option<Examined>, Reason> {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    read(&file, processor)
}

fn read(file: &File, processor: Processor) -> Result<Option<Examined>, Reason> {
    let reader = BoundedReader::new(file, file.metadata().unwrap().len());
    examine_elf(&reader, ABILITIES[0], processor)
}
