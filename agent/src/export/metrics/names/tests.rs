use super::*;
use proptest::prelude::*;

const START: Duration = Duration::ZERO;

fn fill(names: &mut FrequentNames, times: usize) {
    for _ in 0..times {
        for at in 0..MAX_NAMES {
            names.see(&format!("frequent{at}.test"), START);
        }
    }
}

#[test]
fn names_are_lower_case_short_and_no_addresses() {
    let mut names = FrequentNames::default();
    assert_eq!(&*names.see("A.Test", START).0, "a.test");
    assert_eq!(&*names.see(&"n".repeat(MAX_NAME + 1), START).0, OTHER);
    assert_eq!(&*names.see(&"n".repeat(MAX_NAME), START).0, "n".repeat(MAX_NAME));
    assert_eq!(&*names.see(ADDRESS, START).0, ADDRESS);
    assert_eq!(names.admitted.len(), 2);
}

#[test]
fn a_flood_of_names_that_come_once_displaces_nothing() {
    let mut names = FrequentNames::default();
    fill(&mut names, 1);
    for at in 0..1_000_000 {
        let (label, dropped) = names.see(&format!("once{at}.test"), START);
        assert_eq!((&*label, dropped), (OTHER, None));
    }
    assert_eq!(names.admitted.len(), MAX_NAMES);
}

#[test]
fn what_is_frequent_gets_in_during_a_flood() {
    let mut names = FrequentNames::default();
    for at in 0..100_000 {
        names.see(&format!("once{at}.test"), START);
        if at % 50 == 0 {
            names.see("frequent.test", START);
        }
    }
    assert_eq!(&*names.see("frequent.test", START).0, "frequent.test");
    assert_eq!(names.admitted.len(), MAX_NAMES);
}

#[test]
fn what_is_less_frequent_gives_way_and_is_named() {
    let mut names = FrequentNames::default();
    fill(&mut names, 2);
    names.see("frequent0.test", START);
    let displaced: Vec<_> = (0..3).map(|_| names.see("new.test", START)).collect();
    let labels: Vec<&str> = displaced.iter().map(|(label, _)| &**label).collect();
    assert_eq!(labels, [OTHER, OTHER, "new.test"]);
    let dropped: Vec<&LabelValue> =
        displaced.iter().filter_map(|(_, dropped)| dropped.as_ref()).collect();
    assert!(matches!(dropped[..], [name] if &**name != "frequent0.test"), "{dropped:?}");
}

#[test]
fn what_is_idle_gives_up_its_place() {
    let mut names = FrequentNames::default();
    fill(&mut names, 1000);
    names.see("frequent7.test", IDLE_AFTER / 2);
    assert_eq!(names.age(HALVE_EVERY / 2), Vec::<LabelValue>::new());
    let dropped = names.age(IDLE_AFTER);
    assert_eq!(dropped.len(), MAX_NAMES - 1);
    assert!(!dropped.iter().any(|name| &**name == "frequent7.test"));
    assert_eq!(&*names.see("new.test", IDLE_AFTER).0, "new.test");
}

#[test]
fn what_was_frequent_once_fades() {
    let mut names = FrequentNames::default();
    fill(&mut names, 64);
    let mut now = START;
    for _ in 0..5 {
        now += HALVE_EVERY;
        assert!(names.age(now).is_empty());
    }
    names.see("new.test", now);
    names.see("new.test", now);
    assert_eq!(&*names.see("new.test", now).0, "new.test");
}

proptest! {
    /// Whatever comes: never too many, and who is displaced was not seen more often than who displaces.
    #[test]
    fn who_displaces_was_seen_more_often(sightings in prop::collection::vec((0..300_u16, 1..8_u8), 1..500)) {
        let mut names = FrequentNames::default();
        let mut times: HashMap<String, u32> = HashMap::new();
        for (name, count) in sightings {
            let name = format!("n{name}.test");
            for _ in 0..count {
                *times.entry(name.clone()).or_default() += 1;
                let lowest = names.lowest().map(|standing| standing.score);
                let (label, dropped) = names.see(&name, START);
                prop_assert!(*label == *name || &*label == OTHER);
                prop_assert!(names.admitted.len() <= MAX_NAMES);
                if dropped.is_some() {
                    prop_assert!(times[&name] > lowest.unwrap());
                }
            }
        }
    }

    /// Ageing at any time keeps the bounds and never gives a count that is too high.
    #[test]
    fn ageing_never_makes_a_name_count_for_more(steps in prop::collection::vec((0..400_u16, 0..900_u64), 1..2000)) {
        let mut names = FrequentNames::default();
        let mut now = START;
        let mut times: HashMap<String, u32> = HashMap::new();
        for (name, pause) in steps {
            let name = format!("n{name}.test");
            now += Duration::from_secs(pause);
            names.age(now);
            *times.entry(name.clone()).or_default() += 1;
            names.see(&name, now);
            prop_assert!(names.admitted.len() <= MAX_NAMES);
        }
        for (label, standing) in &names.admitted {
            prop_assert!(standing.score <= times[&**label]);
            prop_assert!(standing.score >= names.floor);
        }
    }
}
