//! What kind of client a `User-Agent` speaks of.

use crate::wire::tls::alpn::PROBE;

/// The class of a user agent. Its text is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentClass {
    /// A browser: it retries a 421 by itself, on a new connection.
    Browser,
    /// A search engine's or another robot: it comes again later, perhaps over HTTP/1.1.
    Crawler,
    /// A library or a tool: nearly none of them retries.
    Library,
    /// A proxy in its own name, a health check for instance.
    Proxy,
    /// `wrongdoor probe`: it asks on purpose for what no client should ask for.
    Probe,
}

const CRAWLERS: [&str; 8] =
    ["bot/", "bot;", "crawler", "spider", "slurp", "googleother", "externalhit", "bingpreview"];
const PROXIES: [&str; 8] = [
    "cloudfront",
    "envoy/",
    "haproxy",
    "varnish",
    "fastly",
    "squid",
    "elb-healthchecker",
    "cloudflare-",
];
const ENGINES: [&str; 5] = ["gecko/", "applewebkit/", "chrome/", "firefox/", "trident/"];

/// The most bytes of a user agent that are looked at.
const MAX_LOOKED_AT: usize = 512;

impl AgentClass {
    /// The class of a field's value; `None` for an empty one.
    pub fn of(value: &[u8]) -> Option<Self> {
        let value = value.get(..MAX_LOOKED_AT).unwrap_or(value).trim_ascii().to_ascii_lowercase();
        if value.is_empty() {
            return None;
        }
        let has = |wanted: &&str| memchr::memmem::find(&value, wanted.as_bytes()).is_some();
        Some(if value.strip_prefix(PROBE.as_bytes()).is_some_and(|rest| rest.starts_with(b"/")) {
            Self::Probe
        } else if CRAWLERS.iter().any(has) {
            Self::Crawler
        } else if PROXIES.iter().any(has) {
            Self::Proxy
        } else if value.starts_with(b"mozilla/5.0 (") && ENGINES.iter().any(has) {
            Self::Browser
        } else {
            Self::Library
        })
    }

    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Crawler => "crawler",
            Self::Library => "library",
            Self::Proxy => "proxy",
            Self::Probe => "probe",
        }
    }

    /// Whether clients of this class send a request that was answered with 421 again by themselves.
    pub fn retries(self) -> bool {
        self == Self::Browser
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_client_is_told() {
        let cases = [
            ("", None),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
                Some(AgentClass::Browser),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0",
                Some(AgentClass::Browser),
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                Some(AgentClass::Crawler),
            ),
            ("Amazon CloudFront", Some(AgentClass::Proxy)),
            ("ELB-HealthChecker/2.0", Some(AgentClass::Proxy)),
            ("curl/8.5.0", Some(AgentClass::Library)),
            ("node", Some(AgentClass::Library)),
            ("Mozilla/5.0", Some(AgentClass::Library)),
            ("wrongdoor-probe/0.1.0", Some(AgentClass::Probe)),
            ("wrongdoor-probes/0.1.0", Some(AgentClass::Library)),
            ("curl/8.5.0 wrongdoor-probe/0.1.0", Some(AgentClass::Library)),
        ];
        for (text, expected) in cases {
            assert_eq!(AgentClass::of(text.as_bytes()), expected, "{text}");
        }
    }
}
