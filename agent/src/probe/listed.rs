//! Names from the command line, files and standard input.

use super::error::ProbeSetupError;
use super::name::{NotAName, ProbeName};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};

/// The longest list that is read, in bytes: more names than a run takes.
const MAX_LIST: u64 = 4 * 1024 * 1024;

/// Each name once, in the order given. `@FILE` is a list, a name a line; `-` and `@-` are standard input.
pub(crate) fn names(typed: &[String]) -> Result<Vec<ProbeName>, ProbeSetupError> {
    let lists = typed.iter().filter(|text| is_standard_input(text)).count();
    if lists > 1 {
        return Err(ProbeSetupError::StandardInputTwice);
    }
    let mut names = Vec::new();
    for text in typed {
        if is_standard_input(text) {
            names.extend(list("standard input", io::stdin().lock())?);
        } else if let Some(path) = text.strip_prefix('@') {
            let file = File::open(path).map_err(|source| unreadable(path, source))?;
            names.extend(list(path, file)?);
        } else {
            names.push(name(text, "--authority")?);
        }
    }
    let mut seen = HashSet::new();
    names.retain(|name: &ProbeName| seen.insert(name.raw.clone()));
    if names.is_empty() {
        return Err(ProbeSetupError::NoName { lists: typed.join(", ") });
    }
    Ok(names)
}

fn is_standard_input(text: &str) -> bool {
    matches!(text, "-" | "@-")
}

fn list(from: &str, input: impl Read) -> Result<Vec<ProbeName>, ProbeSetupError> {
    let mut bytes = Vec::new();
    let read = input.take(MAX_LIST + 1).read_to_end(&mut bytes);
    read.map_err(|source| unreadable(from, source))?;
    if bytes.len() as u64 > MAX_LIST {
        return Err(ProbeSetupError::ListTooLong { list: from.to_owned(), max: MAX_LIST });
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let lines = lines.filter_map(|(at, line)| {
        let line = line.split('#').next().unwrap_or_default().trim();
        (!line.is_empty()).then_some((at + 1, line))
    });
    lines.map(|(at, line)| name(line, &format!("{from}, line {at}"))).collect()
}

fn name(text: &str, place: &str) -> Result<ProbeName, ProbeSetupError> {
    ProbeName::parse(text).map_err(|error| not_a_name(text, place, error))
}

/// Says where it was found; what was typed cannot obey in a terminal.
pub(crate) fn not_a_name(text: &str, place: &str, reason: NotAName) -> ProbeSetupError {
    let shown = text.chars().take(100).flat_map(char::escape_default).collect();
    ProbeSetupError::NotAName { place: place.to_owned(), shown, reason }
}

fn unreadable(list: &str, source: io::Error) -> ProbeSetupError {
    ProbeSetupError::ListUnreadable { list: list.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_name_a_line() {
        let text = "\u{feff}one.test\r\n# two.test\n\n  three.test:8443  # why\n";
        let found = list("list", text.as_bytes()).unwrap();
        let found: Vec<_> = found.iter().map(|name| name.raw.as_str()).collect();
        assert_eq!(found, ["one.test", "three.test:8443"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let Err(error) = list("list", &b"one.test\nb\x1b[2Jad name\n"[..]) else { panic!() };
        let said = error.to_string();
        assert!(said.starts_with("list, line 2: `b\\u{1b}[2Jad name` is not a host"), "{said}");
        let long = vec![b'\n'; usize::try_from(MAX_LIST).unwrap() + 1];
        assert!(list("list", &long[..]).is_err());
    }

    #[test]
    fn names_are_asked_for_once() {
        let typed = ["one.test", "two.test", "one.test"].map(str::to_owned);
        assert_eq!(names(&typed).unwrap().len(), 2);
        assert!(matches!(
            names(&["-", "@-"].map(str::to_owned)),
            Err(ProbeSetupError::StandardInputTwice)
        ));
    }
}
