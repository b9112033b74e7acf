//! Servers that do not serve the name, or compare names that they should not compare as they are.

use super::{Fit, Rule, fit, is_made_here, speaks_of_leader};
use crate::explain::cause::CauseId;
use crate::explain::cause::Confidence::{High, Low, Medium};
use crate::explain::cause::evidence::Evidence;
use crate::explain::cause::inputs::{Refusal, Signals};
use crate::name::Sni;
use crate::observation::verdict::Verdict;

pub(super) const NAME_NOT_SERVED: Rule = Rule {
    id: CauseId::NameNotServed,
    title: "the server does not serve this name",
    fits: name_not_served,
    advice: |_| {
        vec![
            "Add the name to the server: a virtual host, a route, `server_name`; or enable the protocol for it (nginx: `http2 on`, before 1.25.1 `http2` on its `listen` line). Traefik: give wildcard routers the TLS options of the host.",
        ]
    },
};

pub(super) const TRAILING_DOT: Rule = Rule {
    id: CauseId::TrailingDot,
    title: "a dot at the end of the host name, on one side only",
    fits: trailing_dot,
    advice: |_| {
        vec![
            "Redirect, or strip the trailing dot before the server compares names: clients strip it from the SNI and keep it in Host.",
        ]
    },
};

pub(super) const BAD_ALTERNATIVE: Rule = Rule {
    id: CauseId::BadAlternative,
    title: "an alternative service that does not serve the origin",
    fits: bad_alternative,
    advice: |_| {
        vec![
            "Withdraw the Alt-Svc (`Alt-Svc: clear`) or make the alternative serve the origin; clients drop it after a 421 (RFC 7838 §6).",
        ]
    },
};

pub(super) const ECH_OUTER_COMPARED: Rule = Rule {
    id: CauseId::EchOuterCompared,
    title: "a server or middlebox compares the outer name of ECH with the authority",
    fits: ech_outer_compared,
    advice: |_| {
        vec![
            "Compare the authority with the inner name, which only the server that terminates TLS knows. A middlebox that sees the outer name must not compare.",
        ]
    },
};

fn name_not_served(s: &Signals) -> Option<Fit> {
    let fits = s.refusal == Refusal::Misdirected
        && s.is_match()
        && !s.alt_used
        && !speaks_of_leader(s)
        && is_made_here(s)
        && !s.past.served_under_own_name;
    if !fits {
        return None;
    }
    let never = Evidence::NeverServed(s.authority.clone());
    let confidence = if s.first == Some(true) { High } else { Medium };
    fit(confidence, [s.same_name(), never, s.generated_by()])
}

fn trailing_dot(s: &Signals) -> Option<Fit> {
    if !is_made_here(s) {
        return None;
    }
    let dot = match s.verdict {
        Verdict::MatchDot => Evidence::DotInAuthority(s.authority.clone()),
        Verdict::SniInvalid if !s.is_mismatch() && ends_in_dot(&s.sni) => {
            Evidence::DotInSni(s.names())
        }
        _ => return None,
    };
    fit(High, [dot, s.generated_by()])
}

fn ends_in_dot(sni: &Sni) -> bool {
    sni.name().is_some_and(|name| name.ends_with('.'))
}

fn bad_alternative(s: &Signals) -> Option<Fit> {
    if !s.alt_used {
        return None;
    }
    let named_again = s.answer.alt_svc.then_some(Evidence::AlternativeNamedAgain);
    fit(Medium, [Evidence::AltUsed].into_iter().chain(named_again))
}

fn ech_outer_compared(s: &Signals) -> Option<Fit> {
    if s.verdict != Verdict::EchIndeterminate {
        return None;
    }
    let confidence = if s.past.others_under_sni > 1 { Medium } else { Low };
    let outer = Evidence::OuterName(s.names());
    fit(confidence, [outer].into_iter().chain(s.hosts_under_sni()))
}
