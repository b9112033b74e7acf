//! The right to use this machine's kernel: one test at a time, and none where it would prove nothing.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{tools, wait};

/// Set to `1` by a developer whose kernel cannot run the agent: the live tests then prove nothing and pass. `cargo
/// xtask ci` refuses to run with it.
pub const WITHOUT_KERNEL: &str = "WRONGDOOR_TESTS_WITHOUT_KERNEL";

/// The program that every agent traps libraries with.
const TRAP: &str = "tls_entry";
/// How long other agents may take to go.
const TIMEOUT: Duration = Duration::from_mins(1);

/// An agent attaches to the whole machine, so that two of them slow each other down, and the counts of one test's
/// kernel objects would include the other's.
static ALONE: Mutex<()> = Mutex::new(());

/// The right to start agents, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    /// Held for what dropping it does.
    _guard: MutexGuard<'static, ()>,
}

/// Whether [`WITHOUT_KERNEL`] is set.
pub fn is_excused() -> bool {
    env::var_os(WITHOUT_KERNEL).is_some_and(|value| value == "1")
}

/// Waits for this test's turn. `None` where [`WITHOUT_KERNEL`] says so; an error that says what is missing where the
/// kernel cannot load programs.
pub fn begin() -> Result<Option<Turn>> {
    if is_excused() {
        return Ok(None);
    }
    // Another test's failure is not ours.
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(tools::is_root(), "{}", refusal("the tests do not run as root"));
    ensure!(
        Path::new("/sys/kernel/btf/vmlinux").exists(),
        "{}",
        refusal("the kernel has no BTF (/sys/kernel/btf/vmlinux)")
    );
    programs().map_err(|error| error.context(refusal("its programs cannot be listed")))?;
    Ok(Some(Turn { _guard: guard }))
}

fn refusal(why: &str) -> String {
    format!(
        "live tests need root and a kernel that loads BPF programs, and {why}; \
         on a machine without, set {WITHOUT_KERNEL}=1 to leave them out"
    )
}

/// Requires that no agent but `own` traces this machine: some tests look at what is trapped, and by whom, nobody
/// can tell. Others' are waited for to go.
pub fn require_no_others(own: Option<u32>) -> Result<()> {
    let mut others = Vec::new();
    wait::within(TIMEOUT, "other agents to go", || {
        let programs = Objects { programs: programs()?, links: Vec::new() };
        let own = own.map(|pid| programs.clone().of_process(pid)).transpose()?.unwrap_or_default();
        others = programs.since(&own).programs;
        others.retain(|(_, name)| name == TRAP);
        Ok(others.is_empty().then_some(()))
    })
    .with_context(|| {
        format!("another wrongdoor traces this machine (programs {others:?}): stop it, then run this test again")
    })
}

/// The kernel's BPF programs and links, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// Programs: number and name.
    pub programs: Vec<(u64, String)>,
    /// Links: number and the program's.
    pub links: Vec<(u64, u64)>,
}

impl Objects {
    /// What is there now.
    pub fn now() -> Result<Self> {
        let link = |value: &Value| Some((id(value)?, value.get("prog_id")?.as_u64()?));
        let links = list("link")?.iter().filter_map(link).collect();
        Ok(Self { programs: programs()?, links })
    }

    /// What of this was not there `before`.
    #[must_use]
    pub fn since(mut self, before: &Self) -> Self {
        self.programs.retain(|program| !before.programs.contains(program));
        self.links.retain(|link| !before.links.contains(link));
        self
    }

    /// What of this the process has open: other programs of the machine come and go too.
    pub fn of_process(self, pid: u32) -> Result<Self> {
        let mut programs = Vec::new();
        let mut links = Vec::new();
        for entry in fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
            let text = fs::read_to_string(entry?.path()).unwrap_or_default();
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name))?;
                line.trim().parse::<u64>().ok()
            };
            programs.extend(field("prog_id:"));
            links.extend(field("link_id:"));
        }
        let Self { programs: mut all, links: mut all_links } = self;
        all.retain(|(id, _)| programs.contains(id));
        all_links.retain(|(id, _)| links.contains(id));
        Ok(Self { programs: all, links: all_links })
    }

    /// What of this is there in `later` too.
    #[must_use]
    pub fn left_in(mut self, later: &Self) -> Self {
        self.programs.retain(|program| later.programs.contains(program));
        self.links.retain(|link| later.links.contains(link));
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty() && self.links.is_empty()
    }
}

fn programs() -> Result<Vec<(u64, String)>> {
    let program = |value: &Value| {
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
        Some((id(value)?, name.to_owned()))
    };
    Ok(list("prog")?.iter().filter_map(program).collect())
}

fn id(value: &Value) -> Option<u64> {
    value.get("id").and_then(Value::as_u64)
}

fn list(what: &str) -> Result<Vec<Value>> {
    let output = tools::output(tools::command("bpftool")?.args(["--json", what, "list"]))?;
    // Nothing at all where there is none.
    if output.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let list: Value = serde_json::from_slice(&output)?;
    Ok(list.as_array().cloned().unwrap_or_default())
}
