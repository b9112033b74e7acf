//! Permissions of files as chmod writes them: `0600`, `0640`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::str::FromStr;
use std::{error, fmt};

/// The permissions of new files. Their owner reads and writes them in any case, and they are no programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode(pub u32);

/// The error for a text that is no file mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAFileMode;

impl Default for FileMode {
    fn default() -> Self {
        // What is in the files names hosts, clients and processes.
        Self(0o600)
    }
}

impl fmt::Display for NotAFileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no file mode: use octal digits such as 0600 or 0640, with which the owner can read and write")
    }
}

impl error::Error for NotAFileMode {}

impl FromStr for FileMode {
    type Err = NotAFileMode;

    fn from_str(text: &str) -> Result<Self, NotAFileMode> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAFileMode);
        }
        let mode = u32::from_str_radix(text, 8).map_err(|_not_octal| NotAFileMode)?;
        if mode & !0o666 == 0 && mode & 0o600 == 0o600 { Ok(Self(mode)) } else { Err(NotAFileMode) }
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Serialize for FileMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}` is {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_octal_and_include_the_owner() {
        for (text, mode) in [("0600", 0o600), ("600", 0o600), ("0640", 0o640), ("0664", 0o664)] {
            assert_eq!(text.parse(), Ok(FileMode(mode)), "{text}");
        }
        for wrong in
            ["", "rw-------", "0o600", "+600", "0400", "0700", "01600", "0689", "99999999999"]
        {
            assert_eq!(wrong.parse::<FileMode>(), Err(NotAFileMode), "{wrong}");
        }
        assert_eq!(FileMode::default().to_string(), "0600");
    }
}
