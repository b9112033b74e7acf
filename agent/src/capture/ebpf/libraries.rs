//! Files with TLS in them, and the attach points in each.

use super::attach::{self, AttachRefusal, AttachTarget, UprobeLink};
use super::load_error::explain;
use super::programs::KernelPrograms;
use aya::maps::{Array, MapData};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};
use wrongdoor_attach::{Abilities, Examined, SafeFile, examine};
use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_ebpf_common::MAX_LIBRARIES;
use wrongdoor_procfs::{
    FileId, MappedFile, MappedFileError, OpenedFile, ProcessKey, ProcessSeen, open,
};

/// The most files that are remembered to have no TLS; beyond it the oldest is examined again.
const MAX_OTHERS: usize = 65_536;
/// The most files without symbols whose functions are found, and that no process was looked at for yet.
const MAX_LOCATED: usize = 1_024;
/// The most processes in which one file is traced separately, if --include or --exclude selects processes.
const MAX_CHOSEN: usize = 4_096;
/// A file that no process maps any more keeps its attach points for this time, unless the command line says otherwise: a
/// client that runs every few seconds is not trapped anew each time. Traps in a file that nobody runs cost nothing.
pub(crate) const DETACH_DELAY: Duration = Duration::from_secs(30);

/// All files that were looked at.
pub(crate) struct Libraries {
    traced: BTreeMap<FileId, Traced>,
    /// No TLS in them, or refused.
    others: BoundedMap<FileId, Option<RefusedFile>>,
    /// What the search has found in files without symbols.
    located: BoundedMap<FileId, Box<Examined>>,
    /// What each process has mapped of the traced ones.
    users: HashMap<ProcessKey, Vec<FileId>>,
    free: Vec<u16>,
    next: u16,
    abilities: Abilities,
    detach_delay: Duration,
    /// By library: see the kernel side.
    random_places: Option<Array<MapData, u32>>,
    /// Refusals so far: program, reason, how often.
    pub(crate) failures: BTreeMap<(&'static str, &'static str), u64>,
}

/// A file with attach points in it.
pub(crate) struct Traced {
    pub(crate) path: String,
    pub(crate) examined: Examined,
    pub(crate) users: BTreeMap<ProcessKey, String>,
    /// How many attach points are set.
    pub(crate) attach_points: usize,
    /// Places that the kernel refused, and why.
    pub(crate) refused: Vec<String>,
    index: u16,
    file: OpenedFile,
    links: Links,
    /// Nobody has it mapped, since then.
    idle: Option<Instant>,
}

/// A file that was not looked into.
pub(crate) struct RefusedFile {
    pub(crate) path: String,
    pub(crate) why: String,
}

enum Links {
    /// Of all processes that have the file mapped.
    All(Vec<UprobeLink>),
    /// Of each chosen one.
    Each(BTreeMap<u32, Vec<UprobeLink>>),
}

impl Traced {
    /// How many attach points each program is attached to.
    pub(super) fn attach_points_by_program(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let links: Vec<&Vec<_>> = match &self.links {
            Links::All(links) => vec![links],
            Links::Each(each) => each.values().collect(),
        };
        links.into_iter().flatten().map(|link| (link.program, link.places))
    }

    /// Sets all attach points; what the kernel refuses is logged once and counted.
    fn attach_point(
        &mut self,
        programs: &mut KernelPrograms,
        process: Option<NonZeroU32>,
        failures: &mut BTreeMap<(&'static str, &'static str), u64>,
    ) -> Vec<UprobeLink> {
        let Self { path, file, examined, index, refused, .. } = self;
        let attach_points = &examined.attach_points;
        let mut refuse = |AttachRefusal { program, attach_point, reason }: AttachRefusal<'_>| {
            if refused.is_empty() {
                tracing::warn!(
                    file = path,
                    function = attach_point.symbol,
                    "not attached: {reason}"
                );
            }
            *failures.entry((program, "attach")).or_default() += 1;
            refused.push(format!("{}: {reason}", attach_point.symbol));
        };
        let target = AttachTarget { path: &file.path(), library: *index, process };
        let links = attach::attach(programs, target, attach_points, &mut refuse);
        let places = links.iter().map(|link| usize::try_from(link.places).unwrap_or(usize::MAX));
        self.attach_points = self.attach_points.max(places.sum());
        links
    }
}

impl Libraries {
    pub(crate) fn new(
        abilities: Abilities,
        detach_delay: Duration,
        random_places: Option<Array<MapData, u32>>,
    ) -> Self {
        Self {
            traced: BTreeMap::new(),
            others: BoundedMap::new(MAX_OTHERS),
            located: BoundedMap::new(MAX_LOCATED),
            users: HashMap::new(),
            free: Vec::new(),
            next: 0,
            abilities,
            detach_delay,
            random_places,
            failures: BTreeMap::new(),
        }
    }

    /// Whether a file is traced.
    pub(crate) fn is_traced(&self, file: &FileId) -> bool {
        self.traced.contains_key(file)
    }

    /// Whether a file was looked at and has no symbols of TLS: it may have TLS without.
    pub(crate) fn has_no_symbols(&self, file: &FileId) -> bool {
        matches!(self.others.get(file), Some(None))
    }

    /// The TLS functions of a file without symbols are found. It is traced when a process that has it mapped is looked at.
    pub(crate) fn located(&mut self, file: FileId, examined: Box<Examined>) {
        self.others.remove(&file);
        self.located.insert(file, examined);
    }

    /// The TLS functions of a file without symbols are not found.
    pub(crate) fn not_located(&mut self, pid: u32, mapped: &MappedFile, why: String) {
        *self.failures.entry(("library", "stripped")).or_default() += 1;
        tracing::warn!(pid, file = %mapped.path.display(), "not traced: {why}");
        self.put_aside(mapped, Some(why));
    }

    /// Those that are traced.
    pub(crate) fn traced(&self) -> impl Iterator<Item = (&FileId, &Traced)> {
        self.traced.iter()
    }

    /// Those that were refused, and why.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&FileId, &RefusedFile)> {
        self.others.iter().filter_map(|(file, refused)| Some((file, refused.as_ref()?)))
    }

    /// A process was looked at, and is to be traced: what it has mapped is trapped. `only` it, or everybody
    /// who has the same files. True where something was attached for it.
    pub(crate) fn trace(
        &mut self,
        programs: &mut KernelPrograms,
        proc: &Path,
        process: &ProcessSeen,
        only: bool,
    ) -> bool {
        let mut files = BTreeSet::new();
        let mut is_new = false;
        for mapped in &process.mapped {
            let was_traced = self.is_traced(&mapped.file);
            if !self.takes(programs, proc, process.pid, mapped, only) {
                continue;
            }
            let Some(traced) = self.traced.get_mut(&mapped.file) else { continue };
            is_new |= !was_traced;
            traced.idle = None;
            traced.users.insert(process.key(), process.command.clone());
            files.insert(mapped.file);
            let pid = process.pid;
            if only
                && let Links::Each(each) = &traced.links
                && !each.contains_key(&pid)
                && each.len() < MAX_CHOSEN
            {
                is_new = true;
                let links = traced.attach_point(programs, NonZeroU32::new(pid), &mut self.failures);
                if let Links::Each(each) = &mut traced.links {
                    each.insert(pid, links);
                }
            }
        }
        let key = process.key();
        let former = self.users.insert(key, files.iter().copied().collect()).unwrap_or_default();
        for file in former.iter().filter(|file| !files.contains(*file)) {
            self.left(programs, file, key);
        }
        is_new
    }

    /// A process has ended, or runs another program.
    pub(crate) fn gone(&mut self, programs: &mut KernelPrograms, process: ProcessKey) {
        for file in self.users.remove(&process).unwrap_or_default() {
            self.left(programs, &file, process);
        }
    }

    fn left(&mut self, programs: &mut KernelPrograms, file: &FileId, process: ProcessKey) {
        let Some(traced) = self.traced.get_mut(file) else { return };
        traced.users.remove(&process);
        if let Links::Each(each) = &mut traced.links
            && let Some(links) = each.remove(&process.pid)
        {
            attach::detach(programs, links);
        }
        if traced.users.is_empty() {
            traced.idle.get_or_insert_with(Instant::now);
        }
    }

    /// Takes the attach points out of files that no process uses any more.
    pub(crate) fn turn(&mut self, programs: &mut KernelPrograms) {
        let is_over =
            |traced: &Traced| traced.idle.is_some_and(|idle| idle.elapsed() >= self.detach_delay);
        let over: Vec<FileId> = self
            .traced
            .iter()
            .filter(|(_, traced)| is_over(traced))
            .map(|(file, _)| *file)
            .collect();
        for file in over {
            if let Some(traced) = self.traced.remove(&file) {
                tracing::debug!(file = traced.path, "no process uses it any more");
                self.free.push(traced.index);
                match traced.links {
                    Links::All(links) => attach::detach(programs, links),
                    Links::Each(each) => {
                        each.into_values().for_each(|links| attach::detach(programs, links))
                    }
                }
            }
        }
    }

    /// Takes all attach points out of everything.
    pub(crate) fn end(&mut self, programs: &mut KernelPrograms) {
        let all =
            std::mem::take(&mut self.traced).into_values().flat_map(|traced| match traced.links {
                Links::All(links) => vec![links],
                Links::Each(each) => each.into_values().collect(),
            });
        let all = all.flatten().collect();
        attach::detach(programs, all);
    }

    /// Whether a file is traced; looks at it the first time.
    fn takes(
        &mut self,
        programs: &mut KernelPrograms,
        proc: &Path,
        pid: u32,
        mapped: &MappedFile,
        only: bool,
    ) -> bool {
        if self.traced.contains_key(&mapped.file) {
            return true;
        }
        if self.others.get(&mapped.file).is_some() {
            return false;
        }
        let looked = self.look(proc, pid, mapped);
        let (file, examined) = match looked {
            Ok(Some(found)) => found,
            Ok(None) if is_named_like_tls(mapped) => {
                let text = "it has the name of a TLS library and none of its functions";
                *self.failures.entry(("library", "damaged")).or_default() += 1;
                tracing::warn!(pid, file = %mapped.path.display(), "not traced: {text}");
                return self.put_aside(mapped, Some(text.to_owned()));
            }
            Ok(None) => return self.put_aside(mapped, None),
            // It is over with the process: that is no refusal.
            Err(Trouble { is_gone: true, .. }) => return false,
            Err(Trouble { label, text, .. }) => {
                *self.failures.entry(("library", label)).or_default() += 1;
                tracing::warn!(pid, file = %mapped.path.display(), "not traced: {text}");
                return self.put_aside(mapped, Some(text));
            }
        };
        let Some(index) = self.index() else {
            *self.failures.entry(("library", "limit")).or_default() += 1;
            let text =
                format!("more than {MAX_LIBRARIES} files contain TLS; the rest is not traced");
            tracing::warn!(pid, file = %mapped.path.display(), "not traced: {text}");
            return self.put_aside(mapped, Some(text));
        };
        let path = mapped.path.display().to_string();
        let links = if only { Links::Each(BTreeMap::new()) } else { Links::All(Vec::new()) };
        let mut traced = Traced {
            path,
            examined,
            users: BTreeMap::new(),
            attach_points: 0,
            refused: Vec::new(),
            index,
            file,
            links,
            idle: None,
        };
        if !only {
            traced.links = Links::All(traced.attach_point(programs, None, &mut self.failures));
        }
        let missing: Vec<_> = traced
            .examined
            .missing
            .iter()
            .map(|(function, why)| format!("{function}: {why}"))
            .collect();
        tracing::info!(
            file = traced.path,
            library = traced.examined.kind.as_str(),
            attached = if only {
                "process by process".to_owned()
            } else {
                traced.attach_points.to_string()
            },
            missing = (!missing.is_empty()).then(|| missing.join("; ")),
            "traced"
        );
        let (found_at, certainty) = (traced.file.found_at.display(), traced.file.certainty);
        tracing::debug!(file = traced.path, %found_at, ?certainty, "found");
        self.traced.insert(mapped.file, traced);
        true
    }

    fn look(
        &self,
        proc: &Path,
        pid: u32,
        mapped: &MappedFile,
    ) -> Result<Option<(OpenedFile, Examined)>, Trouble> {
        let opened = open(proc, pid, mapped).map_err(|error| Trouble {
            is_gone: is_gone(&error),
            ..Trouble::new("open", &error)
        })?;
        let file = SafeFile::open(&opened.path())
            .map_err(|refusal| Trouble::new(refusal.reason.label(), &refusal.reason))?;
        let examined = match self.located.get(&mapped.file) {
            Some(located) => Ok(Some(Examined::clone(located))),
            None => examine(&file, self.abilities),
        };
        let examined = examined.and_then(|examined| {
            examined.as_ref().map_or(Ok(()), |examined| examined.check_code(&file))?;
            Ok(examined)
        });
        let examined =
            examined.map_err(|refusal| Trouble::new(refusal.reason.label(), &refusal.reason))?;
        Ok(examined.map(|examined| (opened, examined)))
    }

    fn put_aside(&mut self, mapped: &MappedFile, why: Option<String>) -> bool {
        let path = mapped.path.display().to_string();
        let refused = why.map(|why| RefusedFile { path, why });
        self.others.insert(mapped.file, refused);
        false
    }

    /// A number for a file that is new.
    fn index(&mut self) -> Option<u16> {
        let index = self.free.pop().or_else(|| {
            let index = (self.next < MAX_LIBRARIES).then_some(self.next)?;
            self.next += 1;
            Some(index)
        })?;
        if let Some(places) = &mut self.random_places {
            // What was learnt of the number's former file is not this one's.
            if let Err(error) = places.set(u32::from(index), 0, 0) {
                tracing::warn!("cannot attach to a replaced library: {error}");
            }
        }
        Some(index)
    }
}

/// Whether somebody means it to be one of those that are traced.
fn is_named_like_tls(mapped: &MappedFile) -> bool {
    let name = mapped.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("libssl.so") || name.starts_with("libgnutls.so")
}

/// Why a file is not traced.
struct Trouble {
    label: &'static str,
    text: String,
    is_gone: bool,
}

impl Trouble {
    fn new(label: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self { label, text: explain(error), is_gone: false }
    }
}

/// The process has ended, or mapped something else, since it was looked at.
fn is_gone(error: &MappedFileError) -> bool {
    let MappedFileError::Refused(error) = error else { return false };
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}
