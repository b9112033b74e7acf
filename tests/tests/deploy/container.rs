use anyhow::{Context, Result, ensure};
use serde_json::json;
use wrongdoor_tests::deploy::chart::Chart;
use wrongdoor_tests::deploy::image::Image;
use wrongdoor_tests::deploy::pod::Pod;
use wrongdoor_tests::live::container::{Container, asks};
use wrongdoor_tests::live::network::{Network, Way};
use wrongdoor_tests::live::{Ground, kernel, process};
use wrongdoor_tests::ports::Port;
use wrongdoor_tests::{binary, tools};

/// What the kernel calls the capabilities of a set, by their numbers.
fn mask(numbers: &[u32]) -> String {
    format!("{:016x}", numbers.iter().map(|number| 1_u64 << number).sum::<u64>())
}

#[test]
fn a_pod_with_the_charts_privileges_sees_a_server_in_another_container() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let image = Image::build(ground.folder(), &binary::path())?;
    let server = Container::start(&ground)?;
    let chart = Chart::ours().render(&json!({ "kubernetes": { "enabled": false } }))?;
    let mut pod = Pod::start(&turn, &ground, &chart, &image)?;

    // It is confined as the chart says, in a network of its own: DAC_READ_SEARCH, NET_ADMIN, SYS_PTRACE, PERFMON, BPF
    // and CHECKPOINT_RESTORE.
    let bound = mask(&[2, 12, 19, 38, 39, 40]);
    ensure!(pod.status("CapBnd")? == bound, "not {bound}: {}", pod.status("CapBnd")?);
    ensure!(pod.status("NoNewPrivs")? == "1" && pod.status("Seccomp")? == "2");
    let network = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net"));
    ensure!(network(&pod.pid()?.to_string())? != network("self")?);

    for ask in asks() {
        server.ask(&ground, &ask)?;
    }
    let truth = server.truth(6)?;
    ensure!(truth.iter().filter(|row| row.status == 421).count() == 2, "{truth:#?}");
    let here = [("role", "server"), ("sni", "a.test"), ("authority", "d.test")];
    pod.wait_for("both 421s of the server, with SNI and authority", |metrics| {
        metrics.sum("wrongdoor_misdirected_total", &here) >= 2.0
    })?;
    // Handshakes of the whole node: the program is at the root of its control groups, not at the pod's.
    ensure!(pod.metrics()?.sum("wrongdoor_probe_attached", &[("program", "packet_in")]) == 1.0);
    let log = pod.stop()?;
    ensure!(!log.contains("\"level\":\"ERROR\""), "{log}");
    Ok(())
}

#[test]
fn packets_are_seen_from_a_pod_too() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let image = Image::build(ground.folder(), &binary::path())?;
    let network = Network::start(&ground, Way::Direct)?;
    let port = Port::find()?;
    let chart = Chart::ours().render(&json!({
        "mode": "packets",
        "kubernetes": { "enabled": false },
        "http": { "port": port.number() },
        "config": { "packets": { "interfaces": [network.outer()], "cleartext_ports": [network.port()] } },
    }))?;
    let mut pod = Pod::start(&turn, &ground, &chart, &image)?;
    // BPF and NET_RAW.
    ensure!(pod.status("CapBnd")? == mask(&[13, 39]), "{}", pod.status("CapBnd")?);
    let mut curl = tools::command("curl")?;
    curl.args(["--disable", "--noproxy", "*", "--silent", "--fail", "--output", "/dev/null"]);
    curl.args(["--connect-to", &format!("::{}:{}", network.there(), network.tls_port())]);
    process::run(curl.arg("--cacert").arg(ground.root()).arg("https://a.test/"))?;
    let handshakes = [("sni_state", "name"), ("visibility", "handshake_only")];
    pod.wait_for("a handshake with its SNI", |metrics| {
        metrics.sum("wrongdoor_connections_total", &handshakes) >= 1.0
    })?;
    ensure!(network.ask("d.test")? == 421);
    pod.wait_for("a 421 in cleartext", |metrics| {
        metrics.sum("wrongdoor_misdirected_total", &[("authority", "d.test")]) >= 1.0
    })?;
    pod.stop()?;
    Ok(())
}

#[test]
fn the_image_says_what_it_is_and_has_nothing_but_the_program() -> Result<()> {
    let ground = Ground::new()?;
    let image = Image::build(ground.folder(), &binary::path())?;
    let root = ground.folder().join("root");
    image.unpack(&root)?;
    let mut find = tools::command("find")?;
    find.arg(&root).args(["-type", "f", "-printf", "%P\n"]);
    let found = process::run(&mut find)?.stdout;
    let mut files: Vec<&str> = found.lines().collect();
    files.sort_unstable();
    let expected = [
        "etc/ssl/certs/ca-certificates.crt",
        "licenses/LICENSE-APACHE",
        "licenses/LICENSE-GPL2",
        "licenses/LICENSE-MIT",
        "licenses/THIRD-PARTY.txt",
        "wrongdoor",
    ];
    ensure!(files == expected, "{files:?}");
    let licences = std::fs::read_to_string(root.join("licenses/THIRD-PARTY.txt"))?;
    ensure!(licences.contains("tokio 1.") && licences.contains("Permission is hereby granted"));
    ensure!(licences.contains("aya-ebpf 0."), "of the kernel side");
    let labels = image.configuration.get("Labels").context("no labels")?;
    let title = "org.opencontainers.image.title";
    ensure!(labels[title] == "wrongdoor", "{labels:#}");
    // The program, and the kernel side that is in it.
    let licences = "(MIT OR Apache-2.0) AND (MIT OR GPL-2.0-only)";
    ensure!(labels["org.opencontainers.image.licenses"] == licences, "{labels:#}");
    ensure!(image.configuration["User"] == "0:0", "{:#}", image.configuration);
    // Alone in its root, without libraries.
    let mut version = tools::command("chroot")?;
    let said = process::run(version.arg(&root).args(["/wrongdoor", "--version"]))?.stdout;
    ensure!(said.contains("with eBPF probes"), "{said}");
    Ok(())
}
