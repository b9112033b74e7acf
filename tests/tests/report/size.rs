use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::wire::Talk;
use wrongdoor_tests::wire::h2::{self, Hpack};

use super::{Page, in_turn};

/// The most bytes of a page, however much there is.
const MAX_BYTES: usize = 8 * 1024 * 1024;

#[test]
fn a_hundred_thousand_requests_are_a_page_that_can_be_used() -> Result<()> {
    const FLOOD: u32 = 100_000;
    let mut talk = Talk::open(8080);
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    talk.client([h2::PREFACE, &settings].concat()).server(&settings);
    let mut answer = Hpack::default();
    for nth in 0..FLOOD {
        let name = format!("n{nth}.test");
        let fields = [(":method", "GET"), (":path", "/"), (":authority", &*name)];
        talk.client(h2::headers(2 * nth + 1, true, &Hpack::default().block(&fields)));
        let status = if nth % 4 == 0 { 421 } else { 200 };
        talk.server(h2::headers(2 * nth + 1, true, &answer.response(status)));
    }
    let page = Page::of_frames(&in_turn(&[talk.frames()]), b"")?;
    let html = page.html()?;
    assert!(html.len() < MAX_BYTES, "{} bytes", html.len());
    let mut browser = page.open()?;
    let lead = browser.text("document.querySelector('.lead').textContent")?;
    assert!(
        lead.starts_with("Of 100,000 requests on 1 connection, 25,000 were refused with 421"),
        "{lead}"
    );
    let rows = browser.value("document.querySelectorAll('#list tbody tr').length")?;
    assert_eq!(rows, json!(5000));
    let sum = browser.text("document.querySelector('#exchanges > p').textContent")?;
    assert_eq!(sum, "5,000 requests: findings first. 95,000 more requests are summed up below.");
    // All are counted: in groups, and by pattern.
    let count = "[...document.querySelectorAll('.finding > dl div:first-child dd')]\
                 .reduce((sum, one) => sum + Number(one.textContent.replaceAll(',', '')), 0)";
    assert_eq!(browser.value(count)?, json!(25_000));
    browser.press("/")?;
    browser.type_text("n400.test")?;
    browser.until("document.getElementById('matches').textContent === '1 of 5,000 match'")?;
    Ok(())
}
