//! Real libraries and programs, and files that mean harm.

mod real;

use std::path::Path;

use super::{Abilities, Examined, Refusal, SafeFile, examine};

fn look(path: impl AsRef<Path>, uretprobe: bool) -> Result<Option<Examined>, Refusal> {
    examine(&SafeFile::open(path.as_ref())?, Abilities { uretprobe })
}
