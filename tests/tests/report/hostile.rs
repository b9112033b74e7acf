use anyhow::Result;
use serde_json::{Value, json};
use wrongdoor_core::side::Side::{Client, Server};
use wrongdoor_tests::wire::h2::{self, Hpack};
use wrongdoor_tests::wire::{Names, Sealed, Talk};

use super::{Page, in_turn};

/// What a name may try to be. Each would set `canary` where it got through.
const NAMES: [&str; 9] = [
    "<script>canary=1</script>",
    "\"><img src=x onerror=canary=1>",
    "'><svg onload=canary=1>",
    "</script><script>canary=1</script>",
    "</style><script>canary=1</script>",
    "</title></desc></svg><script>canary=1</script>",
    "--><script>canary=1</script><!--",
    "javascript:canary=1",
    "\u{202e}tset.evil\u{202c}\u{2066}\u{2028}\u{0}\u{7}&lt;script&gt;",
];

fn conversations(sni: &str, seed: u8) -> Result<(Vec<wrongdoor_tests::wire::Frame>, Vec<u8>)> {
    let client = ([192, 0, 2, seed], 50_000).into();
    let mut talk = Talk::between(client, ([198, 51, 100, 1], 443).into());
    talk.handshake();
    let names = Names { sni: Some(sni), alpn: "h2", certificate: &["a.test"] };
    let mut session = Sealed::open(talk, seed, names)?;
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    session.say(Client, [h2::PREFACE, &settings].concat())?.say(Server, &settings)?;
    let (mut ask, mut answer) = (Hpack::default(), Hpack::default());
    let long = format!("{}.{}", "x".repeat(63), "y".repeat(186));
    for (nth, name) in (0..).zip(NAMES.into_iter().chain([long.as_str()])) {
        let stream = 2 * nth + 1;
        let method = if nth == 0 { "<b>'\"&" } else { "GET" };
        session.say(Client, h2::headers(stream, true, &ask.request(method, name)))?;
        session.say(Server, h2::headers(stream, true, &answer.response(421)))?;
    }
    Ok((session.talk.frames(), session.keys_log(|_| true)))
}

#[test]
fn no_name_becomes_markup() -> Result<()> {
    let (mut frames, mut keys) = (Vec::new(), Vec::new());
    for (seed, sni) in (1..).zip(NAMES.into_iter().chain(["a.test"])) {
        let (said, secrets) = conversations(sni, seed)?;
        frames.push(said);
        keys.extend(secrets);
    }
    let page = Page::of_frames(&in_turn(&frames), &keys)?;
    let html = page.html()?;
    assert_eq!((html.matches("<script>").count(), html.matches("</script>").count()), (1, 1));
    assert!(!html.contains("<img") && !html.contains('\u{202e}') && !html.contains('\0'));
    assert!(html.contains("[U+202E]tset.evil"), "what is hidden is shown");
    let mut browser = page.open()?;
    // It is all there, as text.
    assert_eq!(browser.value("document.querySelectorAll('#list tbody tr').length")?, json!(100));
    let text = browser.text("document.body.textContent")?;
    for name in NAMES.iter().take(8) {
        assert!(text.contains(&*name.to_lowercase()) || text.contains(name), "{name}");
    }
    // Searching and opening does not make markup of it either.
    browser.press("/")?;
    browser.type_text("<script>")?;
    browser.until("document.getElementById('matches').textContent.includes('match')")?;
    browser.press("ArrowDown")?;
    browser.press("Enter")?;
    assert_eq!(browser.value("typeof canary")?, json!("undefined"));
    for foreign in
        ["img", "iframe", "object", "b", "script:not(:last-child)", "[onerror]", "[onload]"]
    {
        let count: Value =
            browser.value(&format!("document.querySelectorAll('{foreign}').length"))?;
        assert_eq!(count, json!(0), "{foreign}");
    }
    assert_eq!(browser.complaints()?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_script_that_got_in_would_not_run() -> Result<()> {
    let page = Page::of_golden("coalescing")?;
    let html = page.html()?;
    let with = html.replacen(
        "<footer>",
        "<footer><script>canary=1</script><img src=x onerror=canary=1>",
        1,
    );
    assert_ne!(with, html);
    std::fs::write(page.file(), with)?;
    let mut browser = wrongdoor_tests::browser::Browser::start()?;
    browser.open(&page.file())?;
    assert_eq!(browser.value("typeof canary")?, json!("undefined"));
    assert!(!browser.complaints()?.is_empty(), "what is forbidden would be noticed here");
    Ok(())
}
