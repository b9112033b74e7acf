mod reports;

use anyhow::Result;
use wrongdoor_core::observation::probe_event::Direction;
use wrongdoor_core::side::Side;
use wrongdoor_tests::wire::live::{Report, Watched, mixed, observe_reports};
use wrongdoor_tests::wire::{
    Dice, Found, Frame, Names, Sealed, Segment, Talk, Told, contradictions, observe, samples,
};

const ENDS: [Side; 2] = [Side::Client, Side::Server];

/// A conversation inside TLS: what packets and their keys show, and what was said.
struct Material {
    name: &'static str,
    is_http2: bool,
    /// The segments of the handshake.
    handshake: Vec<Segment>,
    said: Vec<(Side, Vec<u8>)>,
    found: Found,
}

impl Material {
    /// Every conversation made by hand, sealed.
    fn all() -> Result<Vec<Self>> {
        samples().into_iter().map(|(name, frames)| Self::new(name, &frames)).collect()
    }

    fn new(name: &'static str, frames: &[Frame]) -> Result<Self> {
        let segments: Vec<Segment> = frames.iter().filter_map(Segment::of).collect();
        let client = segments.first().map(|segment| segment.from);
        let is_http2 = name == "h2c";
        let names = Names {
            sni: Some("a.test"),
            alpn: if is_http2 { "h2" } else { "http/1.1" },
            certificate: &["a.test", "b.test"],
        };
        let mut session = Sealed::open(Talk::open(443), 1, names)?;
        let handshake = session.talk.segments.clone();
        let mut said = Vec::new();
        for segment in segments.iter().filter(|segment| !segment.payload.is_empty()) {
            let side = if Some(segment.from) == client { Side::Client } else { Side::Server };
            session.say(side, &segment.payload)?;
            said.push((side, segment.payload.clone()));
        }
        session.talk.close();
        let found = observe(&session.talk.frames(), &session.keys_log(|_| true));
        assert!(!found.exchanges.is_empty(), "{name}: {:?}", found.counters);
        Ok(Self { name, is_http2, handshake, said, found })
    }

    fn watched(&self, role: Side) -> Watched {
        Watched::new(1, role, &self.handshake)
    }

    /// The reports at one end, in the order in which they come about.
    fn reports(&self, role: Side, told: Option<Side>, dice: &mut Dice) -> Vec<Report> {
        let watched = self.watched(role);
        let handshake = watched.handshake(&self.handshake);
        let mut reports = mixed(handshake, vec![watched.session(told)], dice);
        reports.extend(watched.plaintext(self.is_http2, &self.said, dice));
        reports.push(Report::SessionClosed(watched.session));
        reports.push(Report::SocketClosed(watched.socket.id));
        reports
    }

    #[track_caller]
    fn agrees(&self, what: &str, reports: &[Report]) -> Found {
        let found = observe_reports(reports);
        let wrong = contradictions(&found, &self.found);
        let name = self.name;
        assert!(wrong.is_empty(), "{name}, {what}:\n{}\n{:?}", wrong.join("\n"), found.counters);
        found
    }
}

/// What does not depend on the certificate, which TLS 1.3 shows to nobody without keys.
fn essence(found: &Found) -> Vec<Told> {
    let mut all = found.sorted();
    for told in &mut all {
        told.verdict = "";
        told.silent_misdirect = false;
        // Probes leave bodies out, which tell best who made a response.
        (told.generator, told.cause) = (None, None);
        told.alpn = told.alpn.take().filter(|alpn| alpn == "h2");
    }
    all
}

#[test]
fn probes_at_either_end_tell_what_packets_and_keys_do() -> Result<()> {
    for material in Material::all()? {
        for seed in 0..40 {
            let mut dice = Dice::new(seed);
            for role in ENDS {
                // The library tells its role, or the handshake does.
                let told = dice.once_in(2).then_some(role);
                let reports = material.reports(role, told, &mut dice);
                let found = material.agrees(&format!("{role:?}, seed {seed}"), &reports);
                assert_eq!(essence(&found), essence(&material.found), "{}", material.name);
                assert!(found.counters.decode_errors.is_empty(), "{:?}", found.counters);
                let connection = found.connection();
                assert_eq!(
                    (connection.decryption, connection.visibility),
                    ("library", "plaintext")
                );
                assert_eq!((connection.gaps, connection.closed), (0, true));
                assert_eq!(
                    connection.role,
                    Some(if role == Side::Client { "client" } else { "server" })
                );
            }
        }
    }
    Ok(())
}

#[test]
fn without_any_report_nothing_is_wrong() -> Result<()> {
    for material in Material::all()? {
        for (seed, role) in (0..6).zip(ENDS.into_iter().cycle()) {
            let reports = material.reports(role, Some(role), &mut Dice::new(seed));
            let mut told = 0;
            for lost in 0..reports.len() {
                let mut kept = reports.clone();
                kept.remove(lost);
                let what = format!("seed {seed} without report {lost}: {:?}", reports[lost]);
                told += material.agrees(&what, &kept).exchanges.len();
            }
            // And, where streams are apart from each other, most of it is still told.
            let all = material.found.exchanges.len() * reports.len();
            assert!(!material.is_http2 || 4 * told >= 3 * all, "{told} of {all}");
        }
    }
    Ok(())
}

#[test]
fn in_any_order_and_with_any_losses_nothing_is_wrong() -> Result<()> {
    for material in Material::all()? {
        for seed in 0..200 {
            let mut dice = Dice::new(seed);
            let role = *dice.one_of(&ENDS);
            let watched = material.watched(role);
            let mut handshake = watched.handshake(&material.handshake);
            if dice.once_in(2) {
                // Twice, and out of order.
                handshake.extend(handshake.clone());
                handshake.swap(0, 1);
            }
            let mut session = vec![watched.session(dice.once_in(2).then_some(role))];
            session.extend(watched.plaintext(material.is_http2, &material.said, &mut dice));
            session.push(Report::SessionClosed(watched.session));
            let mut reports = mixed(handshake, session, &mut dice);
            let often = 2 + dice.within(0..30);
            reports.retain(|report| matches!(report, Report::Session(..)) || !dice.once_in(often));
            material.agrees(&format!("{role:?}, seed {seed}"), &reports);
        }
    }
    Ok(())
}

/// The directions of a session race each other, as threads do.
#[test]
fn a_response_that_is_told_before_its_request_waits_for_it() -> Result<()> {
    for material in Material::all()? {
        for seed in 0..20 {
            let mut dice = Dice::new(seed);
            let watched = material.watched(Side::Client);
            let mut reports = watched.handshake(&material.handshake);
            reports.push(watched.session(Some(Side::Client)));
            let plaintext = watched.plaintext(material.is_http2, &material.said, &mut dice);
            let (sent, received) = plaintext
                .into_iter()
                .partition(|report| matches!(report, Report::Plaintext(_, Direction::Sent, ..)));
            reports.extend(mixed(sent, received, &mut dice));
            let found = material.agrees(&format!("seed {seed}"), &reports);
            assert_eq!(essence(&found), essence(&material.found), "{}", material.name);
        }
    }
    Ok(())
}
