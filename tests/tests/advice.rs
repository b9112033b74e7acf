//! Settings that the advice names, held against the programs that are to take them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use tempfile::tempdir;
use wrongdoor_tests::certs::Authority;
use wrongdoor_tests::tools;

/// Where the advice is written.
const TEXTS: [&str; 7] = [
    include_str!("../../agent/core/src/explain/cause/rules/application.rs"),
    include_str!("../../agent/core/src/explain/cause/rules/client.rs"),
    include_str!("../../agent/core/src/explain/cause/rules/coalescing.rs"),
    include_str!("../../agent/core/src/explain/cause/rules/proxy.rs"),
    include_str!("../../agent/core/src/explain/cause/rules/server.rs"),
    include_str!("../../agent/core/src/explain/cause/rules/settings.rs"),
    include_str!("../../dashboards/runbooks/WrongdoorMisdirectedRatioHigh.md"),
];

/// Whether a setting is in any of the texts.
fn is_advised(setting: &str) -> bool {
    TEXTS.iter().any(|text| text.contains(setting))
}

/// What the program says of its configuration; an error where that is not what is `expected`.
fn check(command: &mut Command, setting: &str, expected: bool) -> Result<Output> {
    let output = command.output()?;
    let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    ensure!(output.status.success() == expected, "{setting}: {said}");
    Ok(output)
}

/// nginx's version as three numbers.
fn nginx_version() -> Result<[u32; 3]> {
    let output = tools::command("nginx")?.arg("-v").output()?;
    let text = String::from_utf8(output.stderr)?;
    let numbers = text.trim().rsplit('/').next().unwrap_or_default().split('.');
    let numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
    numbers.try_into().ok().with_context(|| format!("not a version: {text}"))
}

fn nginx(folder: &Path, http: &str) -> Result<Command> {
    let file = folder.join("nginx.conf");
    let pid = folder.join("pid");
    fs::write(&file, format!("pid {};\nevents {{}}\nhttp {{\n{http}\n}}\n", pid.display()))?;
    let mut command = tools::command("nginx")?;
    command.args(["-t", "-e", "stderr", "-p"]).arg(folder).arg("-c").arg(file);
    Ok(command)
}

#[test]
fn nginx_takes_what_it_is_advised() -> Result<()> {
    let folder = tempdir()?;
    let cert = Authority::new(folder.path())?.issue("a", &["a.test"])?;
    let version = nginx_version()?;
    let tls = format!(
        "ssl_certificate {};\nssl_certificate_key {};",
        cert.chain.display(),
        cert.key.display()
    );
    let upstream = |keepalive: &str| {
        format!(
            "upstream u {{ server 127.0.0.1:1; {keepalive} }}\n\
             server {{ listen 127.0.0.1:1; location / {{ proxy_pass https://u;\n\
             proxy_ssl_server_name on; proxy_ssl_name $host; }} }}"
        )
    };
    let server = |listen: &str, more: &str| {
        format!("server {{ listen 127.0.0.1:1 {listen}; server_name a.test;\n{tls}\n{more} }}")
    };
    let compares = "if ($ssl_server_name != $host)";
    let verifies =
        format!("ssl_client_certificate {};\nssl_verify_client on;", cert.chain.display());
    let cases = [
        ("proxy_ssl_server_name on; proxy_ssl_name $host;", upstream(""), true),
        ("before that by leaving `keepalive` out", upstream(""), true),
        ("from 1.29.7 on with `keepalive 0`", upstream("keepalive 0;"), version >= [1, 29, 7]),
        ("`http2 on`", server("ssl", "http2 on;"), version >= [1, 25, 1]),
        ("before 1.25.1 `listen … http2`", server("ssl http2", ""), true),
        (compares, server("ssl", &format!("{compares} {{ return 421; }}")), true),
        ("ssl_verify_client", server("ssl", &verifies), true),
    ];
    for (setting, config, expected) in cases {
        ensure!(is_advised(setting), "{setting} is not in the advice any more");
        check(&mut nginx(folder.path(), &config)?, setting, expected)?;
    }
    Ok(())
}

#[test]
fn haproxy_takes_what_it_is_advised() -> Result<()> {
    let folder = tempdir()?;
    let setting = "sni req.hdr(host),field(1,:)";
    ensure!(is_advised(setting), "{setting} is not in the advice any more");
    let file = folder.path().join("haproxy.cfg");
    let config = format!(
        "defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n\
         listen l\n bind 127.0.0.1:1\n server s 127.0.0.1:1 ssl verify none {setting}\n"
    );
    fs::write(&file, config)?;
    check(tools::command("haproxy")?.arg("-c").arg("-f").arg(file), setting, true)?;
    Ok(())
}

#[test]
fn apache_takes_what_it_is_advised() -> Result<()> {
    let folder = tempdir()?;
    let setting = "SSLVHostSNIPolicy authonly";
    ensure!(is_advised(&format!("`{setting}` (Apache 2.4.66 and later)")), "{setting}");
    let program = tools::path("apache2")?;
    let output = Command::new(&program).arg("-v").output()?;
    let text = String::from_utf8(output.stdout)?;
    let patch = text.split("Apache/2.4.").nth(1).and_then(|rest| rest.split(' ').next());
    let patch: u32 = patch.unwrap_or_default().parse()?;
    let file = folder.path().join("apache.conf");
    let root = folder.path().display();
    let modules = "/usr/lib/apache2/modules";
    fs::write(
        &file,
        format!(
            "ServerRoot {root}\nServerName a.test\nErrorLog {root}/error.log\nPidFile {root}/pid\n\
             LoadModule mpm_event_module {modules}/mod_mpm_event.so\n\
             LoadModule authz_core_module {modules}/mod_authz_core.so\n\
             LoadModule ssl_module {modules}/mod_ssl.so\nListen 127.0.0.1:1\n{setting}\n"
        ),
    )?;
    check(Command::new(program).arg("-t").arg("-f").arg(file), setting, patch >= 66)?;
    Ok(())
}

#[test]
fn caddy_takes_what_it_is_advised() -> Result<()> {
    let folder = tempdir()?;
    let settings = [
        "strict_sni_host insecure_off",
        "tls_server_name {host}",
        "keepalive off",
        "header_up Host {upstream_hostport}",
    ];
    for setting in settings {
        ensure!(is_advised(setting), "{setting} is not in the advice any more");
    }
    let [strict, name, keepalive, host] = settings;
    let file = folder.path().join("Caddyfile");
    let config = format!(
        "{{\nadmin off\nservers {{\n{strict}\n}}\n}}\nhttp://a.test:1 {{\n\
         reverse_proxy https://127.0.0.1:1 {{\n{host}\n\
         transport http {{\ntls\n{name}\n{keepalive}\n}}\n}}\n}}\n"
    );
    fs::write(&file, config)?;
    let mut command = tools::command("caddy")?;
    command.args(["validate", "--adapter", "caddyfile", "--config"]).arg(file);
    command.env("HOME", folder.path());
    check(&mut command, "Caddy's settings", true)?;
    Ok(())
}
