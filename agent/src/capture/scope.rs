//! What an operator wants to be looked at: the rest pays nothing.

use wrongdoor_procfs::ProcessSeen;

/// The most rules; each is tried on each process.
const MAX_RULES: usize = 256;
/// Network namespaces as the kernel shows them: `net:[4026531840]`.
const NAMESPACE: (&str, char) = ("net:[", ']');

/// Which processes are looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProcessScope {
    include: Vec<Rule>,
    exclude: Vec<Rule>,
}

#[derive(Clone, Debug)]
enum Rule {
    /// The process's name, or its program's file name: the former is cut after 15 bytes.
    Command(Pattern),
    /// The path of its control group.
    Cgroup(Pattern),
    /// The inode of its network namespace.
    Namespace(u64),
}

/// Text in which `*` stands for any characters, `/` among them.
#[derive(Clone, Debug)]
struct Pattern(String);

/// Why a rule cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScopeError {
    /// No `=`, or nothing on one side of it.
    #[error("`{rule}` is not KIND=PATTERN, such as `command=nginx*`")]
    NotARule {
        /// As it was given.
        rule: String,
    },
    /// A kind that there is not.
    #[error("`{kind}` in `{rule}` is not one of command, cgroup, namespace")]
    UnknownKind {
        /// What is in front of the `=`.
        kind: String,
        /// As it was given.
        rule: String,
    },
    /// Not the number of a namespace.
    #[error(
        "`{rule}` is not a network namespace; `readlink /proc/PID/ns/net` prints one, such as `namespace=net:[4026531840]`"
    )]
    NotANamespace {
        /// As it was given.
        rule: String,
    },
    /// More than are reasonable.
    #[error("{count} rules are more than {MAX_RULES}; use `*` in patterns")]
    TooMany {
        /// How many were given.
        count: usize,
    },
}

// === impl ProcessScope ===

impl ProcessScope {
    /// From what stands behind `--include` and `--exclude`.
    pub(crate) fn parse(include: &[String], exclude: &[String]) -> Result<Self, ScopeError> {
        let count = include.len().saturating_add(exclude.len());
        if count > MAX_RULES {
            return Err(ScopeError::TooMany { count });
        }
        let parse = |rules: &[String]| -> Result<Vec<Rule>, ScopeError> {
            rules.iter().map(|rule| Rule::parse(rule)).collect()
        };
        Ok(Self { include: parse(include)?, exclude: parse(exclude)? })
    }

    /// Whether all processes are looked at.
    pub(crate) fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether the processes of a network namespace are; `None` where other rules have a say.
    pub(crate) fn chooses_namespace(&self, inode: u64) -> Option<bool> {
        let is_in = |rules: &[Rule]| {
            let is_it = |rule: &Rule| matches!(rule, Rule::Namespace(other) if *other == inode);
            let is_other = |rule: &Rule| matches!(rule, Rule::Namespace(other) if *other != inode);
            let decided = rules.iter().any(is_it);
            (decided || rules.iter().all(is_other)).then_some(decided)
        };
        let is_included = if self.include.is_empty() { Some(true) } else { is_in(&self.include) };
        match (is_included, is_in(&self.exclude)) {
            (Some(false), _) | (_, Some(true)) => Some(false),
            (Some(true), Some(false)) => Some(true),
            _ => None,
        }
    }

    /// Whether this one is: by any of what is included, if anything is, and by nothing that is excluded.
    pub(crate) fn chooses(&self, process: &ProcessSeen) -> bool {
        let is_included =
            self.include.is_empty() || self.include.iter().any(|rule| rule.matches(process));
        is_included && !self.exclude.iter().any(|rule| rule.matches(process))
    }
}

// === impl Rule ===

impl Rule {
    fn parse(rule: &str) -> Result<Self, ScopeError> {
        let owned = || rule.to_owned();
        let (kind, pattern) =
            rule.split_once('=').ok_or_else(|| ScopeError::NotARule { rule: owned() })?;
        if kind.is_empty() || pattern.is_empty() {
            return Err(ScopeError::NotARule { rule: owned() });
        }
        match kind {
            "command" => Ok(Self::Command(Pattern(pattern.to_owned()))),
            "cgroup" => Ok(Self::Cgroup(Pattern(pattern.to_owned()))),
            "namespace" => namespace(pattern)
                .map(Self::Namespace)
                .ok_or_else(|| ScopeError::NotANamespace { rule: owned() }),
            _ => Err(ScopeError::UnknownKind { kind: kind.to_owned(), rule: owned() }),
        }
    }

    fn matches(&self, process: &ProcessSeen) -> bool {
        match self {
            Self::Command(pattern) => {
                let program = process.program().and_then(|program| program.path.file_name());
                pattern.matches(&process.command)
                    || program.is_some_and(|name| pattern.matches(&name.to_string_lossy()))
            }
            Self::Cgroup(pattern) => pattern.matches(&process.cgroup),
            Self::Namespace(inode) => process.namespaces.net == Some(*inode),
        }
    }
}

fn namespace(text: &str) -> Option<u64> {
    let (prefix, suffix) = NAMESPACE;
    let digits = match text.strip_prefix(prefix) {
        Some(rest) => rest.strip_suffix(suffix)?,
        None => text,
    };
    digits.parse().ok()
}

// === impl Pattern ===

impl Pattern {
    /// The parts between stars are taken as early as they come: no other choice can match where this does
    /// not, so nothing is tried twice.
    fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            let Some((_, behind)) = rest.split_once(part) else { return false };
            rest = behind;
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrongdoor_procfs::testing::process;

    fn scope(include: &[&str], exclude: &[&str]) -> Result<ProcessScope, ScopeError> {
        let owned =
            |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>();
        ProcessScope::parse(&owned(include), &owned(exclude))
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, expected) in [
            ("nginx", "nginx", true),
            ("nginx", "nginx2", false),
            ("nginx*", "nginx: worker", true),
            ("*nginx", "my-nginx", true),
            ("*", "", true),
            ("**", "x", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("ab*ba", "aba", false),
            ("*b*b", "xb", false),
            ("/kubepods*/pod1*", "/kubepods.slice/x/pod1.slice/y", true),
            ("*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(Pattern(pattern.to_owned()).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn any_include_chooses_and_any_exclude_refuses() {
        let mut process = process(7, "nginx");
        process.cgroup = "/kubepods.slice/pod1.slice".to_owned();
        process.namespaces.net = Some(4_026_531_840);
        for (include, exclude, expected) in [
            (&[][..], &[][..], true),
            (&["command=nginx"], &[], true),
            (&["command=apache2", "command=ng*"], &[], true),
            (&["command=apache2"], &[], false),
            // The program's own name, longer than a command can be.
            (&["command=a-program-with-a-long-name"], &[], true),
            (&["cgroup=/kubepods*"], &[], true),
            (&["cgroup=/system*"], &[], false),
            (&["namespace=4026531840"], &[], true),
            (&["namespace=net:[4026531840]"], &[], true),
            (&["namespace=4026531841"], &[], false),
            (&[], &["command=nginx"], false),
            (&[], &["command=apache2"], true),
            (&["command=nginx"], &["cgroup=*pod1*"], false),
        ] {
            let scope = scope(include, exclude).unwrap();
            assert_eq!(scope.chooses(&process), expected, "{include:?} {exclude:?}");
            assert_eq!(scope.is_everything(), include.is_empty() && exclude.is_empty());
        }
    }

    #[test]
    fn what_is_not_known_is_not_included() {
        let mut process = process(7, "nginx");
        process.namespaces.net = None;
        assert!(!scope(&["namespace=1"], &[]).unwrap().chooses(&process));
        assert!(scope(&[], &["namespace=1"]).unwrap().chooses(&process));
    }

    #[test]
    fn a_namespace_is_chosen_where_no_other_rule_has_a_say() {
        for (include, exclude, chosen) in [
            (&[][..], &[][..], Some(true)),
            (&["namespace=7"], &[], Some(true)),
            (&["namespace=8"], &[], Some(false)),
            (&["namespace=8", "namespace=7"], &["namespace=9"], Some(true)),
            (&[], &["namespace=7"], Some(false)),
            (&["namespace=7"], &["namespace=7"], Some(false)),
            (&["command=nginx"], &[], None),
            (&["command=nginx", "namespace=7"], &[], Some(true)),
            (&["namespace=7"], &["command=curl"], None),
            (&[], &["command=curl", "namespace=7"], Some(false)),
        ] {
            let scope = scope(include, exclude).unwrap();
            assert_eq!(scope.chooses_namespace(7), chosen, "{include:?} {exclude:?}");
        }
    }

    #[test]
    fn errors_say_what_to_write() {
        for (rule, expected) in [
            ("nginx", "`nginx` is not KIND=PATTERN, such as `command=nginx*`"),
            ("command=", "`command=` is not KIND=PATTERN, such as `command=nginx*`"),
            ("=x", "`=x` is not KIND=PATTERN, such as `command=nginx*`"),
            ("pod=x", "`pod` in `pod=x` is not one of command, cgroup, namespace"),
        ] {
            assert_eq!(scope(&[rule], &[]).unwrap_err().to_string(), expected);
            assert_eq!(scope(&[], &[rule]).unwrap_err().to_string(), expected);
        }
        for rule in ["namespace=net:[1", "namespace=mnt:[1]", "namespace=*", "namespace=-1"] {
            let error = scope(&[rule], &[]).unwrap_err();
            assert_eq!(error, ScopeError::NotANamespace { rule: rule.to_owned() });
        }
        let many = vec!["command=x".to_owned(); MAX_RULES];
        assert!(ProcessScope::parse(&many, &[]).is_ok());
        let error = ProcessScope::parse(&many, &many).unwrap_err();
        assert_eq!(error, ScopeError::TooMany { count: 2 * MAX_RULES });
    }
}
