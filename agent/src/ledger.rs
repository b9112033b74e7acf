//! The loss ledger: what each stage saw, and what it lost.

/// A source's part of the loss ledger. All counts only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceStats {
    /// What the kernel side had to tell.
    pub(crate) kernel_events: u64,
    /// Of it, what it could not hand over, by reason as in the metrics.
    pub(crate) kernel_lost: Vec<(&'static str, u64)>,
    /// What was read from the kernel.
    pub(crate) capture_events: u64,
    /// Of it, what did not reach the engine, by reason.
    pub(crate) capture_lost: Vec<(&'static str, u64)>,
    /// How many places each kernel program is attached to.
    pub(crate) attached: Vec<(&'static str, u64)>,
    /// Programs and places that the kernel or the file refused: program, reason, how often.
    pub(crate) failures: Vec<(&'static str, &'static str, u64)>,
    /// Processes that use TLS, by whether it is looked into. None where the source does not look at processes.
    pub(crate) tls_processes: Vec<(&'static str, u64)>,
    /// How TLS sessions were joined with their connections, by what came of it.
    pub(crate) joins: Vec<(&'static str, u64)>,
    /// Facts of its own, for people: name and value.
    pub(crate) details: Vec<(&'static str, u64)>,
}

impl SourceStats {
    /// Adds another source's.
    pub(crate) fn add(&mut self, other: Self) {
        self.kernel_events += other.kernel_events;
        self.capture_events += other.capture_events;
        for (sums, counts) in [
            (&mut self.kernel_lost, other.kernel_lost),
            (&mut self.capture_lost, other.capture_lost),
            (&mut self.attached, other.attached),
            (&mut self.tls_processes, other.tls_processes),
            (&mut self.joins, other.joins),
            (&mut self.details, other.details),
        ] {
            for (name, count) in counts {
                match sums.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sum)) => *sum += count,
                    None => sums.push((name, count)),
                }
            }
        }
        for (program, reason, count) in other.failures {
            let same = |known: &&mut (&str, &str, u64)| (known.0, known.1) == (program, reason);
            match self.failures.iter_mut().find(same) {
                Some((_, _, sum)) => *sum += count,
                None => self.failures.push((program, reason, count)),
            }
        }
    }
}
