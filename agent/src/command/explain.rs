//! `wrongdoor explain`: what the names in the output mean, and what to change.

use crate::cli::{Explain, Format};
use crate::error::Error;
use crate::export::Output;
use crate::text::{self, json_line, verdict};
use serde::Serialize;
use std::fmt::Write;
use std::process::ExitCode;
use wrongdoor_core::explain::cause::{AdviceCase, CauseId, advice_for};
use wrongdoor_core::explain::recovery::Outcome;
use wrongdoor_core::observation::verdict::Verdict;

/// Everything that can be explained.
#[derive(Serialize)]
struct Explanations {
    verdicts: Vec<Name>,
    causes: Vec<CauseExplanation>,
    recoveries: Vec<Name>,
}

/// A name, and what it means.
#[derive(Serialize)]
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
    let text = match (&arguments.name, arguments.format) {
        (Some(name), _) => {
            all.one(name).ok_or_else(|| Error::NothingToExplain { name: name.clone() })?
        }
        (None, Format::Json) => String::from_utf8_lossy(&json_line(&all)).into_owned(),
        (None, Format::Table) => all.list(),
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

    /// All about one name; `unknown` is a verdict and a cause.
    fn one(&self, name: &str) -> Option<String> {
        let of = |kind, names: &[Name]| {
            let found = names.iter().find(|found| found.id == name)?;
            Some(format!("{kind} {}: {}\n", found.id, found.meaning))
        };
        let cause = self.causes.iter().find(|cause| cause.id == name);
        let found = [
            of("Verdict", &self.verdicts),
            cause.map(CauseExplanation::to_text),
            of("Recovery", &self.recoveries),
        ];
        let found: Vec<String> = found.into_iter().flatten().collect();
        (!found.is_empty()).then(|| found.join("\n"))
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

    fn to_text(&self) -> String {
        let mut text = format!("Cause {}: {}\n", self.id, self.title);
        for Advice { when, text: advice } in &self.advice {
            let heading = when.as_deref().unwrap_or("What to change");
            _ = write!(text, "\n{heading}:\n  {advice}\n");
        }
        text
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
        for name in names.chain(Outcome::ALL.iter().map(|outcome| outcome.as_str())) {
            assert!(
                all.one(name).is_some_and(|text| text.contains(&format!(" {name}: "))),
                "{name}"
            );
            assert!(list.contains(name), "{name}");
        }
        assert_eq!(all.one("nothing"), None);
    }

    #[test]
    fn the_advice_of_a_cause_has_its_cases() {
        let text = Explanations::all().one("proxy_omits_sni").unwrap();
        for part in ["\nWhat to change:\n", "\nIf the proxy is HAProxy:\n", "`sni req.hdr(host)"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
