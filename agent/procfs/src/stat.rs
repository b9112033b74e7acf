//! `/proc/PID/stat`.

/// A thread of the kernel's own (`PF_KTHREAD`): it has no program and no mappings.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What is taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) command: String,
    pub(super) start_time: u64,
    /// It has a program: it is neither a kernel thread nor dead.
    pub(super) has_program: bool,
}

/// `None` where it is not what the kernel writes.
pub(super) fn parse(bytes: &[u8]) -> Option<Stat> {
    // The command may hold anything, parentheses and line feeds too: it ends at the last `)`.
    let begin = bytes.iter().position(|byte| *byte == b'(')?;
    let end = bytes.iter().rposition(|byte| *byte == b')')?;
    let command = String::from_utf8_lossy(bytes.get(begin + 1..end)?).into_owned();
    let rest = std::str::from_utf8(bytes.get(end + 1..)?).ok()?;
    // Counted from the state, which proc(5) calls field 3.
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let flags: u64 = fields.nth(5)?.parse().ok()?;
    let start_time = fields.nth(12)?.parse().ok()?;
    let is_dead = matches!(state, "Z" | "X" | "x");
    let has_program = !is_dead && flags & KERNEL_THREAD == 0;
    Some(Stat { command, start_time, has_program })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_ends_at_the_last_parenthesis() {
        let line =
            b"7 (a) R (b\n) S 1 7 7 0 -1 4194304 98 0 0 0 0 0 0 0 20 0 1 0 147202 3133440 380\n";
        let command = "a) R (b\n".to_owned();
        assert_eq!(parse(line), Some(Stat { command, start_time: 147_202, has_program: true }));
    }

    #[test]
    fn kernel_threads_and_the_dead_have_no_program() {
        let kernel = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 2 0 0 20 0 1 0 30 0 0";
        let zombie = b"9 (sh) Z 1 9 9 0 -1 4194304 0 0 0 0 0 2 0 0 20 0 1 0 30 0 0";
        for line in [&kernel[..], &zombie[..]] {
            assert!(!parse(line).unwrap().has_program);
        }
    }

    #[test]
    fn what_is_no_stat_is_nothing() {
        for bytes in [&b""[..], b")(", b"1 (x", b"1 (x) S", b"1 (x) S 1 2 3 4 5 y 7", &[0xff; 40]] {
            assert_eq!(parse(bytes), None);
        }
    }
}
