//! What is going to be asked, of whom, and in which order.

use super::error::ProbeSetupError;
use super::name::ProbeName;
use super::options::{Protocol, Test};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use wrongdoor_core::name::Host;

/// The most probes of a run. Pairs of names grow with the square of their number: beyond this the run is
/// refused, because a part of it would look like the whole.
pub(crate) const MAX_PROBES: usize = 50_000;

/// One request, and the connection it is sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedProbe {
    /// Which kind of connection.
    pub(crate) test: Test,
    /// What is spoken.
    pub(crate) protocol: Protocol,
    /// What the handshake asks for.
    pub(crate) sni: Option<String>,
    /// What is asked for on the connection before, where it is reused.
    pub(crate) first: Option<Arc<ProbeName>>,
    /// What is asked for.
    pub(crate) authority: Arc<ProbeName>,
}

impl PlannedProbe {
    /// The address that the connection is for, where that is no name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        let of = match self.test {
            Test::Own => &self.authority,
            Test::Reuse => self.first.as_ref()?,
            Test::Cross | Test::NoSni | Test::FixedSni => return None,
        };
        match of.host {
            Host::Ip(address) => Some(address),
            Host::Name(_) => None,
        }
    }
}

/// What to ask about.
#[derive(Clone, Debug)]
pub(crate) struct ProbeTargets {
    /// Where, each once.
    pub(crate) servers: Vec<SocketAddr>,
    /// For what, each once.
    pub(crate) names: Vec<ProbeName>,
    /// Server names that every name is asked for with.
    pub(crate) fixed: Vec<String>,
    /// In which protocols.
    pub(crate) protocols: Vec<Protocol>,
    /// On which connections.
    pub(crate) tests: Vec<Test>,
}

/// Every server gets the same probes.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Where.
    pub(crate) servers: Vec<SocketAddr>,
    /// What, in the order of the report.
    pub(crate) probes: Vec<Arc<PlannedProbe>>,
}

impl Plan {
    /// Makes the probes out of the names.
    pub(crate) fn new(wish: ProbeTargets) -> Result<Self, ProbeSetupError> {
        let has = |test| wish.tests.contains(&test);
        let names = wish.names.len();
        let pairs = names.saturating_mul(names.saturating_sub(1));
        let count = |test, number| if has(test) { number } else { 0 };
        let of_a_protocol = count(Test::Own, names)
            .saturating_add(count(Test::Cross, pairs))
            .saturating_add(count(Test::NoSni, names))
            .saturating_add(count(Test::FixedSni, names.saturating_mul(wish.fixed.len())))
            .saturating_add(count(Test::Reuse, pairs));
        let all =
            of_a_protocol.saturating_mul(wish.protocols.len()).saturating_mul(wish.servers.len());
        if all > MAX_PROBES {
            let servers = wish.servers.len();
            return Err(ProbeSetupError::TooManyProbes { names, servers, probes: all });
        }
        let names: Vec<_> = wish.names.into_iter().map(Arc::new).collect();
        let mut probes = Vec::with_capacity(all / wish.servers.len().max(1));
        for protocol in wish.protocols {
            for &test in &wish.tests {
                for (sni, first, authority) in connections(test, &names, &wish.fixed) {
                    probes.push(Arc::new(PlannedProbe { test, protocol, sni, first, authority }));
                }
            }
        }
        Ok(Self { servers: wish.servers, probes })
    }
}

type Connection = (Option<String>, Option<Arc<ProbeName>>, Arc<ProbeName>);

/// What the handshake asks for, what is asked for first, and what then.
fn connections(test: Test, names: &[Arc<ProbeName>], fixed: &[String]) -> Vec<Connection> {
    let mut all = Vec::new();
    match test {
        Test::Own => {
            all.extend(names.iter().map(|name| (name.server_name(), None, Arc::clone(name))))
        }
        Test::NoSni => {
            // Without SNI is how an address is asked for anyway.
            let named = names.iter().filter(|name| name.server_name().is_some());
            all.extend(named.map(|name| (None, None, Arc::clone(name))));
        }
        Test::FixedSni => {
            for sni in fixed {
                all.extend(names.iter().map(|name| (Some(sni.clone()), None, Arc::clone(name))));
            }
        }
        Test::Cross => {
            // Names that differ in their ports only are one to a handshake.
            let mut done = BTreeSet::new();
            for sni in names.iter().filter_map(|name| name.server_name()) {
                if done.insert(sni.clone()) {
                    let others = names.iter().filter(|name| name.host.name() != Some(sni.as_str()));
                    all.extend(others.map(|name| (Some(sni.clone()), None, Arc::clone(name))));
                }
            }
        }
        Test::Reuse => {
            for first in names {
                let others = names.iter().filter(|name| !Arc::ptr_eq(name, first));
                all.extend(
                    others.map(|name| {
                        (first.server_name(), Some(Arc::clone(first)), Arc::clone(name))
                    }),
                );
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::name::ProbeName;

    fn wish(names: &[&str], tests: &[Test]) -> ProbeTargets {
        ProbeTargets {
            servers: vec!["192.0.2.1:443".parse().unwrap()],
            names: names.iter().map(|name| ProbeName::parse(name).unwrap()).collect(),
            fixed: vec!["fixed.test".to_owned()],
            protocols: vec![Protocol::H2],
            tests: tests.to_vec(),
        }
    }

    fn planned(names: &[&str], test: Test) -> Vec<String> {
        let plan = Plan::new(wish(names, &[test])).unwrap();
        let told = |probe: &Arc<PlannedProbe>| {
            let sni = probe.sni.as_deref().unwrap_or("-");
            let first = probe.first.as_ref().map_or("-", |name| name.raw.as_str());
            format!("{sni} {first} {}", probe.authority.raw)
        };
        plan.probes.iter().map(told).collect()
    }

    #[test]
    fn each_test_has_its_connections() {
        let names = ["one.test", "two.test", "192.0.2.1"];
        let own = ["one.test - one.test", "two.test - two.test", "- - 192.0.2.1"];
        assert_eq!(planned(&names, Test::Own), own);
        let cross = [
            "one.test - two.test",
            "one.test - 192.0.2.1",
            "two.test - one.test",
            "two.test - 192.0.2.1",
        ];
        assert_eq!(planned(&names, Test::Cross), cross);
        assert_eq!(planned(&names, Test::NoSni), ["- - one.test", "- - two.test"]);
        let fixed = ["fixed.test - one.test", "fixed.test - two.test", "fixed.test - 192.0.2.1"];
        assert_eq!(planned(&names, Test::FixedSni), fixed);
        let reuse = ["one.test one.test two.test", "two.test two.test one.test"];
        assert_eq!(planned(&["one.test", "two.test"], Test::Reuse), reuse);
    }

    #[test]
    fn names_of_one_host_share_handshakes() {
        let names = ["one.test", "one.test:8443"];
        assert_eq!(planned(&names, Test::Cross), [""; 0]);
        let reuse = ["one.test one.test one.test:8443", "one.test one.test:8443 one.test"];
        assert_eq!(planned(&names, Test::Reuse), reuse);
    }

    #[test]
    fn too_many_are_refused_whole() {
        let names: Vec<String> = (0..300).map(|at| format!("n{at}.test")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let Err(error) = Plan::new(wish(&names, &[Test::Own, Test::Reuse])) else { panic!() };
        let said = error.to_string();
        assert!(said.contains("90000 probes") && said.contains("50000"), "{said}");
        assert_eq!(planned(&names, Test::Own).len(), 300);
    }
}
