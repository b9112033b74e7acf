use anyhow::{Result, ensure};
use serde_json::Value;
use wrongdoor_tests::live::compare::{Role, compare, is_of};
use wrongdoor_tests::live::container::{Container, asks};
use wrongdoor_tests::live::{Agent, Ground, Residents, kernel};

#[test]
fn a_server_in_a_container_is_told_with_its_container() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let container = Container::start(&ground)?;
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    for ask in asks() {
        container.ask(&ground, &ask)?;
    }
    let truth = container.truth(6)?;
    let lines = agent.stop()?.exchanges;
    let ports = [container.port()];
    compare(&truth, &lines, Role::Server, &ports).require_all()?;
    // curl is outside, but in the container's network.
    let client: Vec<_> = truth.iter().map(|row| row.from_other_end(None)).collect();
    compare(&client, &lines, Role::Client, &ports).require_all()?;
    for line in lines.iter().filter(|line| is_of(line, Role::Server, &ports)) {
        let id = line.pointer("/process/container").and_then(Value::as_str);
        ensure!(id == Some(&container.id), "not {}: {line:#}", container.id);
        ensure!(line.pointer("/process/command") == Some(&Value::from("nginx")), "{line:#}");
    }
    for line in lines.iter().filter(|line| is_of(line, Role::Client, &ports)) {
        let id = line.pointer("/process/container");
        ensure!(id.is_none_or(Value::is_null), "curl is in no container: {line:#}");
    }
    Ok(())
}

#[test]
fn peers_agree_in_a_container() -> Result<()> {
    let ground = Ground::new()?;
    let container = Container::start(&ground)?;
    for ask in asks() {
        container.ask(&ground, &ask)?;
    }
    let statuses: Vec<u16> = container.truth(6)?.iter().map(|row| row.status).collect();
    ensure!(statuses == [200, 200, 421, 200, 200, 421], "{statuses:?}");
    Ok(())
}
