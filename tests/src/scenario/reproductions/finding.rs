//! What is to be said of one exchange that went wrong.

/// What may be said to be the cause, the true one first, each with the confidences that are right for it.
pub(super) type Causes = &'static [(&'static str, &'static [&'static str])];

/// One answer that refuses a name.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    /// Which server's connection it is on, in the order of the servers' start.
    pub hop: usize,
    /// The SNI.
    pub sni: Option<&'static str>,
    /// The authority.
    pub authority: &'static str,
    /// The status; `None` where the stream is reset.
    pub status: Option<u16>,
    /// Why.
    pub causes: Causes,
    /// Who may be named as the one that made the answer, the true one first; `none` where nobody may be.
    pub generators: &'static [&'static str],
    /// What may be said of what came after it, the true one first; `none` where nothing may be. Only what becomes of
    /// a 421 is followed.
    pub outcomes: &'static [&'static str],
    /// What came after it was another process's doing: only an address says that it is the same client.
    pub is_by_another: bool,
}

/// A finding of which not all is said yet.
pub(super) const fn finding(
    hop: usize,
    sni: Option<&'static str>,
    authority: &'static str,
    status: u16,
) -> Finding {
    let status = if status == 0 { None } else { Some(status) };
    let (causes, generators) = (&[], &[]);
    let (outcomes, is_by_another): (&[&str], bool) = (&["not_retried"], false);
    Finding { hop, sni, authority, status, causes, generators, outcomes, is_by_another }
}

// ===== impl Finding =====

impl Finding {
    /// Why, as far as it can be told.
    pub(super) const fn because(mut self, causes: Causes) -> Self {
        self.causes = causes;
        self
    }

    /// Whose answer it is.
    pub(super) const fn by(mut self, generators: &'static [&'static str]) -> Self {
        self.generators = generators;
        self
    }

    /// What came after it, where something did.
    pub(super) const fn then(mut self, outcomes: &'static [&'static str]) -> Self {
        self.outcomes = outcomes;
        self
    }

    /// What came after it, where another process did it.
    pub(super) const fn then_by_another(mut self, outcomes: &'static [&'static str]) -> Self {
        self.is_by_another = true;
        self.then(outcomes)
    }

    /// Whether this may be said to be the cause.
    pub fn allows(&self, cause: &str, confidence: &str) -> bool {
        let is_it = |(name, confidences): &(&str, &[&str])| {
            *name == cause && confidences.contains(&confidence)
        };
        self.causes.iter().any(is_it)
    }
}

/// What may be said, for a message.
pub fn may_be(allowed: &[&str]) -> String {
    allowed.join(" or ")
}

/// Proof.
pub(super) const HIGH: &[&str] = &["high"];
/// Evidence, with or without proof.
pub(super) const LIKELY: &[&str] = &["high", "medium"];
/// Evidence that is not proof.
pub(super) const MEDIUM: &[&str] = &["medium"];
/// A guess that is not called more.
pub(super) const UNSURE: &[&str] = &["medium", "low"];
