//! Whether the client got there after all.
//!
//! A 421 opens a window. What the same client asks for again within it, the same method and path of the same host,
//! says how it went; where nothing comes, the window's end does.

mod answer;
mod outcome;
mod window;

use crate::http_facts::AgentClass;
use crate::name::Host;
use crate::observation::{Exchange, Facts};
use crate::seen::Seen;
use crate::time::Timestamp;
use answer::RequestAnswer;
use hashbrown::HashMap;
pub use outcome::{Outcome, Recovery, RecoveryReport};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use window::{Who, WhoOf, Window, port_of};

/// The most windows that are open at a time; at the limit the one that would end first is given up, and counted.
pub const MAX_WINDOWS: usize = 16_384;
/// The most recently opened connections that are remembered: their ClientHello may be observed before the 421 after which
/// they were opened.
const MAX_HELLOS: usize = 1024;
/// The most answers that are remembered, for the same reason: packets of two connections come from two rings, and
/// their order is that of the rings.
const MAX_ANSWERS: usize = 1024;
/// The most windows for one client and host.
const MAX_FOR_ONE: usize = 64;

/// How long windows are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// For browsers, which ask again at once or not at all.
    pub browser: Duration,
    /// For all others.
    pub other: Duration,
}

impl Default for Windows {
    fn default() -> Self {
        Self { browser: Duration::from_secs(10), other: Duration::from_secs(60) }
    }
}

/// Follows clients from a 421 to what they do next.
#[derive(Debug, Default)]
pub struct Recoveries {
    windows: Windows,
    open: HashMap<Who, Vec<Window>, foldhash::fast::RandomState>,
    /// When each ends, and whose it is.
    ends: BTreeMap<(Timestamp, u64), Who>,
    opened: u64,
    hellos: VecDeque<(Who, Timestamp, u64, Option<u16>)>,
    answers: VecDeque<RequestAnswer>,
    /// Windows that were given up at a bound.
    pub shed: u64,
}

impl Recoveries {
    /// With windows of this length.
    pub fn new(windows: Windows) -> Self {
        Self { windows, ..Self::default() }
    }

    /// A connection was opened, for the host that its ClientHello names.
    pub fn hello(&mut self, connection: u64, facts: &Facts) {
        let Some((host, _)) = facts.tls.as_ref().and_then(|tls| tls.sni_host.as_ref()) else {
            return;
        };
        let Some(who) = WhoOf::new(facts, host) else { return };
        let at = facts.opened.unwrap_or(facts.first_seen);
        for window in self.open.get_mut(&who).into_iter().flatten() {
            window.hello(at, connection, port_of(facts));
        }
        if self.hellos.len() >= MAX_HELLOS {
            self.hellos.pop_front();
        }
        self.hellos.push_back((who.owned(), at, connection, port_of(facts)));
    }

    /// An exchange, about in the order of their ends: it may be what ends windows, and a 421 opens one.
    pub fn exchange(
        &mut self,
        connection: u64,
        exchange: &Exchange,
        judged: &mut impl FnMut(RecoveryReport),
    ) {
        let (Some(host), Some(status)) = (exchange.host(), exchange.status()) else { return };
        let Some(who) = WhoOf::new(&exchange.connection, host) else { return };
        let answer = RequestAnswer::new(connection, exchange, status, who, self.open.hasher());
        self.close(who, &answer, host, judged);
        if exchange.is_misdirected() {
            self.open(who.owned(), answer, exchange, judged);
        }
        if self.answers.len() >= MAX_ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(answer);
    }

    /// Ends the windows that this is the answer to.
    fn close(
        &mut self,
        who: WhoOf<'_>,
        answer: &RequestAnswer,
        host: &Host,
        judged: &mut impl FnMut(RecoveryReport),
    ) {
        let Some(windows) = self.open.get_mut(&who) else { return };
        windows.iter_mut().for_each(|window| window.hear_of(answer));
        for window in windows.extract_if(.., |window| window.is_asked_again(answer)) {
            self.ends.remove(&(window.end, window.id));
            judged(window.answered(answer, host.clone()));
        }
        if windows.is_empty() {
            self.open.remove(&who);
        }
    }

    /// Ends the windows that are over by now.
    pub fn expire(&mut self, now: Timestamp, judged: &mut impl FnMut(RecoveryReport)) {
        while let Some(entry) = self.ends.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((_, id), who) = entry.remove_entry();
            if let Some(window) = self.take(&who, id) {
                judged(window.ended(who.host));
            }
        }
    }

    /// No more will be seen: what was not asked again by now was not, as far as that can be told.
    pub fn finish(&mut self, judged: &mut impl FnMut(RecoveryReport)) {
        self.expire(Timestamp(i64::MAX), judged);
    }

    /// How many windows are open.
    pub fn open_windows(&self) -> usize {
        self.ends.len()
    }

    fn open(
        &mut self,
        who: Who,
        answer: RequestAnswer,
        exchange: &Exchange,
        judged: &mut impl FnMut(RecoveryReport),
    ) {
        let is_browser = exchange.hints.agent == Seen::Known(AgentClass::Browser);
        let length = if is_browser { self.windows.browser } else { self.windows.other };
        let Some(mut window) = Window::new(self.opened + 1, answer, exchange, length) else {
            return;
        };
        let at = window.at;
        self.opened += 1;
        self.expire(at, judged);
        if self.ends.len() >= MAX_WINDOWS
            && let Some(((_, id), who)) = self.ends.pop_first()
        {
            self.shed += 1;
            drop(self.take(&who, id));
        }
        // They come nearly in order: what is older than the answer was no answer to it.
        let later = self.hellos.iter().rev().take_while(|(_, opened, ..)| *opened >= at);
        for (_, at, connection, port) in later.filter(|(other, ..)| *other == who) {
            window.hello(*at, *connection, *port);
        }
        let then = self.answers.iter().filter(|then| then.who == answer.who);
        then.clone().for_each(|then| window.hear_of(then));
        if let Some(then) = then.clone().find(|then| window.is_asked_again(then)) {
            return judged(window.answered(then, who.host));
        }
        let windows = self.open.entry(who.clone()).or_default();
        if windows.len() >= MAX_FOR_ONE {
            let oldest = windows.remove(0);
            self.ends.remove(&(oldest.end, oldest.id));
            self.shed += 1;
        }
        self.ends.insert((window.end, window.id), who);
        windows.push(window);
    }

    fn take(&mut self, who: &Who, id: u64) -> Option<Window> {
        let windows = self.open.get_mut(who)?;
        let at = windows.iter().position(|window| window.id == id)?;
        let window = windows.remove(at);
        if windows.is_empty() {
            self.open.remove(who);
        }
        Some(window)
    }
}

#[cfg(test)]
mod tests;
