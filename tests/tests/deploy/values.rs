use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wrongdoor_tests::deploy::chart::{self, Chart};
use wrongdoor_tests::deploy::repository;

/// What the chart says to the agent by itself, or what makes no sense in a cluster.
const THE_CHARTS: [&str; 5] = ["source", "listen", "http", "kubernetes", "for"];

fn schema() -> Result<Value> {
    let text = fs::read_to_string(Chart::ours().folder().join("values.schema.json"))?;
    Ok(serde_json::from_str(&text)?)
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
}

/// Requires that each value has its place in the schema, and each place a description.
fn require_described(path: &str, value: &Value, schema: &Value) -> Result<()> {
    let described = schema["description"].as_str().is_some_and(|text| text.ends_with('.'));
    ensure!(described, "{path} has no description");
    let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
    ensure!(schema["additionalProperties"] == false, "{path} takes anything");
    for key in keys(value) {
        ensure!(properties.contains_key(&key), "{path}.{key} is not in the schema");
    }
    for (key, schema) in properties {
        require_described(&format!("{path}.{key}"), &value[key], schema)?;
    }
    Ok(())
}

#[test]
fn every_value_is_in_the_schema_with_a_description() -> Result<()> {
    let defaults = chart::yaml(&fs::read_to_string(Chart::ours().folder().join("values.yaml"))?)?;
    let schema = schema()?;
    require_described("", &defaults, &schema)?;
    // And what can be said at the top stands in the file, for people to read.
    let mut known = keys(&schema["properties"]);
    known.remove("global");
    ensure!(known == keys(&defaults), "{:?}", known.symmetric_difference(&keys(&defaults)));
    Ok(())
}

#[test]
fn every_option_of_the_agent_is_a_value() -> Result<()> {
    let example = fs::read_to_string(repository().join("deploy/wrongdoor.yaml"))?;
    let options = chart::yaml(&example)?;
    let schema = schema()?;
    let config = &schema["properties"]["config"]["properties"];
    let own = THE_CHARTS.map(str::to_owned).into_iter().collect();
    let expected: BTreeSet<String> = keys(&options).difference(&own).cloned().collect();
    ensure!(keys(config) == expected, "{:?}", keys(config).symmetric_difference(&expected));
    for section in expected {
        let (options, known) = (keys(&options[&section]), keys(&config[&section]["properties"]));
        ensure!(options == known, "{section}: {:?}", options.symmetric_difference(&known));
    }
    Ok(())
}

#[test]
fn wrong_values_are_refused_before_anything_is_installed() -> Result<()> {
    for (values, told) in [
        (json!({ "mod": "ebpf" }), "mod"),
        (json!({ "mode": "auto" }), "mode"),
        (json!({ "http": { "port": "9421" } }), "port"),
        (json!({ "http": { "port": 0 } }), "port"),
        (json!({ "config": { "listen": "0.0.0.0:1" } }), "listen"),
        (json!({ "config": { "log": { "level": "loud" } } }), "level"),
        (json!({ "config": { "packets": { "cleartext_ports": [70000] } } }), "cleartext_ports"),
        (json!({ "security": { "extraCapabilities": ["CAP_NET_ADMIN"] } }), "extraCapabilities"),
        (json!({ "security": { "privileged": true } }), "privileged"),
        (json!({ "image": { "digest": "latest" } }), "digest"),
        (json!({ "tolerations": "all" }), "tolerations"),
        // What the schema cannot know.
        (json!({ "http": { "allowPlain": false } }), "nothing can connect"),
        (json!({ "mode": "packets", "podMonitor": { "enabled": true } }), "loopback only"),
        (json!({ "serviceMonitor": { "enabled": true } }), "service.enabled"),
    ] {
        let refused = Chart::ours().render(&values).err().map(|error| format!("{error:#}"));
        let refused = refused.with_context(|| format!("{values} is taken"))?;
        ensure!(refused.contains(told), "{values}: no {told} in {refused}");
    }
    Ok(())
}
