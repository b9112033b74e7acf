//! A private Tomcat, from its library: no service, no user of its own.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::certs::Cert;
use crate::server::Server;
use crate::tools;

/// Serves files, and nothing else.
const WEB: &str = r#"<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
<servlet><servlet-name>default</servlet-name>
<servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class></servlet>
<servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
</web-app>"#;

/// Starts Tomcat with a TLS configuration for each of `hosts`, the first of them the default. It serves `pages`.
pub fn start(folder: &Path, hosts: &[(&str, &Cert)], pages: &[&str]) -> Result<Server> {
    let root = folder.join("tomcat");
    fs::create_dir_all(root.join("conf"))?;
    fs::create_dir_all(root.join("temp"))?;
    fs::create_dir_all(root.join("pages"))?;
    fs::write(root.join("conf/web.xml"), WEB)?;
    for page in pages {
        fs::write(root.join("pages").join(page), "served\n")?;
    }
    Server::start("tomcat", folder, |port| {
        fs::write(root.join("conf/server.xml"), config(&root, port, hosts)?)?;
        let mut command = tools::command("java")?;
        for property in ["catalina.base", "catalina.home", "java.io.tmpdir"] {
            let place = if property == "java.io.tmpdir" { root.join("temp") } else { root.clone() };
            command.arg(format!("-D{property}={}", place.display()));
        }
        // One small process among others that are tested at the same time; it writes nothing elsewhere.
        command.args([
            "-XX:-UsePerfData",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx128m",
        ]);
        command.arg("-cp").arg(class_path()?);
        command.args(["org.apache.catalina.startup.Tomcat", "--await"]);
        Ok(command)
    })
}

/// All of Tomcat's libraries, which Debian keeps in one folder with those of others.
fn class_path() -> Result<OsString> {
    let folder = tools::path(tools::TOMCAT)?;
    let folder = folder.parent().context("no folder")?;
    let mut path = OsString::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Each is there a second time, under a name that ends with its version.
        if name.starts_with("tomcat10-") && name.ends_with(".jar") && !name.contains("-10.") {
            path.push(&file);
            path.push(":");
        }
    }
    Ok(path)
}

fn config(root: &Path, port: u16, hosts: &[(&str, &Cert)]) -> Result<String> {
    let (default, _) = hosts.first().context("Tomcat needs a host")?;
    let mut text = format!(
        "<Server port=\"-1\"><Service name=\"Catalina\">\n\
         <Connector address=\"127.0.0.1\" port=\"{port}\" SSLEnabled=\"true\" scheme=\"https\" secure=\"true\"\n\
         protocol=\"org.apache.coyote.http11.Http11NioProtocol\" defaultSSLHostConfigName=\"{default}\">\n\
         <UpgradeProtocol className=\"org.apache.coyote.http2.Http2Protocol\"/>\n"
    );
    for (name, cert) in hosts {
        let (chain, key) = (cert.chain.display(), cert.key.display());
        writeln!(
            text,
            "<SSLHostConfig hostName=\"{name}\">\
             <Certificate certificateFile=\"{chain}\" certificateKeyFile=\"{key}\"/></SSLHostConfig>"
        )?;
    }
    let pages = root.join("pages");
    write!(
        text,
        "</Connector>\n\
         <Engine name=\"Catalina\" defaultHost=\"any\"><Host name=\"any\" appBase=\"none\" autoDeploy=\"false\">\n\
         <Context path=\"\" docBase=\"{}\"/></Host></Engine>\n\
         </Service></Server>\n",
        pages.display()
    )?;
    Ok(text)
}
