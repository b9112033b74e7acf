use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;

use anyhow::{Result, ensure};
use wrongdoor_tests::wire::{Talk, pcap};
use wrongdoor_tests::{binary, scenario, tools};

/// A user id without an account.
const STRANGER: u32 = 4_000_000;

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

/// A client whose configuration has a URL with a password sends the password in the authority.
#[test]
fn a_password_in_an_authority_is_in_no_output() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let capture = folder.path().join("capture.pcap");
    let mut talk = Talk::open(80);
    let absolute = "GET http://alice:hunter2@a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let host = "GET / HTTP/1.1\r\nHost: alice:hunter2@b.test:81\r\n\r\n";
    let malformed = "GET / HTTP/1.1\r\nHost: alice:hunter2@b..test\r\n\r\n";
    let refused = "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n";
    for request in [absolute, host, malformed] {
        talk.client(request).server(refused);
    }
    talk.close();
    fs::write(&capture, pcap(&talk.frames())?)?;
    let page = folder.path().join("report.html");
    for format in ["json", "table"] {
        let mut command = binary::command(&["analyze", "--format", format, "--report"]);
        let output = command.arg(&page).arg(&capture).output()?;
        let printed = String::from_utf8(output.stdout)? + &fs::read_to_string(&page)?;
        for secret in ["alice", "hunter2"] {
            ensure!(!printed.contains(secret), "{secret} is in {printed}");
        }
        ensure!(printed.contains("***@b..test"), "{printed}");
        if format == "json" {
            ensure!(printed.contains(r#""authority":"a.test","authority_raw":"***@a.test""#));
            ensure!(printed.contains(r#""authority":"b.test","authority_raw":"***@b.test:81""#));
        }
    }
    Ok(())
}

#[test]
fn outputs_are_readable_by_their_owner_only() -> Result<()> {
    let scene = scenario::no_sni()?;
    let folder = tempfile::tempdir()?;
    let (output, page) = (folder.path().join("output"), folder.path().join("report.html"));
    let analyze = || -> Result<()> {
        let mut command = binary::command(&["analyze", "--output"]);
        command.arg(&output).arg("--report").arg(&page).arg(scene.capture());
        tools::output(&mut command).map(drop)
    };
    analyze()?;
    ensure!((mode(&output)?, mode(&page)?) == (0o600, 0o600));
    // A file that its owner has opened to others stays so.
    fs::set_permissions(&output, Permissions::from_mode(0o644))?;
    analyze()?;
    ensure!((mode(&output)?, mode(&page)?) == (0o644, 0o600));
    Ok(())
}

#[test]
fn a_symbolic_link_of_another_user_is_refused_by_name() -> Result<()> {
    ensure!(tools::is_root(), "links of other users can be made by root only");
    let scene = scenario::no_sni()?;
    let folder = tempfile::tempdir()?;
    let (link, target) = (folder.path().join("link"), folder.path().join("target"));
    fs::write(&target, "kept")?;
    symlink("target", &link)?;
    let named = format!(
        "`{}` is a symbolic link that belongs to another user ({STRANGER})",
        link.display()
    );
    for option in ["--output", "--report", "--events"] {
        let mut command = if option == "--events" {
            binary::command(&[
                "run",
                "--listen",
                "127.0.0.1:0",
                "--source",
                "packets",
                "--for",
                "1s",
            ])
        } else {
            let mut command = binary::command(&["analyze"]);
            command.arg(scene.capture());
            command
        };
        lchown(&link, Some(STRANGER), None)?;
        let output = command.arg(option).arg(&link).output()?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(74) && said.contains(&named), "{option}: {said}");
        ensure!(fs::read_to_string(&target)? == "kept");
    }
    // One's own is followed.
    lchown(&link, Some(0), None)?;
    let mut command = binary::command(&["analyze", "--output"]);
    tools::output(command.arg(&link).arg(scene.capture()))?;
    ensure!(fs::read_to_string(&target)? != "kept" && fs::symlink_metadata(&link)?.is_symlink());
    Ok(())
}
