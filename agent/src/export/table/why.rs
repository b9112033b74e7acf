//! Why requests were refused, what became of them, and what to change.

use super::layout::line;
use crate::text::{self, plural, sanitize, wrapped};
use std::collections::BTreeMap;
use std::sync::Arc;
use wrongdoor_core::explain::cause::{Cause, CauseId};
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::explain::recovery::Outcome;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::observation::Exchange;

/// How far what belongs to a cause is moved in.
const INDENT: &str = "    ";

/// Causes, with what they have in common. There are as many as there are kinds of advice, at most.
#[derive(Debug, Default)]
pub(super) struct Why {
    causes: BTreeMap<(CauseId, Option<&'static str>, String), CauseTally>,
}

/// Refusals for one cause.
#[derive(Debug)]
struct CauseTally {
    count: u64,
    outcomes: BTreeMap<Outcome, u64>,
    /// The surest of them.
    example: Arc<Cause>,
}

impl Why {
    /// One exchange.
    pub(super) fn add(&mut self, exchange: &Exchange, classification: &Classification) {
        let Some(cause) = &classification.cause else { return };
        let generator = classification.generator.map(Generator::as_str);
        let key = (cause.id, generator, cause.advice.clone());
        let found = self.causes.entry(key).or_insert_with(|| CauseTally {
            count: 0,
            outcomes: BTreeMap::new(),
            example: Arc::clone(cause),
        });
        found.count += 1;
        if cause.confidence < found.example.confidence {
            found.example = Arc::clone(cause);
        }
        if let Some(recovery) = &classification.recovery
            && exchange.is_misdirected()
        {
            *found.outcomes.entry(recovery.outcome).or_default() += 1;
        }
    }

    /// The section, where there is anything to say.
    pub(super) fn render(&self, text: &mut String) {
        if self.causes.is_empty() {
            return;
        }
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by(|(a, x), (b, y)| y.count.cmp(&x.count).then_with(|| a.cmp(b)));
        line(text, "\nWhy");
        for ((cause, generator, advice), found) in causes {
            let by = generator
                .map_or_else(String::new, |generator| format!(", answered by {generator}"));
            let Cause { confidence, evidence, .. } = &*found.example;
            let count = plural(found.count, "request");
            let heading =
                format!("{} ({} confidence): {count}{by}", cause.title(), confidence.as_str());
            wrapped(text, "- ", "  ", &heading);
            for (outcome, count) in &found.outcomes {
                line(text, &format!("{INDENT}{count} {}", outcome.as_str()));
            }
            let evidence: Vec<String> =
                text::evidence(evidence).iter().map(|fact| readable(fact)).collect();
            if !evidence.is_empty() {
                wrapped(
                    text,
                    &format!("{INDENT}because "),
                    &format!("{INDENT}        "),
                    &evidence.join("; "),
                );
            }
            wrapped(text, &format!("{INDENT}do      "), &format!("{INDENT}        "), advice);
        }
    }
}

/// Names in a sentence, each made harmless and short.
fn readable(text: &str) -> String {
    text.split(' ').map(sanitize).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::WIDTH;
    use wrongdoor_core::explain::cause::{Confidence, Evidence};
    use wrongdoor_core::explain::recovery::Recovery;
    use wrongdoor_core::name::Sni;

    #[test]
    fn causes_are_told_in_a_hundred_columns_and_names_obeyed_by_nothing() {
        let mut why = Why::default();
        let name: Box<str> = format!("\u{1b}[2J{}", "x".repeat(300)).into();
        for (exchange, classification) in crate::testing::ruled("apache-two-hosts") {
            let cause = Cause {
                id: CauseId::ProxyOmitsSni,
                confidence: Confidence::High,
                evidence: vec![Evidence::SniPassedOn(Sni::Name(name.clone())); 3],
                advice: "Send it: `proxy_ssl_server_name on;` and then a rather long explanation of why that would help here at all.".to_owned(),
            };
            let outcome = Outcome::NotRetried;
            let recovery = Recovery {
                outcome,
                connection: None,
                status: None,
                after: None,
                handshakes: 0,
                is_expected: None,
            };
            why.add(
                &exchange,
                &Classification {
                    cause: Some(Arc::new(cause)),
                    recovery: Some(recovery),
                    ..classification
                },
            );
        }
        let mut text = String::new();
        why.render(&mut text);
        assert!(
            text.starts_with(
                "\nWhy\n- a reverse proxy sends no SNI to its upstream (high confidence): "
            ),
            "{text}"
        );
        assert!(
            text.contains("    because the name \u{fffd}[2J") || text.contains("…xxx"),
            "{text}"
        );
        assert!(text.contains(" not_retried\n") && text.contains("    do      Send it:"), "{text}");
        assert!(!text.contains('\u{1b}'));
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(WIDTH)), "{text}");
    }

    #[test]
    fn where_nothing_was_refused_there_is_nothing_to_say() {
        let mut text = String::new();
        Why::default().render(&mut text);
        assert_eq!(text, "");
    }
}
