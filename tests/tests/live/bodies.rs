use std::fs;

use anyhow::{Result, ensure};
use wrongdoor_tests::live::bodies::{self, HEADER, MARKER};
use wrongdoor_tests::live::compare::{Role, is_of};
use wrongdoor_tests::live::{Agent, Ground, Residents, kernel};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::server::Server;

/// nginx that serves files full of the marker, and takes uploads.
fn files(ground: &Ground) -> Result<Server> {
    let pages = ground.subfolder("pages")?;
    fs::write(pages.join("index.html"), MARKER.repeat(50_000))?;
    // What an upload is answered with has the marker too.
    let directives = format!(
        "root {};\nadd_header X-Told {HEADER};\nerror_page 405 =200 /index.html;\nlocation / {{ }}",
        pages.display()
    );
    let block = ServerBlock::new("a.test", &ground.cert).with(&directives);
    nginx::start(ground.folder(), "", &[block])
}

#[test]
fn body_bytes_never_leave_the_kernel() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let server = bodies::server(&ground)?;
    let files = files(&ground)?;
    let _residents = Residents::start()?;
    let file = ground.folder().join("ring");
    let agent = Agent::start_with(&turn, &["--record", &file.display().to_string()])?;
    let count = bodies::talk(&ground, server.port())?;
    bodies::talk_to_files(&ground, files.port())?;
    bodies::talk_otherwise(&ground)?;
    let lines = agent.stop()?.exchanges;

    let record = fs::read(&file)?;
    bodies::require_absent(&record)?;
    // That it is absent means something only where the heads around it are there.
    let has = |text: &str| record.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    ensure!(has(HEADER), "no header is in what left the kernel");
    for role in [Role::Client, Role::Server] {
        for (port, count) in [(server.port(), count), (files.port(), 4)] {
            let told = lines.iter().filter(|line| is_of(line, role, &[port])).count();
            ensure!(told == count, "{told} of {count} exchanges are told as {role:?}");
        }
    }
    Ok(())
}

#[test]
fn peers_agree_on_bodies_of_every_shape() -> Result<()> {
    let ground = Ground::new()?;
    let server = bodies::server(&ground)?;
    let files = files(&ground)?;
    ensure!(bodies::talk(&ground, server.port())? > 100);
    bodies::talk_to_files(&ground, files.port())?;
    bodies::talk_otherwise(&ground)
}
