//! Who made a response that refuses: what its words, its fields and the process behind the port say together.

use super::body::BodyMark;
use super::error_response::{ContentType, ErrorResponse};
use super::software::ServerSoftware;

/// The software that made a response.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Generator {
    /// Apache httpd.
    Apache,
    /// nginx, and what is made of it.
    Nginx,
    /// Caddy.
    Caddy,
    /// HAProxy.
    HaProxy,
    /// Traefik.
    Traefik,
    /// Envoy, and what is made of it.
    Envoy,
    /// A program that uses Go's own HTTP server; Traefik is one.
    Go,
    /// Fastly.
    Fastly,
    /// Amazon CloudFront.
    CloudFront,
    /// Azure Front Door.
    Azure,
    /// h2o.
    H2o,
    /// A Java server on Apache HttpCore.
    HttpCore,
    /// A program on Node.js.
    Node,
    /// Something else that says who it is.
    Other,
    /// Nothing tells.
    Unknown,
}

/// Who made a response, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// Who made it.
    pub generator: Generator,
    /// Its own words say so, or the process behind the port is known and nothing speaks against it; not only a field
    /// that anybody may set.
    pub is_certain: bool,
    /// It was handed on: who answered is somebody else, who stands in front of who made it.
    pub is_relayed: bool,
}

impl Generator {
    /// All of them, in order.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    fn of_software(software: ServerSoftware) -> Self {
        match software {
            ServerSoftware::Apache => Self::Apache,
            ServerSoftware::Nginx => Self::Nginx,
            ServerSoftware::Caddy => Self::Caddy,
            ServerSoftware::HaProxy => Self::HaProxy,
            ServerSoftware::Traefik => Self::Traefik,
            ServerSoftware::Envoy => Self::Envoy,
            ServerSoftware::H2o => Self::H2o,
            ServerSoftware::CloudFront => Self::CloudFront,
            ServerSoftware::Node => Self::Node,
            ServerSoftware::Jetty | ServerSoftware::Tomcat | ServerSoftware::Other => Self::Other,
        }
    }

    /// Whose words a body is.
    fn of_words(body: BodyMark) -> Option<Self> {
        Some(match body {
            BodyMark::Apache => Self::Apache,
            BodyMark::Nginx => Self::Nginx,
            BodyMark::HaProxy => Self::HaProxy,
            BodyMark::Go => Self::Go,
            BodyMark::Envoy => Self::Envoy,
            BodyMark::Fastly => Self::Fastly,
            BodyMark::CloudFront => Self::CloudFront,
            BodyMark::Azure => Self::Azure,
            BodyMark::H2oConnectUdp => Self::H2o,
            BodyMark::HttpCore | BodyMark::HttpsOverPlaintext => Self::HttpCore,
            BodyMark::Unseen | BodyMark::Empty | BodyMark::Leader | BodyMark::Other => return None,
        })
    }

    /// Whose pages have such fields, where the body was not seen: probes see heads only.
    fn of_fields(answer: &ErrorResponse) -> Option<Self> {
        const GO_PAGE: u64 = "Misdirected Request\n".len() as u64;
        const HAPROXY_PAGE: u64 = 104;
        match (answer.content_type, answer.content_length, answer.server) {
            (Some(ContentType::HtmlLatin1), ..) => Some(Self::Apache),
            (Some(ContentType::PlainUtf8), Some(GO_PAGE), _) => Some(Self::Go),
            (Some(ContentType::Html), Some(HAPROXY_PAGE), None) => Some(Self::HaProxy),
            _ => None,
        }
    }

    /// Whether what makes it may be what this software names itself: Traefik is a Go program.
    fn may_be(self, software: ServerSoftware) -> bool {
        let named = Self::of_software(software);
        named == self
            || match self {
                // Programs of anybody's, which name themselves as they like.
                Self::Go => {
                    matches!(
                        software,
                        ServerSoftware::Traefik | ServerSoftware::Caddy | ServerSoftware::Other
                    )
                }
                Self::HttpCore | Self::Fastly | Self::Azure | Self::Node => {
                    software == ServerSoftware::Other
                }
                _ => false,
            }
    }
}

impl Attribution {
    /// Nothing is known.
    pub const UNKNOWN: Self =
        Self { generator: Generator::Unknown, is_certain: false, is_relayed: false };

    /// From a response, and the software of the process that answered, where that is known.
    pub fn of(answer: &ErrorResponse, process: Option<ServerSoftware>) -> Self {
        let words = Generator::of_words(answer.body);
        let fields =
            if answer.body == BodyMark::Unseen { Generator::of_fields(answer) } else { None };
        // Who answered on this connection, as far as it says or the kernel knows.
        let answered = process.or(answer.server);
        if let Some(maker) = words.or(fields) {
            let own = answered.is_none_or(|software| maker.may_be(software));
            let generator = match (maker, process) {
                (Generator::Go, Some(ServerSoftware::Traefik)) => Generator::Traefik,
                _ => maker,
            };
            return Self {
                generator,
                is_certain: words.is_some() || process.is_some(),
                is_relayed: !own,
            };
        }
        // Another server's name on a response of this process: it was handed on.
        let is_relayed = answer.via
            || process.zip(answer.server).is_some_and(|(process, named)| {
                process != named && process.is_proxy() && named != ServerSoftware::Other
            });
        match (answer.server, process) {
            (Some(named), _) if is_relayed && named != ServerSoftware::Other => {
                Self { generator: Generator::of_software(named), is_certain: false, is_relayed }
            }
            (_, Some(process)) if !is_relayed => {
                Self { generator: Generator::of_software(process), is_certain: true, is_relayed }
            }
            (Some(named), _) => {
                Self { generator: Generator::of_software(named), is_certain: false, is_relayed }
            }
            (None, _) => Self { is_relayed, ..Self::UNKNOWN },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(
        server: Option<ServerSoftware>,
        content_type: Option<ContentType>,
        body: BodyMark,
    ) -> ErrorResponse {
        ErrorResponse { server, content_type, body, ..ErrorResponse::default() }
    }

    #[test]
    fn words_and_fields_name_who_made_a_response() {
        use Generator as G;
        let page = |length| ErrorResponse {
            content_length: Some(length),
            ..answer(None, Some(ContentType::Html), BodyMark::Unseen)
        };
        let cases = [
            // Its own words, under its own name.
            (
                answer(Some(ServerSoftware::Apache), None, BodyMark::Apache),
                None,
                (G::Apache, true, false),
            ),
            // Apache's words under nginx's name: nginx handed them on.
            (
                answer(Some(ServerSoftware::Nginx), None, BodyMark::Apache),
                None,
                (G::Apache, true, true),
            ),
            // The same from heads only.
            (
                answer(
                    Some(ServerSoftware::Nginx),
                    Some(ContentType::HtmlLatin1),
                    BodyMark::Unseen,
                ),
                None,
                (G::Apache, false, true),
            ),
            (
                answer(
                    Some(ServerSoftware::Nginx),
                    Some(ContentType::HtmlLatin1),
                    BodyMark::Unseen,
                ),
                Some(ServerSoftware::Nginx),
                (G::Apache, true, true),
            ),
            (
                answer(Some(ServerSoftware::Nginx), Some(ContentType::Html), BodyMark::Unseen),
                None,
                (G::Nginx, false, false),
            ),
            // HAProxy hands on what Apache named itself on.
            (
                answer(Some(ServerSoftware::Apache), None, BodyMark::Other),
                Some(ServerSoftware::HaProxy),
                (G::Apache, false, true),
            ),
            (
                answer(Some(ServerSoftware::Caddy), None, BodyMark::Empty),
                None,
                (G::Caddy, false, false),
            ),
            (answer(None, None, BodyMark::Go), None, (G::Go, true, false)),
            (
                answer(None, None, BodyMark::Go),
                Some(ServerSoftware::Traefik),
                (G::Traefik, true, false),
            ),
            (answer(None, None, BodyMark::Go), Some(ServerSoftware::Nginx), (G::Go, true, true)),
            (
                answer(None, None, BodyMark::Other),
                Some(ServerSoftware::Node),
                (G::Node, true, false),
            ),
            (page(104), None, (G::HaProxy, false, false)),
            (page(105), None, (G::Unknown, false, false)),
            (
                answer(Some(ServerSoftware::Jetty), None, BodyMark::Other),
                None,
                (G::Other, false, false),
            ),
        ];
        for (answer, process, (generator, is_certain, is_relayed)) in cases {
            let expected = Attribution { generator, is_certain, is_relayed };
            assert_eq!(Attribution::of(&answer, process), expected, "{answer:?} {process:?}");
        }
    }
}
