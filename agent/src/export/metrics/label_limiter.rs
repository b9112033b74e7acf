//! Which names an operator wants told apart: those on a list, and those under a domain together.

use super::names::{OTHER, is_reserved};

/// `api.test`, or `*.example.com` for everything below it, which is then counted under that pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern(String);

/// The operator's choice. Without one, every name is told apart, within the bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelLimiter {
    only: Vec<Pattern>,
    groups: Vec<Pattern>,
}

/// What cannot be a name or a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a host name nor a pattern such as `*.example.com`")]
pub(crate) struct NotANamePattern(String);

impl LabelLimiter {
    /// `only`: what is told apart, all else is `other`; empty for everything. `groups`: domains that are counted
    /// as one name each.
    pub(crate) fn new(only: &[String], groups: &[String]) -> Result<Self, NotANamePattern> {
        let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::parse(text)).collect();
        let (only, groups): (Result<_, _>, Result<_, _>) = (patterns(only), patterns(groups));
        Ok(Self { only: only?, groups: groups? })
    }

    /// As what a name is counted.
    pub(super) fn of<'a>(&'a self, name: &'a str) -> &'a str {
        if is_reserved(name) {
            return name;
        }
        let mut patterns = self.groups.iter().chain(&self.only);
        match patterns.find(|pattern| pattern.matches(name)) {
            Some(Pattern(pattern)) => pattern,
            None if self.only.is_empty() => name,
            None => OTHER,
        }
    }

    /// A label's value that may stay: nothing else is counted for it now.
    pub(super) fn keeps(&self, label: &str) -> bool {
        self.of(label) == label
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, NotANamePattern> {
        let lower = text.to_ascii_lowercase();
        let domain = lower.strip_prefix("*.").unwrap_or(&lower);
        let is_label = |label: &str| {
            let mut bytes = label.bytes();
            !label.is_empty()
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if domain.split('.').all(is_label) {
            Ok(Self(lower))
        } else {
            Err(NotANamePattern(text.to_owned()))
        }
    }

    fn matches(&self, name: &str) -> bool {
        let Self(pattern) = self;
        match pattern.strip_prefix('*') {
            // Its own label is a name below itself, so that it stays what it is.
            Some(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
            None => name == pattern,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label_limiter(only: &[&str], groups: &[&str]) -> LabelLimiter {
        let owned =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        LabelLimiter::new(&owned(only), &owned(groups)).unwrap()
    }

    #[test]
    fn without_a_choice_every_name_is_itself() {
        assert_eq!(LabelLimiter::default().of("a.test"), "a.test");
    }

    #[test]
    fn what_is_below_a_domain_is_counted_together() {
        let label_limiter = label_limiter(&[], &["*.Example.com"]);
        assert_eq!(label_limiter.of("a.example.com"), "*.example.com");
        assert_eq!(label_limiter.of("a.b.example.com"), "*.example.com");
        assert_eq!(label_limiter.of("example.com"), "example.com");
        assert_eq!(label_limiter.of("anexample.com"), "anexample.com");
        assert!(label_limiter.keeps("*.example.com") && !label_limiter.keeps("a.example.com"));
    }

    #[test]
    fn with_a_list_all_else_is_other() {
        let label_limiter = label_limiter(&["api.test", "*.shop.test"], &["*.example.com"]);
        assert_eq!(label_limiter.of("api.test"), "api.test");
        assert_eq!(label_limiter.of("eu.shop.test"), "*.shop.test");
        assert_eq!(label_limiter.of("a.example.com"), "*.example.com");
        assert_eq!(label_limiter.of("b.test"), OTHER);
        for reserved in ["", "ip", OTHER] {
            assert_eq!(label_limiter.of(reserved), reserved);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in ["", "*", "*.", "a..test", "a.*.test", "https://a.test", "a.test:443"] {
            let wrong = [wrong.to_owned()];
            assert_eq!(LabelLimiter::new(&wrong, &[]), Err(NotANamePattern(wrong[0].clone())));
        }
    }
}
