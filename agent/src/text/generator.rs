//! The software that generates responses, by the names that people use.

use wrongdoor_core::http_facts::Generator;

/// The software that generated a response.
pub(crate) fn generator(generator: Generator) -> &'static str {
    match generator {
        Generator::Apache => "Apache",
        Generator::Nginx => "nginx",
        Generator::Caddy => "Caddy",
        Generator::HaProxy => "HAProxy",
        Generator::Traefik => "Traefik",
        Generator::Envoy => "Envoy",
        Generator::Go => "a Go server",
        Generator::Fastly => "Fastly",
        Generator::CloudFront => "CloudFront",
        Generator::Azure => "Azure Front Door",
        Generator::HttpCore => "a Java server",
        Generator::Node => "a Node.js server",
        Generator::Other => "other software",
        Generator::Unknown => "unknown software",
        Generator::H2o => "h2o",
    }
}
