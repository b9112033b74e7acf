use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::browser::Browser;

use super::Page;

const SHOWN: &str = "[...document.querySelectorAll('#list tbody tr')].filter((row) => row.getClientRects().length).length";
const MATCHES: &str = "document.getElementById('matches').textContent";
const FOCUSED_ROW: &str =
    "[...document.querySelectorAll('#list tbody tr')].indexOf(document.activeElement)";

fn opened() -> Result<Browser> {
    Page::of_golden("apache-two-hosts")?.open()
}

#[test]
fn search_shows_what_has_all_words() -> Result<()> {
    let mut browser = opened()?;
    let all = browser.value(SHOWN)?;
    browser.press("/")?;
    assert_eq!(browser.text("document.activeElement.id")?, "search");
    browser.type_text("421 HOST_over")?;
    browser.until(&format!("{MATCHES} === '2 of {all} match'"))?;
    assert_eq!(browser.value(SHOWN)?, json!(2));
    browser.type_text(" nowhere")?;
    browser.until(&format!("{MATCHES} === '0 of {all} match'"))?;
    browser.press("Escape")?;
    assert_eq!(
        (browser.value(SHOWN)?, browser.text(MATCHES)?),
        (all.clone(), format!("{all} requests"))
    );
    assert!(browser.complaints()?.is_empty());
    Ok(())
}

#[test]
fn keys_go_from_row_to_row_and_open_them() -> Result<()> {
    let mut browser = opened()?;
    for (key, row) in
        [("j", 0), ("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0), ("ArrowUp", 0)]
    {
        browser.press(key)?;
        assert_eq!(browser.value(FOCUSED_ROW)?, json!(row), "{key}");
    }
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.text(outline)?, "solid", "focus can be seen");
    let details = "document.activeElement.querySelector('details').open";
    for open in [true, false] {
        browser.press("Enter")?;
        assert_eq!(browser.value(details)?, json!(open));
    }
    // Only what is shown is gone to.
    browser.press("/")?;
    browser.type_text("a.test")?;
    browser.until(&format!("{MATCHES}.includes('match')"))?;
    browser.press("/")?;
    browser.type_text(" not_retried")?;
    browser.until(&format!("{MATCHES}.startsWith('0 of')"))?;
    browser.press("ArrowDown")?;
    assert_eq!(browser.text("document.activeElement.id")?, "search", "there is no row to go to");
    browser.press("Escape")?;
    assert!(!browser.text(MATCHES)?.contains("match"));
    Ok(())
}

#[test]
fn the_first_tab_leads_past_everything_to_the_findings() -> Result<()> {
    let mut browser = opened()?;
    browser.press("Tab")?;
    assert_eq!(browser.text("document.activeElement.className")?, "skip");
    browser.press("Enter")?;
    browser.until("location.hash === '#findings' && document.activeElement.id === 'findings'")?;
    Ok(())
}

#[test]
fn headers_sort_up_and_down() -> Result<()> {
    let mut browser = opened()?;
    let column =
        "[...document.querySelectorAll('#list tbody tr')].map((row) => row.cells[8].textContent)";
    let click = "document.querySelectorAll('#list th button')[8].click()";
    for (order, first) in [("ascending", "200"), ("descending", "421")] {
        browser.value(click)?;
        assert_eq!(browser.value(&format!("{column}[0]"))?, json!(first));
        assert_eq!(browser.text("document.querySelectorAll('#list th')[8].ariaSort")?, order);
    }
    Ok(())
}
