//! Who sends the spans: this agent.

use super::environment::Environment;
use super::error::TracesError;
use crate::enrich::NODE_NAMES;
use rustix::system::uname;

/// The attributes of the resource. What `OTEL_RESOURCE_ATTRIBUTES` says goes before what was found, and
/// `OTEL_SERVICE_NAME` before that.
pub(super) fn attributes(
    environment: &Environment<'_>,
) -> Result<Vec<(String, String)>, TracesError> {
    let mut attributes = vec![
        ("service.name".to_owned(), "wrongdoor".to_owned()),
        ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ];
    if let Ok(name) = uname().nodename().to_str() {
        attributes.push(("host.name".to_owned(), name.to_owned()));
    }
    if let Some(node) = NODE_NAMES.iter().find_map(|name| environment.get(name)) {
        attributes.push(("k8s.node.name".to_owned(), node.value));
    }
    let mut told = Vec::new();
    if let Some(variable) = environment.get("OTEL_RESOURCE_ATTRIBUTES") {
        let refused = || {
            variable.refused("is not a list of attributes", "write it as `name=value,name=value`")
        };
        told = variable.pairs().ok_or_else(refused)?;
    }
    if let Some(name) = environment.get("OTEL_SERVICE_NAME") {
        told.push(("service.name".to_owned(), name.value));
    }
    for (name, value) in told {
        match attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => attributes.push((name, value)),
        }
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_goes_before_what_was_found() {
        let look_up = |name: &str| match name {
            "OTEL_RESOURCE_ATTRIBUTES" => {
                Some("service.name=a,deployment.environment.name=x%20y,host.name=h".to_owned())
            }
            "OTEL_SERVICE_NAME" => Some("b".to_owned()),
            "NODE_NAME" => Some("node-1".to_owned()),
            _ => None,
        };
        let mut found = attributes(&Environment::new(&look_up)).unwrap();
        found.sort();
        let expected = [
            ("deployment.environment.name", "x y"),
            ("host.name", "h"),
            ("k8s.node.name", "node-1"),
            ("service.name", "b"),
            ("service.version", env!("CARGO_PKG_VERSION")),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let wrong = |name: &str| (name == "OTEL_RESOURCE_ATTRIBUTES").then(|| "x".to_owned());
        let said = attributes(&Environment::new(&wrong)).unwrap_err().to_string();
        assert!(said.contains("OTEL_RESOURCE_ATTRIBUTES"), "{said}");
    }
}
