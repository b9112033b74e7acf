//! `wrongdoor explain`: what the names in the output mean, and what to change.

use crate::cli::{Explain, Format};
use crate::error::Error;
use crate::export::Output;
use crate::text::{self, json_line, verdict, wrapped};
use serde::Serialize;
use std::fmt::Write;
use std::process::ExitCode;
use wrongdoor_core::explain::cause::{AdviceCase, CauseId, advice_for};
use wrongdoor_core::explain::recovery::Outcome;
use wrongdoor_core::observation::verdict::Verdict;

/// Everything that can be explained.
#[derive(Serialize)]
struct Explanations {
    findings: Vec<Name>,
    verdicts: Vec<Name>,
    causes: Vec<CauseExplanation>,
    recoveries: Vec<Name>,
}

/// Why an exchange is of interest, by the names that options, metrics and JSON fields use.
const FINDINGS: [Name; 4] = [
    Name { id: "misdirected", meaning: "the response has status 421" },
    Name {
        id: "mismatched",
        meaning: "the request asks for another host than the SNI of its connection; this can be legal",
    },
    Name {
        id: "silent_misdirect",
        meaning: "a mismatch with a 2xx response from a server that was not seen to serve that host: perhaps the wrong \
                  virtual host answered",
    },
    Name { id: "unreadable", meaning: "the authority of the request could not be read" },
];

/// Names as similar as this to an unknown one are suggested; 1 means equal.
const MIN_SIMILARITY: f64 = 0.85;

/// A name, and what it means.
#[derive(Clone, Copy, Serialize)]
struct Name {
    id: &'static str,
    meaning: &'static str,
}

#[derive(Serialize)]
struct CauseExplanation {
    id: &'static str,
    title: &'static str,
    advice: Vec<Advice>,
}

#[derive(Serialize)]
struct Advice {
    /// When it applies; null for the general advice.
    when: Option<String>,
    text: String,
}

/// Runs the command.
pub(super) fn run(arguments: &Explain) -> Result<ExitCode, Error> {
    let all = Explanations::all();
    let wanted = match &arguments.name {
        Some(name) => all.named(name).map_err(|similar| {
            let name = text::sanitize(name);
            Error::NothingToExplain { name, similar: similar.join("`, `") }
        })?,
        None => all,
    };
    let text = match (arguments.format, &arguments.name) {
        (Format::Json, _) => String::from_utf8_lossy(&json_line(&wanted)).into_owned(),
        (Format::Table, Some(_)) => wanted.to_text(),
        (Format::Table, None) => wanted.list(),
    };
    let mut output = Output::open(None)?;
    output.write(text.as_bytes())?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

impl Explanations {
    fn all() -> Self {
        let verdicts = Verdict::ALL
            .iter()
            .map(|verdict| Name { id: verdict.as_str(), meaning: verdict::meaning(*verdict) });
        let recoveries = Outcome::ALL
            .iter()
            .map(|outcome| Name { id: outcome.as_str(), meaning: text::outcome(*outcome) });
        Self {
            findings: FINDINGS.to_vec(),
            verdicts: verdicts.collect(),
            causes: CauseId::ALL.iter().map(|id| CauseExplanation::new(*id)).collect(),
            recoveries: recoveries.collect(),
        }
    }

    /// The names of all, each in a line.
    fn list(&self) -> String {
        let mut list = String::new();
        let causes = self.causes.iter().map(|cause| (cause.id, cause.title));
        for (heading, names) in [
            ("Findings", pairs(&self.findings)),
            ("Verdicts", pairs(&self.verdicts)),
            ("Causes", causes.collect()),
            ("Recoveries", pairs(&self.recoveries)),
        ] {
            let width = names.iter().map(|(id, _)| id.len()).max().unwrap_or_default();
            _ = writeln!(list, "{heading}");
            for (id, meaning) in names {
                _ = writeln!(list, "  {id:width$}  {meaning}");
            }
            list.push('\n');
        }
        list.push_str("`wrongdoor explain NAME` says what to change for a cause.\n");
        list
    }

    /// What has this name; `unknown` is a verdict and a cause. Otherwise the names that are similar.
    fn named(mut self, name: &str) -> Result<Self, Vec<&'static str>> {
        let names = [&self.findings, &self.verdicts, &self.recoveries].into_iter().flatten();
        let ids = names.map(|name| name.id).chain(self.causes.iter().map(|cause| cause.id));
        let similarity = |id: &str| strsim::jaro_winkler(id, name);
        let similar: Vec<_> = ids.filter(|id| similarity(id) >= MIN_SIMILARITY).collect();
        for names in [&mut self.findings, &mut self.verdicts, &mut self.recoveries] {
            names.retain(|found| found.id == name);
        }
        self.causes.retain(|cause| cause.id == name);
        let is_known = similar.contains(&name);
        if is_known { Ok(self) } else { Err(similar) }
    }

    /// All of it, with the advice.
    fn to_text(&self) -> String {
        let mut text = String::new();
        for (kind, names) in [("Finding", &self.findings), ("Verdict", &self.verdicts)] {
            append_names(&mut text, kind, names);
        }
        for cause in &self.causes {
            cause.append_to(&mut text);
        }
        append_names(&mut text, "Recovery", &self.recoveries);
        text
    }
}

fn append_names(text: &mut String, kind: &str, names: &[Name]) {
    for Name { id, meaning } in names {
        wrapped(text, "", "  ", &format!("{kind} {id}: {meaning}"));
        text.push('\n');
    }
}

fn pairs(names: &[Name]) -> Vec<(&'static str, &'static str)> {
    names.iter().map(|name| (name.id, name.meaning)).collect()
}

impl CauseExplanation {
    fn new(id: CauseId) -> Self {
        let advice = advice_for(id).into_iter();
        let advice = advice.map(|(case, text)| Advice { when: when(case), text });
        Self { id: id.as_str(), title: id.title(), advice: advice.collect() }
    }

    fn append_to(&self, text: &mut String) {
        wrapped(text, "", "  ", &format!("Cause {}: {}", self.id, self.title));
        for Advice { when, text: advice } in &self.advice {
            _ = writeln!(text, "\n{}:", when.as_deref().unwrap_or("What to change"));
            wrapped(text, "  ", "  ", advice);
        }
        text.push('\n');
    }
}

/// When advice applies; `None` for the general advice.
fn when(case: AdviceCase) -> Option<String> {
    Some(match case {
        AdviceCase::General => return None,
        AdviceCase::Server(generator) => format!("If the server is {}", text::generator(generator)),
        AdviceCase::Proxy(software) => format!("If the proxy is {}", software.title()),
        AdviceCase::ClientCertificate => {
            "If the server is nginx and asks for a client certificate".to_owned()
        }
        AdviceCase::Mesh => "Between proxies of a service mesh".to_owned(),
        AdviceCase::Relayed => "If a proxy relayed the refusal of a server behind it".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_output_is_explained_once() {
        let all = Explanations::all();
        let list = all.list();
        let names = Verdict::ALL.iter().map(|verdict| verdict.as_str());
        let names = names.chain(CauseId::ALL.iter().map(|id| id.as_str()));
        let names = names.chain(Outcome::ALL.iter().map(|outcome| outcome.as_str()));
        for name in names.chain(["silent_misdirect"]) {
            let text = Explanations::all().named(name).ok().unwrap().to_text();
            assert!(text.contains(&format!(" {name}: ")), "{text}");
            assert!(text.lines().all(|line| line.len() <= 100), "{text}");
            assert!(list.contains(name), "{name}");
        }
    }

    #[test]
    fn similar_names_are_suggested_for_an_unknown_one() {
        let similar = |name| Explanations::all().named(name).err().unwrap();
        assert_eq!(similar("silent_misdirected"), ["silent_misdirect"]);
        assert!(similar("proxy_omit_sni").contains(&"proxy_omits_sni"));
        assert_eq!(similar("weather"), [""; 0]);
    }

    #[test]
    fn the_advice_of_a_cause_has_its_cases() {
        let text = Explanations::all().named("proxy_omits_sni").ok().unwrap().to_text();
        for part in ["\nWhat to change:\n", "\nIf the proxy is HAProxy:\n", "`sni req.hdr(host)"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
