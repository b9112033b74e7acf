//! The header fields that are looked at, and what is kept of each.

use super::agent::AgentClass;
use super::error_response::ContentType;
use super::software::ServerSoftware;
use crate::seen::Seen;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// The key of path digests: of this process only, so that a digest reveals nothing of a path elsewhere.
#[expect(clippy::disallowed_methods, reason = "the one value that is to differ from run to run")]
static PATH_KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A field that helps to name a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// `:path`, or the request target: a keyed hash of it.
    Path,
    /// `user-agent`: its class.
    UserAgent,
    /// `via`, of either end: that it is there.
    Via,
    /// `forwarded` or `x-forwarded-for` or `x-forwarded-host`: that it is there.
    Forwarded,
    /// `alt-used`: that it is there.
    AltUsed,
    /// `server`: which software.
    Server,
    /// `age`: the seconds.
    Age,
    /// `x-cache`: whether it says that a cache answered.
    XCache,
    /// `cache-control`: whether it lets a cache store the response.
    CacheControl,
    /// `alt-svc`: that it is there.
    AltSvc,
    /// `content-type`: as far as error pages differ in it.
    ContentType,
    /// `content-length`: the number.
    ContentLength,
}

impl Hint {
    const COUNT: usize = Self::ContentLength as usize + 1;

    /// The field of this name, in lower case.
    pub fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b":path" => Self::Path,
            b"user-agent" => Self::UserAgent,
            b"via" => Self::Via,
            b"forwarded" | b"x-forwarded-for" | b"x-forwarded-host" => Self::Forwarded,
            b"alt-used" => Self::AltUsed,
            b"server" => Self::Server,
            b"age" => Self::Age,
            b"x-cache" => Self::XCache,
            b"cache-control" => Self::CacheControl,
            b"alt-svc" => Self::AltSvc,
            b"content-type" => Self::ContentType,
            b"content-length" => Self::ContentLength,
            _ => return None,
        })
    }

    /// What is kept of a value.
    pub fn digest(self, value: &[u8]) -> u64 {
        match self {
            Self::Path => PATH_KEY.hash_one(value),
            Self::UserAgent => AgentClass::of(value).map_or(0, |class| 1 + class as u64),
            Self::Via | Self::Forwarded | Self::AltUsed | Self::AltSvc => 1,
            Self::Server => ServerSoftware::of(value) as u64,
            Self::Age | Self::ContentLength => number(value).unwrap_or(u64::MAX),
            Self::XCache => u64::from(contains(value, b"hit")),
            Self::CacheControl => u64::from(is_storable(value)),
            Self::ContentType => ContentType::of(value) as u64,
        }
    }
}

/// What was kept of the fields of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hints([Seen<u64>; Hint::COUNT]);

impl Default for Hints {
    fn default() -> Self {
        Self([Seen::Absent; Hint::COUNT])
    }
}

impl Hints {
    /// A field with this value. Of one that comes again, the first counts.
    pub(crate) fn set(&mut self, hint: Hint, value: &[u8]) {
        self.set_digest(hint, Some(hint.digest(value)));
    }

    /// The same, of which this was kept; nothing where it could not be read.
    pub(crate) fn set_digest(&mut self, hint: Hint, digest: Option<u64>) {
        if let Some(slot) = self.0.get_mut(hint as usize)
            && *slot == Seen::Absent
        {
            *slot = digest.map_or(Seen::Unreadable, Seen::Known);
        }
    }

    /// Some fields could not be read: what is not here may be among them.
    pub(crate) fn doubt_absence(&mut self) {
        for slot in self.0.iter_mut().filter(|slot| **slot == Seen::Absent) {
            *slot = Seen::Unreadable;
        }
    }

    pub(crate) fn get(&self, hint: Hint) -> Seen<u64> {
        self.0.get(hint as usize).copied().unwrap_or_default()
    }

    pub(crate) fn has(&self, hint: Hint) -> bool {
        matches!(self.get(hint), Seen::Known(_))
    }

    /// What a request's fields say.
    pub(crate) fn request(&self) -> RequestSignals {
        RequestSignals {
            path: self.get(Hint::Path).known(),
            agent: match self.get(Hint::UserAgent) {
                Seen::Known(digest) => AGENTS
                    .into_iter()
                    .find(|class| 1 + *class as u64 == digest)
                    .map_or(Seen::Absent, Seen::Known),
                Seen::Absent => Seen::Absent,
                Seen::Unreadable => Seen::Unreadable,
            },
            is_forwarded: self.has(Hint::Via) || self.has(Hint::Forwarded),
            alt_used: self.has(Hint::AltUsed),
        }
    }
}

const AGENTS: [AgentClass; 5] = [
    AgentClass::Browser,
    AgentClass::Crawler,
    AgentClass::Library,
    AgentClass::Proxy,
    AgentClass::Probe,
];

/// What a request's fields say of who sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestSignals {
    /// A hash of the path and query, keyed with a secret of this process.
    pub path: Option<u64>,
    /// The class of the user agent.
    pub agent: Seen<AgentClass>,
    /// It came through a proxy that says so.
    pub is_forwarded: bool,
    /// It was sent to an alternative service (RFC 7838 §5).
    pub alt_used: bool,
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value.trim_ascii()).ok()?.parse().ok()
}

fn contains(value: &[u8], wanted: &[u8]) -> bool {
    value.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted))
}

/// Whether a 421 with this may be stored: it may not by itself, only where freshness is given (RFC 9111 §3).
fn is_storable(value: &[u8]) -> bool {
    let mut storable = false;
    for directive in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        if [&b"no-store"[..], b"private", b"no-cache"].iter().any(|no| contains(directive, no)) {
            return false;
        }
        let seconds = |name: &[u8]| {
            let begins =
                directive.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            begins.then(|| number(directive.get(name.len()..).unwrap_or_default())).flatten()
        };
        storable |= directive.eq_ignore_ascii_case(b"public")
            || seconds(b"max-age=").or_else(|| seconds(b"s-maxage=")).is_some_and(|age| age > 0);
    }
    storable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_rule_needs_is_kept() {
        let kept = |name: &[u8], value: &[u8]| Hint::named(name).map(|hint| hint.digest(value));
        assert_eq!(kept(b"via", b"1.1 secret"), Some(1));
        assert_eq!(kept(b"age", b" 17 "), Some(17));
        assert_eq!(kept(b"x-cache", b"Hit from cloudfront"), Some(1));
        assert_eq!(kept(b"x-cache", b"MISS"), Some(0));
        assert_eq!(kept(b"cache-control", b"max-age=60, private"), Some(0));
        assert_eq!(kept(b"cache-control", b"Max-Age=60"), Some(1));
        assert_eq!(kept(b"cache-control", b"max-age=0"), Some(0));
        assert_eq!(kept(b"cookie", b"x"), None);
        assert_eq!(kept(b":path", b"/a"), kept(b":path", b"/a"));
        assert_ne!(kept(b":path", b"/a"), kept(b":path", b"/b"));
    }

    #[test]
    fn each_class_comes_back_from_what_is_kept() {
        for class in AGENTS {
            let mut hints = Hints::default();
            hints.set_digest(Hint::UserAgent, Some(1 + class as u64));
            assert_eq!(hints.request().agent, Seen::Known(class));
        }
        assert_eq!(AGENTS.map(|class| class as usize), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_may_be_hidden_is_not_absent() {
        let mut hints = Hints::default();
        hints.set(Hint::UserAgent, b"curl/8");
        hints.set(Hint::UserAgent, b"Mozilla/5.0 (X11) Gecko/1 Firefox/1");
        assert_eq!(hints.request().agent, Seen::Known(AgentClass::Library));
        assert_eq!(Hints::default().request().agent, Seen::Absent);
        let mut doubtful = Hints::default();
        doubtful.doubt_absence();
        assert_eq!(doubtful.request().agent, Seen::Unreadable);
    }
}
