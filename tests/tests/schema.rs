use std::fs;

use anyhow::{Context, Result, anyhow, bail, ensure};
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use wrongdoor_tests::curl::{Curl, Http};
use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::live::{Agent, Ground, kernel};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::report::text;
use wrongdoor_tests::{binary, tools};

/// The schema that the program prints, which also is a page of the documentation.
struct LineSchema {
    schemas: Schemas,
    index: SchemaIndex,
    /// Of each type of line, the properties.
    properties: Value,
}

impl LineSchema {
    fn of_the_program() -> Result<Self> {
        let printed = tools::output(&mut binary::command(&["schema"]))?;
        let schema: Value = serde_json::from_slice(&printed)?;
        let properties = schema.get("$defs").context("no definitions")?.clone();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("lines.json", schema).map_err(|error| anyhow!("{error}"))?;
        let index =
            compiler.compile("lines.json", &mut schemas).map_err(|error| anyhow!("{error}"))?;
        Ok(Self { schemas, index, properties })
    }

    /// Requires that a line fits, and that the schema names each of its fields.
    fn require(&self, line: &Value) -> Result<()> {
        let fits = self.schemas.validate(line, self.index).map_err(|error| error.to_string());
        if let Err(why) = fits {
            bail!("{line:#}\n{why}");
        }
        let kind = text(line, "type").context("a line has a type")?;
        let name: String =
            kind.chars().take(1).flat_map(char::to_uppercase).chain(kind.chars().skip(1)).collect();
        let known = self.properties.pointer(&format!("/{name}Line/properties"));
        let known = known.with_context(|| format!("no properties of {name}"))?;
        for field in line.as_object().context("a line is an object")?.keys() {
            ensure!(known.get(field).is_some(), "the schema of {name} has no `{field}`");
        }
        Ok(())
    }

    fn require_all(&self, lines: &str) -> Result<usize> {
        lines.lines().try_for_each(|line| self.require(&serde_json::from_str(line)?))?;
        Ok(lines.lines().count())
    }
}

#[test]
fn every_line_about_a_capture_fits_the_schema() -> Result<()> {
    let schema = LineSchema::of_the_program()?;
    let mut count = 0;
    for golden in Golden::all()? {
        count += schema.require_all(&golden.analyze(&binary::path())?)?;
        let mut without_keys = binary::command(&["analyze", "--format", "json"]);
        let printed = tools::output(without_keys.arg(&golden.capture))?;
        count += schema.require_all(std::str::from_utf8(&printed)?)?;
    }
    ensure!(count > 100, "only {count} lines");
    Ok(())
}

#[test]
fn a_line_that_does_not_fit_is_found() -> Result<()> {
    let schema = LineSchema::of_the_program()?;
    let expected = fs::read_to_string(Golden::all()?.first().context("a capture")?.expected())?;
    let line: Value = serde_json::from_str(expected.lines().next().context("a line")?)?;
    schema.require(&line)?;
    for (field, value) in [("type", "other"), ("sni_state", "maybe"), ("surprise", "new")] {
        let mut line = line.clone();
        line[field] = value.into();
        ensure!(schema.require(&line).is_err(), "{field}");
    }
    Ok(())
}

#[test]
fn every_line_of_a_live_run_fits_the_schema() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let server = refusing(&ground)?;
    let agent = Agent::start(&turn)?;
    let url = format!("https://a.test:{}/", server.port());
    for host in ["a.test", "b.test"] {
        Curl::new(&url, Http::Two)?.trust(ground.root()).host(host).status()?;
    }
    let report = agent.stop()?;
    let schema = LineSchema::of_the_program()?;
    let lines = report.exchanges.iter().chain(&report.connections).chain(&report.recoveries);
    lines.chain([&report.summary]).try_for_each(|line| schema.require(line))?;
    ensure!(report.exchanges.iter().any(|line| line["status"] == 421), "{report:#?}");
    Ok(())
}

/// Refuses b.test on connections for a.test.
fn refusing(ground: &Ground) -> Result<wrongdoor_tests::server::Server> {
    let block = ServerBlock::new("_", &ground.cert)
        .with("if ($ssl_server_name != $host) { return 421; } location / { return 200; }");
    nginx::start(&ground.subfolder("nginx")?, "", &[block])
}
