//! Where to connect.

use super::error::ProbeSetupError;
use std::collections::BTreeSet;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// An address, or a name that is looked up once, at the start. All its addresses are probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeEndpoint {
    /// `192.0.2.1:443`, `[2001:db8::1]:443`
    Address(SocketAddr),
    /// `origin.example.com:443`
    Host(String, u16),
}

/// It is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an address with a port, such as `192.0.2.1:443`, `[2001:db8::1]:443` or `origin.example.com:443`"
)]
pub struct NotAnEndpoint;

impl FromStr for ProbeEndpoint {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Self, NotAnEndpoint> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return if address.port() == 0 {
                Err(NotAnEndpoint)
            } else {
                Ok(Self::Address(address))
            };
        }
        let (host, port) = text.rsplit_once(':').ok_or(NotAnEndpoint)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(NotAnEndpoint)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        // Numbers and dots that are no address are a mistake, not a name.
        let is_name = host.chars().all(is_plain) && host.chars().any(|c| c.is_ascii_alphabetic());
        if is_name { Ok(Self::Host(host.to_owned(), port)) } else { Err(NotAnEndpoint) }
    }
}

/// The addresses, each once, in the order given; those of one name in their own.
pub(crate) fn resolve(endpoints: &[ProbeEndpoint]) -> Result<Vec<SocketAddr>, ProbeSetupError> {
    let mut servers = Vec::new();
    for endpoint in endpoints {
        let found: BTreeSet<_> = match endpoint {
            ProbeEndpoint::Address(address) => BTreeSet::from([*address]),
            ProbeEndpoint::Host(host, port) => {
                let looked_up = (host.as_str(), *port).to_socket_addrs();
                let found = looked_up.map_err(|error| unknown(host, &error.to_string()))?;
                found.collect()
            }
        };
        if let (ProbeEndpoint::Host(host, _), true) = (endpoint, found.is_empty()) {
            return Err(unknown(host, "it has no address"));
        }
        servers.extend(found.into_iter().map(canonical));
    }
    let mut seen = BTreeSet::new();
    servers.retain(|server| seen.insert(*server));
    Ok(servers)
}

/// IPv4-mapped as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
            SocketAddr::new(address.ip().to_canonical(), address.port())
        }
        _ => address,
    }
}

fn unknown(host: &str, why: &str) -> ProbeSetupError {
    ProbeSetupError::UnknownHost { host: host.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_part_of_it() {
        for text in ["192.0.2.1:443", "[2001:db8::1]:443", "origin.test:443", "localhost:1"] {
            assert!(text.parse::<ProbeEndpoint>().is_ok(), "{text}");
        }
        for text in [
            "192.0.2.1",
            "2001:db8::1",
            "origin.test",
            "origin.test:0",
            "192.0.2.1:0",
            ":443",
            "",
            "192.0.2.1:99999",
            "192.0.2:443",
            "https://origin.test:443",
            "a b:443",
        ] {
            assert_eq!(text.parse::<ProbeEndpoint>(), Err(NotAnEndpoint), "{text}");
        }
    }

    #[test]
    fn every_address_is_probed_once() {
        let typed = ["192.0.2.2:443", "[::ffff:192.0.2.2]:443", "192.0.2.1:443", "192.0.2.2:443"];
        let endpoints: Vec<ProbeEndpoint> =
            typed.iter().map(|text| text.parse().unwrap()).collect();
        let servers = resolve(&endpoints).unwrap();
        let expected = ["192.0.2.2:443", "192.0.2.1:443"].map(|text| text.parse().unwrap());
        assert_eq!(servers, expected);
    }
}
