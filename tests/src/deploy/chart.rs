//! The Helm chart, rendered, checked and packaged by Helm itself, which a Python package brings.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::live::installed;
use crate::live::process::{self, Running};
use crate::tools;

/// What asks Helm, and the schemas of the API server.
const HELM: &str = include_str!("helm.py");

/// A chart in a folder.
#[derive(Clone, Debug)]
pub struct Chart {
    folder: PathBuf,
}

/// What Helm makes of a chart: objects, and what a person is told.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The objects, in the order of their files.
    pub objects: Vec<Value>,
    /// What `helm install` says at its end.
    pub notes: String,
    /// The text of each file that is not empty.
    pub texts: Vec<String>,
}

// ===== impl Chart =====

impl Chart {
    /// The project's.
    pub fn ours() -> Self {
        Self { folder: super::repository().join("deploy/chart/wrongdoor") }
    }

    /// A copy in `folder`, for a test that puts files into it.
    pub fn copied_to(&self, folder: &Path) -> Result<Self> {
        let copy = folder.join("wrongdoor");
        process::run(tools::command("cp")?.arg("--recursive").arg(&self.folder).arg(&copy))?;
        Ok(Self { folder: copy })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The values that somebody would give, by the name of their file.
    pub fn examples(&self) -> Result<Vec<(String, Value)>> {
        let mut examples = Vec::new();
        for entry in fs::read_dir(self.folder.join("examples"))? {
            let path = entry?.path();
            let name = path.file_stem().context("no name")?.to_string_lossy().into_owned();
            examples.push((name, yaml(&fs::read_to_string(&path)?)?));
        }
        examples.sort_by(|one, other| one.0.cmp(&other.0));
        ensure!(!examples.is_empty(), "no examples");
        Ok(examples)
    }

    /// What it becomes with these values, as the release `wrongdoor` in the namespace `wrongdoor`.
    pub fn render(&self, values: &Value) -> Result<Rendered> {
        let files = self.ask("render", values, json!(null))?;
        let list = |key: &str| files.get(key).and_then(Value::as_array).cloned().context("no list");
        let texts = list("texts")?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let notes = files.get("notes").and_then(Value::as_str).context("no notes")?.to_owned();
        Ok(Rendered { objects: list("objects")?, notes, texts })
    }

    /// What `helm lint --strict`, and API servers of these versions, would say against it with each of these values.
    pub fn check(&self, cases: &[(String, Value)], versions: &[&str]) -> Result<Vec<String>> {
        let request = json!({
            "what": "check", "chart": self.folder, "argument": cases, "versions": versions,
        });
        lines(&python(&request)?)
    }

    /// The archive, in `folder`.
    pub fn package(&self, folder: &Path) -> Result<PathBuf> {
        let path = self.ask("package", &json!({}), json!(folder))?;
        Ok(PathBuf::from(path.as_str().context("no path")?))
    }

    fn ask(&self, what: &str, values: &Value, argument: Value) -> Result<Value> {
        python(
            &json!({ "what": what, "chart": self.folder, "values": values, "argument": argument }),
        )
    }
}

// ===== impl Rendered =====

impl Rendered {
    /// All objects of this kind.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// The only object of this kind.
    pub fn one(&self, kind: &str) -> Result<&Value> {
        let mut found = self.all(kind);
        let one = found.next().with_context(|| format!("no {kind}"))?;
        ensure!(found.next().is_none(), "more than one {kind}");
        Ok(one)
    }

    /// Whether there is any object of this kind.
    pub fn has(&self, kind: &str) -> bool {
        self.all(kind).next().is_some()
    }

    /// The agent's configuration, as text.
    pub fn configuration(&self) -> Result<String> {
        let mut texts =
            self.all("ConfigMap").filter_map(|map| map["data"].get("wrongdoor.yaml")?.as_str());
        Ok(texts.next().context("no configuration")?.to_owned())
    }
}

/// What a YAML document says.
pub fn yaml(text: &str) -> Result<Value> {
    python(&json!({ "what": "yaml", "argument": text }))
}

/// What an API server of this version would say against these objects, and the Prometheus Operator's: one line each.
pub fn objections(objects: &[Value], version: &str) -> Result<Vec<String>> {
    lines(&python(&json!({ "what": "validate", "argument": objects, "version": version }))?)
}

fn lines(said: &Value) -> Result<Vec<String>> {
    let lines = said.as_array().context("no list")?;
    Ok(lines.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn python(request: &Value) -> Result<Value> {
    let mut command = tools::command("python3")?;
    command.args(["-c", HELM]).env("PYTHONPATH", installed::helm()?);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let helm = Running::start_with(&mut command, request.to_string().as_bytes())?;
    serde_json::from_str(&helm.finish()?.stdout).context("no JSON from Helm")
}
