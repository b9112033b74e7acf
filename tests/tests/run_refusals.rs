use std::net::TcpListener;

use anyhow::Result;
use wrongdoor_tests::binary;

#[track_caller]
fn refused(arguments: &[&str], code: i32) -> Result<String> {
    let output = binary::run(&[&["run"], arguments].concat())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "it said: {said}");
    assert!(output.stdout.is_empty());
    Ok(said)
}

#[test]
fn an_address_in_use_is_69_and_named_with_the_remedy() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let said = refused(&["--listen", &address], 69)?;
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
    Ok(())
}

#[test]
fn what_is_no_duration_or_address_is_bad_usage() -> Result<()> {
    for wrong in [["--for", "5x"], ["--for", "0s"], ["--listen", "localhost"]] {
        let said = refused(&wrong, 64)?;
        assert!(said.contains(wrong[1]), "{said}");
    }
    Ok(())
}

#[test]
fn events_that_cannot_be_written_are_74() -> Result<()> {
    let said = refused(&["--listen", "127.0.0.1:0", "--events", "/nonexistent/events.jsonl"], 74)?;
    assert!(said.contains("/nonexistent/events.jsonl"), "{said}");
    Ok(())
}

#[test]
fn traces_that_cannot_be_sent_as_asked_are_bad_usage_with_the_variable_and_a_remedy() -> Result<()>
{
    for (variable, value, remedy) in [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4317", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret", "name=value"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nonexistent/ca.pem", "PEM"),
    ] {
        let mut command = binary::command(&["run", "--listen", "127.0.0.1:0"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4318");
        let output = command.env(variable, value).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains(variable) && said.contains(remedy), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    let said = refused(&["--otlp-endpoint", "localhost:4317"], 64)?;
    assert!(said.contains("--otlp-endpoint") && said.contains("http://"), "{said}");
    Ok(())
}

#[test]
fn the_version_says_whether_probes_are_built_in() -> Result<()> {
    let said = String::from_utf8(binary::run(&["--version"])?.stdout)?;
    assert!(said.contains(" eBPF probes"), "{said}");
    Ok(())
}
