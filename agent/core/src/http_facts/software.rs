//! Which server software a `Server` field, or a process, names.

/// Server software, as far as rules tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerSoftware {
    /// Apache httpd.
    Apache,
    /// nginx, and what is made of it.
    Nginx,
    /// Caddy.
    Caddy,
    /// HAProxy, which names itself nowhere: known as a process only.
    HaProxy,
    /// Traefik: known as a process only.
    Traefik,
    /// Envoy, and what is made of it.
    Envoy,
    /// h2o.
    H2o,
    /// Amazon CloudFront.
    CloudFront,
    /// Jetty.
    Jetty,
    /// Tomcat: known as a process only, or by what it answers.
    Tomcat,
    /// Node.js: known as a process only.
    Node,
    /// Anything else that names itself.
    Other,
}

impl ServerSoftware {
    /// What a `Server` field names first.
    pub fn of(server: &[u8]) -> Self {
        const NAMES: [(&[u8], ServerSoftware); 11] = [
            (b"apache-coyote", ServerSoftware::Tomcat),
            (b"apache", ServerSoftware::Apache),
            (b"nginx", ServerSoftware::Nginx),
            (b"openresty", ServerSoftware::Nginx),
            (b"tengine", ServerSoftware::Nginx),
            (b"caddy", ServerSoftware::Caddy),
            (b"envoy", ServerSoftware::Envoy),
            (b"istio-envoy", ServerSoftware::Envoy),
            (b"h2o", ServerSoftware::H2o),
            (b"cloudfront", ServerSoftware::CloudFront),
            (b"jetty", ServerSoftware::Jetty),
        ];
        let begins = |name: &[u8]| {
            server.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        };
        NAMES.iter().find(|(name, _)| begins(name)).map_or(Self::Other, |(_, software)| *software)
    }

    /// What a process runs, by its command: `None` where that says nothing, as with a program of one's own.
    pub fn of_process(command: &str) -> Option<Self> {
        Some(match command {
            "apache2" | "httpd" => Self::Apache,
            "nginx" | "openresty" => Self::Nginx,
            "caddy" => Self::Caddy,
            "haproxy" => Self::HaProxy,
            "traefik" => Self::Traefik,
            "envoy" => Self::Envoy,
            "h2o" => Self::H2o,
            "node" | "nodejs" | "MainThread" => Self::Node,
            _ => return None,
        })
    }

    /// What is mostly run in front of other servers.
    pub const PROXIES: [Self; 6] =
        [Self::Apache, Self::Nginx, Self::Caddy, Self::HaProxy, Self::Traefik, Self::Envoy];

    /// Whether it is mostly run in front of other servers: as a client it then asks for others.
    pub fn is_proxy(self) -> bool {
        Self::PROXIES.contains(&self)
    }

    /// The name that people use.
    pub fn title(self) -> &'static str {
        match self {
            Self::Apache => "Apache httpd",
            Self::Nginx => "nginx",
            Self::Caddy => "Caddy",
            Self::HaProxy => "HAProxy",
            Self::Traefik => "Traefik",
            Self::Envoy => "Envoy",
            Self::H2o => "h2o",
            Self::CloudFront => "Amazon CloudFront",
            Self::Jetty => "Jetty",
            Self::Tomcat => "Tomcat",
            Self::Node => "Node.js",
            Self::Other => "other software",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_field_names_its_software_first() {
        let cases = [
            ("Apache/2.4.62 (Debian)", ServerSoftware::Apache),
            ("Apache-Coyote/1.1", ServerSoftware::Tomcat),
            ("nginx", ServerSoftware::Nginx),
            ("openresty/1.25.3.1", ServerSoftware::Nginx),
            ("istio-envoy", ServerSoftware::Envoy),
            ("Jetty(12.0.1)", ServerSoftware::Jetty),
            ("cloudflare", ServerSoftware::Other),
            ("", ServerSoftware::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(ServerSoftware::of(text.as_bytes()), expected, "{text}");
        }
    }
}
