//! A real browser without a window, told what to do over a pipe (the DevTools protocol).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{tools, wait};

/// How long one command may take, a page of megabytes on a busy machine included.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Descriptors 3 and 4 are where the browser listens and answers.
const PIPES: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;
const FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1400,1000",
    "--remote-debugging-pipe",
];

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    process: Child,
    /// Taken when it ends.
    said: Option<ChildStdin>,
    heard: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What the page made happen, so far.
    events: Vec<Value>,
    /// Its profile.
    _folder: TempDir,
}

// ===== impl Browser =====

impl Browser {
    /// Starts one.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new("sh");
        command.args(["-c", PIPES, "sh"]).arg(tools::path("chromium")?).args(FLAGS);
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        // Its many processes end as one.
        command.arg("about:blank").env("HOME", folder.path()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().context("cannot run chromium")?;
        let said = process.stdin.take();
        let out = process.stdout.take().context("no pipe")?;
        let (sender, heard) = channel();
        thread::spawn(move || {
            for message in BufReader::new(out).split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).unwrap_or_default();
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let events = Vec::new();
        let mut browser =
            Self { process, said, heard, session: None, last: 0, events, _folder: folder };
        browser.attach()?;
        Ok(browser)
    }

    fn attach(&mut self) -> Result<()> {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let target = json!({ "targetId": at(&target, "/targetId"), "flatten": true });
        let attached = self.call("Target.attachToTarget", target)?;
        let session = at(&attached, "/sessionId").as_str().context("no session")?;
        self.session = Some(session.to_owned());
        for domain in ["Page", "Runtime", "Log", "Network", "Audits"] {
            self.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(())
    }

    /// Opens a file, and waits until all of it is there.
    pub fn open(&mut self, file: &Path) -> Result<()> {
        self.events.clear();
        let url = format!("file://{}", fs::canonicalize(file)?.display());
        self.call("Page.navigate", json!({ "url": url }))?;
        while !self.events.iter().any(|event| at(event, "/method") == "Page.loadEventFired") {
            let message = self.hear(Instant::now() + TIMEOUT)?;
            self.events.push(message);
        }
        Ok(())
    }

    /// What an expression is.
    pub fn value(&mut self, expression: &str) -> Result<Value> {
        let wanted =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let found = self.call("Runtime.evaluate", wanted)?;
        ensure!(at(&found, "/exceptionDetails").is_null(), "{expression}: {found:#}");
        Ok(at(&found, "/result/value").clone())
    }

    /// The same, where it is text.
    pub fn text(&mut self, expression: &str) -> Result<String> {
        let value = self.value(expression)?;
        Ok(value.as_str().with_context(|| format!("{expression} is {value}"))?.to_owned())
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str) -> Result<()> {
        wait::until(expression, || Ok((self.value(expression)? == true).then_some(())))
    }

    /// Presses a key by its name, as `/` or `Enter`.
    pub fn press(&mut self, key: &str) -> Result<()> {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = match key {
            "Enter" => "\r",
            key if key.len() == 1 => key,
            _ => "",
        };
        self.call(
            "Input.dispatchKeyEvent",
            json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code, "text": text }),
        )?;
        self.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key }))?;
        Ok(())
    }

    /// Types text, key by key.
    pub fn type_text(&mut self, text: &str) -> Result<()> {
        text.chars().try_for_each(|key| self.press(&key.to_string()))
    }

    /// Shows pages as for `media` (`screen`, `print`) and a scheme (`light`, `dark`).
    pub fn emulate(&mut self, media: &str, scheme: &str) -> Result<()> {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let wanted = json!({ "media": media, "features": features });
        self.call("Emulation.setEmulatedMedia", wanted).map(drop)
    }

    /// What it looks like, as a PNG in base64.
    pub fn screenshot(&mut self) -> Result<String> {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }))?;
        Ok(at(&shot, "/data").as_str().context("no picture")?.to_owned())
    }

    /// The same as a file.
    pub fn save_screenshot(&mut self, file: &Path) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let encoded = folder.path().join("base64");
        fs::write(&encoded, self.screenshot()?)?;
        let png = tools::output(tools::command("base64")?.arg("--decode").arg(&encoded))?;
        Ok(fs::write(file, png)?)
    }

    /// How large the page is shown.
    pub fn resize(&mut self, width: u64, height: u64) -> Result<()> {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", size).map(drop)
    }

    /// The page as printed, as text.
    pub fn printed(&mut self) -> Result<String> {
        let printed = self.call("Page.printToPDF", json!({ "preferCSSPageSize": true }))?;
        let folder = tempfile::tempdir()?;
        let (encoded, file) = (folder.path().join("base64"), folder.path().join("page.pdf"));
        fs::write(&encoded, at(&printed, "/data").as_str().context("no document")?)?;
        let pdf = tools::output(tools::command("base64")?.arg("--decode").arg(&encoded))?;
        fs::write(&file, pdf)?;
        let text = tools::output(tools::command("pdftotext")?.arg("-layout").arg(&file).arg("-"))?;
        Ok(String::from_utf8(text)?)
    }

    /// What a page that is complete in itself must not do: errors, messages, refused styles and scripts, and requests
    /// for anything but itself.
    pub fn complaints(&mut self) -> Result<Vec<String>> {
        // Whatever was on its way is here when this is answered.
        self.value("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")?;
        let bad = self.events.iter().filter(|event| match at(event, "/method").as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => true,
            Some("Audits.issueAdded") => {
                at(event, "/params/issue/code") == "ContentSecurityPolicyIssue"
            }
            Some("Network.requestWillBeSent") => at(event, "/params/type") != "Document",
            Some("Page.javascriptDialogOpening" | "Page.frameAttached") => true,
            _ => false,
        });
        Ok(bad.map(ToString::to_string).collect())
    }

    /// A command, and its answer.
    fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        self.last += 1;
        // The browser itself is spoken to without a session.
        let message = match &self.session {
            Some(session) => {
                json!({ "id": self.last, "sessionId": session, "method": method, "params": params })
            }
            None => json!({ "id": self.last, "method": method, "params": params }),
        };
        let said = self.said.as_mut().context("it has ended")?;
        said.write_all(format!("{message}\0").as_bytes())?;
        said.flush()?;
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let message = self.hear(deadline).with_context(|| method.to_owned())?;
            if at(&message, "/id") == self.last {
                let error = at(&message, "/error");
                ensure!(error.is_null(), "{method}: {error}");
                return Ok(at(&message, "/result").clone());
            }
            self.events.push(message);
        }
    }

    fn hear(&self, deadline: Instant) -> Result<Value> {
        match self.heard.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(message) => Ok(message),
            Err(RecvTimeoutError::Timeout) => bail!("the browser says nothing"),
            Err(RecvTimeoutError::Disconnected) => bail!("the browser has ended"),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.said.take());
        if let Some(group) = rustix::process::Pid::from_raw(self.process.id().cast_signed()) {
            // Where it has ended by itself, there is nobody to be told.
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
        drop(self.process.wait());
    }
}

/// What is at a place of a message; null where there is nothing.
fn at<'a>(message: &'a Value, place: &str) -> &'a Value {
    message.pointer(place).unwrap_or(&Value::Null)
}
