//! A private Apache with TLS virtual hosts.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::certs::Cert;
use crate::server::Server;
use crate::tools;

/// Where Debian keeps Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// The modules beyond what is compiled in.
const LOADED: [&str; 8] =
    ["mpm_event", "ssl", "http2", "authz_core", "dir", "mime", "socache_shmcb", "headers"];

/// A virtual host.
#[derive(Clone, Debug)]
pub struct VirtualHost {
    /// Its names; the first is its `ServerName`.
    pub names: Vec<String>,
    /// What it shows.
    pub cert: Cert,
    /// More directives, one a line.
    pub directives: String,
}

impl VirtualHost {
    /// A host with one name and nothing special.
    pub fn new(name: &str, cert: &Cert) -> Self {
        Self { names: vec![name.to_owned()], cert: cert.clone(), directives: String::new() }
    }

    /// Adds directives.
    #[must_use]
    pub fn with(mut self, directives: &str) -> Self {
        self.directives.push_str(directives);
        self.directives.push('\n');
        self
    }
}

/// Starts Apache with `hosts` on one port; the first is the default. Every host serves `/` with
/// its own name.
pub fn start(folder: &Path, hosts: &[VirtualHost]) -> Result<Server> {
    start_with(folder, Whole::default(), hosts)
}

/// What is said of the whole server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whole<'a> {
    /// Where it logs the keys of its connections: those of clients that do not.
    pub keylog: Option<&'a Path>,
    /// More directives, one a line.
    pub directives: &'a str,
}

/// The same with more that is said of the whole server.
pub fn start_with(folder: &Path, whole: Whole<'_>, hosts: &[VirtualHost]) -> Result<Server> {
    let program = tools::path("apache2")?;
    let root = folder.join("apache");
    fs::create_dir_all(root.join("html"))?;
    for host in hosts {
        let name = host.names.first().context("a virtual host needs a name")?;
        fs::create_dir_all(root.join("html").join(name))?;
        fs::write(root.join("html").join(name).join("index.html"), format!("{name}\n"))?;
    }
    Server::start("apache", folder, |port| {
        let file = root.join("apache.conf");
        fs::write(&file, config(&root, port, whole.directives, hosts)?)?;
        let mut command = tools::command(&program.to_string_lossy())?;
        command.arg("-f").arg(&file).arg("-DFOREGROUND").env_remove("SSLKEYLOGFILE");
        if let Some(keylog) = whole.keylog {
            command.env("SSLKEYLOGFILE", keylog);
        }
        Ok(command)
    })
}

fn config(root: &Path, port: u16, directives: &str, hosts: &[VirtualHost]) -> Result<String> {
    let mut text = String::new();
    for module in LOADED {
        writeln!(text, "LoadModule {module}_module {MODULES}/mod_{module}.so")?;
    }
    let root = root.display();
    write!(
        text,
        "ServerRoot {root}\n\
         DefaultRuntimeDir {root}\n\
         PidFile {root}/pid\n\
         Mutex file:{root}\n\
         ErrorLog /dev/stderr\n\
         ServerName localhost\n\
         Listen 127.0.0.1:{port}\n\
         Protocols h2 http/1.1\n\
         TypesConfig /dev/null\n\
         DirectoryIndex index.html\n\
         SSLSessionCache none\n\
         StartServers 1\n\
         ThreadsPerChild 16\n\
         MaxRequestWorkers 16\n\
         ServerLimit 1\n\
         {directives}\n"
    )?;
    if tools::is_root() {
        text.push_str("User www-data\nGroup www-data\n");
    }
    for VirtualHost { names, cert, directives } in hosts {
        let name = names.first().context("a virtual host needs a name")?;
        writeln!(text, "<VirtualHost 127.0.0.1:{port}>\nServerName {name}")?;
        for alias in names.iter().skip(1) {
            writeln!(text, "ServerAlias {alias}")?;
        }
        writeln!(
            text,
            "DocumentRoot {root}/html/{name}\n\
             SSLEngine on\n\
             SSLCertificateFile {}\n\
             SSLCertificateKeyFile {}\n\
             {directives}\n\
             </VirtualHost>",
            cert.chain.display(),
            cert.key.display()
        )?;
    }
    Ok(text)
}
