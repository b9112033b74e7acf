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
fn the_version_says_whether_probes_are_built_in() -> Result<()> {
    let said = String::from_utf8(binary::run(&["--version"])?.stdout)?;
    assert!(said.contains(" eBPF probes"), "{said}");
    Ok(())
}
