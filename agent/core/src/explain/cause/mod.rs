//! Why a request was refused, on whose side, and what to change.
//!
//! [`explain`] tries the [rules](rules), one for each cause, and takes the first that fits. It sees nothing but
//! [`Signals`], so that the same signals always give the same cause.

mod advice;
mod evidence;
mod inputs;
mod rules;
#[cfg(test)]
mod tests;

pub use advice::{AdviceCase, advice_for};
pub use evidence::{Evidence, NamePair};
pub use inputs::{ClientKind, ConnectionContext, DownstreamHop, Past, Refusal, Signals};

use crate::http_facts::AgentClass;
use crate::observation::Exchange;
use crate::seen::Seen;
use rules::Fit;

/// What is wrong. The order is that in which the rules are tried.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum CauseId {
    /// `wrongdoor probe` asked. No rule: see [`of_probe`].
    Probe,
    /// Not names: the application or the protocol says 421.
    Application,
    /// A cache answers with a 421 that was meant for another connection.
    Cached,
    /// The site does not want to be crawled over HTTP/2.
    CrawlerOptOut,
    /// A CONNECT's target was compared with the SNI.
    ConnectCompared,
    /// A reverse proxy sends no SNI to its upstream.
    ProxyOmitsSni,
    /// A client sends no SNI.
    ClientOmitsSni,
    /// A reverse proxy sends an SNI that is not the host that it asks for.
    ProxyWrongSni,
    /// A reverse proxy uses an upstream connection again for another host than it was opened for.
    ProxyPoolNotKeyed,
    /// A reverse proxy sends its client's SNI on, and the client has coalesced.
    FrontCoalescingLeaked,
    /// Legal coalescing into a virtual host whose TLS settings differ.
    CoalescedTlsPolicy,
    /// Legal coalescing, refused by a comparison of names or options.
    CoalescedNameCheck,
    /// Reuse for a host that the certificate does not cover.
    ReuseNotCovered,
    /// TLS is passed through by SNI to different backends, with one certificate for several names.
    PassthroughWildcard,
    /// The server does not serve the name.
    NameNotServed,
    /// A trailing dot, on one side only.
    TrailingDot,
    /// A client that sets a Host of its own, or fronts.
    HostOverride,
    /// `:authority` and `Host` differ.
    AmbiguousAuthority,
    /// An alternative service that does not speak for the origin.
    BadAlternative,
    /// The outer name of ECH was compared.
    EchOuterCompared,
    /// A member of a cluster says that another one leads.
    ClusterRedirect,
    /// None of these.
    Unknown,
}

/// How far the evidence carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// Nothing else fits what was seen.
    High,
    /// It is the likeliest, and something that would prove it was not seen.
    Medium,
    /// Little more than a guess.
    Low,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What is wrong.
    pub id: CauseId,
    /// How far the evidence carries.
    pub confidence: Confidence,
    /// What of this traffic led to it.
    pub evidence: Vec<Evidence>,
    /// What to change, by the name of the setting.
    pub advice: String,
}

/// Of a test request of `wrongdoor probe`, whatever came of it: the probe asks on purpose for what no client should ask for.
pub fn of_probe(exchange: &Exchange) -> Cause {
    let by_agent = exchange.hints.agent == Seen::Known(AgentClass::Probe);
    let by_hello = exchange.connection.is_probe();
    let evidence =
        [by_agent.then_some(Evidence::ProbeUserAgent), by_hello.then_some(Evidence::ProbeHello)];
    Cause {
        id: CauseId::Probe,
        confidence: Confidence::High,
        evidence: evidence.into_iter().flatten().collect(),
        advice: rules::PROBE_ADVICE.to_owned(),
    }
}

/// Why this request was refused.
pub fn explain(signals: &Signals) -> Cause {
    let (rule, Fit { confidence, evidence }) = rules::first(signals);
    Cause { id: rule.id, confidence, evidence, advice: (rule.advice)(signals).join(" ") }
}

impl CauseId {
    /// All of them, in order.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What it is, in a few words.
    pub fn title(self) -> &'static str {
        rules::of(self).title
    }
}

impl Confidence {
    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}
