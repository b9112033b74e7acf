//! A private nginx with TLS servers.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::certs::Cert;
use crate::server::Server;
use crate::tools;

/// A `server` block.
#[derive(Clone, Debug)]
pub struct ServerBlock {
    /// Its `server_name`.
    pub name: String,
    /// What it shows; without one it speaks cleartext.
    pub cert: Option<Cert>,
    /// Whether it speaks HTTP/2: with TLS beside HTTP/1, in cleartext instead of it.
    pub http2: bool,
    /// More directives; `location /` among them, or it answers 200 with its own name.
    pub directives: String,
}

impl ServerBlock {
    /// A TLS server that answers with its own name.
    pub fn new(name: &str, cert: &Cert) -> Self {
        Self {
            name: name.to_owned(),
            cert: Some(cert.clone()),
            http2: true,
            directives: String::new(),
        }
    }

    /// A cleartext server that answers with its own name.
    pub fn cleartext(name: &str) -> Self {
        Self { name: name.to_owned(), cert: None, http2: false, directives: String::new() }
    }

    /// Speaks HTTP/2.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// Adds directives.
    #[must_use]
    pub fn with(mut self, directives: &str) -> Self {
        self.directives.push_str(directives);
        self.directives.push('\n');
        self
    }
}

/// Starts nginx with `servers` on one port; the first is the default. `http` are directives of
/// the level above: an `upstream`, say.
pub fn start(folder: &Path, http: &str, servers: &[ServerBlock]) -> Result<Server> {
    // One process: its pool of upstream connections is one, so what is reused is certain.
    start_with(folder, "master_process off;", &[], http, servers)
}

/// The same with other directives of the top level (how many processes there are) and more in its environment.
pub fn start_with(
    folder: &Path,
    main: &str,
    environment: &[(&str, &Path)],
    http: &str,
    servers: &[ServerBlock],
) -> Result<Server> {
    let program = tools::path("nginx")?;
    let root = folder.join("nginx");
    fs::create_dir_all(&root)?;
    Server::start("nginx", folder, |port| {
        let file = root.join("nginx.conf");
        fs::write(&file, config(&root, port, main, http, servers)?)?;
        let mut command = tools::command(&program.to_string_lossy())?;
        command.envs(environment.iter().copied());
        command.arg("-p").arg(&root).arg("-c").arg(&file).args(["-e", "stderr"]);
        Ok(command)
    })
}

fn config(
    root: &Path,
    port: u16,
    main: &str,
    http: &str,
    servers: &[ServerBlock],
) -> Result<String> {
    let mut text = String::new();
    let root = root.display();
    write!(
        text,
        "daemon off;\n\
         {main}\n\
         error_log stderr error;\n\
         pid {root}/pid;\n\
         events {{ worker_connections 512; }}\n\
         http {{\n\
         access_log off;\n\
         default_type text/plain;\n\
         ssl_protocols TLSv1.2 TLSv1.3;\n\
         client_body_temp_path {root}/body;\n\
         proxy_temp_path {root}/proxy;\n\
         fastcgi_temp_path {root}/fastcgi;\n\
         uwsgi_temp_path {root}/uwsgi;\n\
         scgi_temp_path {root}/scgi;\n\
         {http}\n"
    )?;
    for ServerBlock { name, cert, http2, directives } in servers {
        let protocols = match (cert, http2) {
            (Some(_), true) => "ssl http2",
            (Some(_), false) => "ssl",
            (None, true) => "http2",
            (None, false) => "",
        };
        writeln!(text, "server {{\nlisten 127.0.0.1:{port} {protocols};\nserver_name {name};")?;
        if let Some(cert) = cert {
            let (chain, key) = (cert.chain.display(), cert.key.display());
            writeln!(text, "ssl_certificate {chain};\nssl_certificate_key {key};")?;
        }
        text.push_str(directives);
        if !directives.contains("location / ") {
            writeln!(text, "location / {{ return 200 \"{name}\\n\"; }}")?;
        }
        text.push_str("}\n");
    }
    text.push_str("}\n");
    Ok(text)
}
