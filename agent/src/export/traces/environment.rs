//! The variables that OpenTelemetry defines for exporters.

use super::error::TracesError;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// Looks variables up. One that is empty is one that is not set.
pub(crate) struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

/// A variable that is set.
pub(super) struct OtelVariable {
    pub(super) name: String,
    pub(super) value: String,
}

impl<'a> Environment<'a> {
    pub(crate) fn new(look_up: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(look_up)
    }

    pub(super) fn get(&self, name: &str) -> Option<OtelVariable> {
        let value = self.0(name).map(|value| value.trim().to_owned());
        value
            .filter(|value| !value.is_empty())
            .map(|value| OtelVariable { name: name.to_owned(), value })
    }

    /// `OTEL_EXPORTER_OTLP_TRACES_…`, else `OTEL_EXPORTER_OTLP_…`.
    pub(super) fn otlp(&self, name: &str) -> Option<OtelVariable> {
        self.get(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
            .or_else(|| self.get(&format!("OTEL_EXPORTER_OTLP_{name}")))
    }
}

impl OtelVariable {
    /// That it cannot be used, and what could. The value is told only where it holds no secret.
    pub(super) fn refused(&self, why: &str, remedy: &str) -> TracesError {
        let (name, why, remedy) = (self.name.clone(), why.to_owned(), remedy.to_owned());
        TracesError::Refused { name, why, remedy }
    }

    /// A number of milliseconds.
    pub(super) fn milliseconds(&self) -> Result<Duration, TracesError> {
        match self.value.parse() {
            Ok(0) | Err(_) => Err(self.refused(
                &format!("is `{}`", self.value),
                "say how many milliseconds an export may take, as in 10000",
            )),
            Ok(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        }
    }

    /// `gzip` or `none`; true for the former.
    pub(super) fn is_gzip(&self) -> Result<bool, TracesError> {
        match self.value.as_str() {
            "gzip" => Ok(true),
            "none" => Ok(false),
            other => Err(self.refused(&format!("is `{other}`"), "say `gzip` or `none`")),
        }
    }

    /// Header fields. None of their values is ever shown.
    pub(super) fn headers(&self) -> Result<HeaderMap, TracesError> {
        let refused = || {
            self.refused("is not a list of header fields", "write it as `name=value,name=value`")
        };
        let mut headers = HeaderMap::new();
        for (name, value) in self.pairs().ok_or_else(refused)? {
            let name = HeaderName::try_from(name).map_err(|_not_a_name| refused())?;
            let mut value = HeaderValue::try_from(value).map_err(|_not_a_value| refused())?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(headers)
    }

    /// `key=value,key=value` with percent-encoded values, as in W3C Baggage.
    pub(super) fn pairs(&self) -> Option<Vec<(String, String)>> {
        let pairs = self.value.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let key = key.trim();
            (!key.is_empty()).then_some((key.to_owned(), decoded(value.trim())?))
        });
        pairs.collect()
    }
}

/// Percent-encoding undone. A percent sign that begins nothing stands for itself.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let digits = tail.get(..2).filter(|_| byte == b'%');
        let value = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if value.is_some() {
            rest = tail.get(2..).unwrap_or_default();
        }
        bytes.push(value.unwrap_or(byte));
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(value: &str) -> OtelVariable {
        OtelVariable { name: "OTEL_X".to_owned(), value: value.to_owned() }
    }

    #[test]
    fn the_variable_of_the_signal_is_before_the_general_one_and_empty_is_unset() {
        let look_up = |name: &str| match name {
            "OTEL_EXPORTER_OTLP_TIMEOUT" => Some("1".to_owned()),
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT" => Some("2".to_owned()),
            "OTEL_EXPORTER_OTLP_HEADERS" => Some("a=b".to_owned()),
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS" => Some(" ".to_owned()),
            _ => None,
        };
        let environment = Environment::new(&look_up);
        assert_eq!(environment.otlp("TIMEOUT").unwrap().value, "2");
        assert_eq!(environment.otlp("HEADERS").unwrap().value, "a=b");
        assert!(environment.otlp("PROTOCOL").is_none());
    }

    #[test]
    fn headers_are_decoded_and_secret() {
        let headers =
            variable("Authorization=Basic%20QQ==, x-a = b%2Cc,x-b=100%").headers().unwrap();
        let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(value("authorization"), Some("Basic QQ=="));
        assert_eq!(value("x-a"), Some("b,c"));
        assert_eq!(value("x-b"), Some("100%"));
        assert!(!format!("{headers:?}").contains("Basic"), "{headers:?}");
        for wrong in ["secret", "=secret", "a b=secret", "a=secret%0a", "a=%ffsecret"] {
            let said = variable(wrong).headers().unwrap_err().to_string();
            assert!(said.contains("OTEL_X") && !said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn numbers_and_names_are_checked() {
        assert_eq!(variable("250").milliseconds().unwrap(), Duration::from_millis(250));
        for wrong in ["0", "-1", "10s", "1.5"] {
            let said = variable(wrong).milliseconds().unwrap_err().to_string();
            assert!(said.contains("OTEL_X") && said.contains(wrong), "{said}");
        }
        assert!(variable("gzip").is_gzip().unwrap() && !variable("none").is_gzip().unwrap());
        assert!(variable("zstd").is_gzip().is_err());
    }
}
