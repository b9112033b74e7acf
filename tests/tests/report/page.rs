use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::wire::Talk;

use super::{Page, in_turn};

/// The contrast of every text with what is behind it, where it is less than it should be.
const CONTRAST: &str = r"(() => {
  const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || ['SCRIPT', 'STYLE', 'title', 'desc'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const colour = parse(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName} ${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()";

#[test]
fn it_can_be_read_in_light_and_in_the_dark() -> Result<()> {
    let mut browser = Page::of_golden("nginx-client-certificates")?.open()?;
    let mut shots = Vec::new();
    for scheme in ["light", "dark"] {
        browser.emulate("screen", scheme)?;
        assert_eq!(browser.value(CONTRAST)?, json!([]), "{scheme}");
        shots.push(browser.screenshot()?);
    }
    assert_ne!(shots[0], shots[1]);
    // Printed, it is light even for who likes it dark.
    browser.emulate("print", "dark")?;
    assert_eq!(
        browser.text("getComputedStyle(document.body).backgroundColor")?,
        "rgb(255, 255, 255)"
    );
    assert_eq!(browser.value(CONTRAST)?, json!([]), "printed");
    Ok(())
}

#[test]
fn printed_it_has_everything_and_nothing_to_click() -> Result<()> {
    let mut browser = Page::of_golden("nginx-client-certificates")?.open()?;
    let printed = browser.printed()?;
    for wanted in [
        "What happened",
        "Findings",
        "All requests",
        "Evidence",
        "What to do",
        "The drawing in words",
        // Of what is folded away on the screen.
        "c.test, TLS 1.3",
        "stream 1 ·",
        "Made by wrongdoor",
    ] {
        assert!(printed.contains(wanted), "{wanted}: {printed}");
    }
    assert!(!printed.contains("Search"), "{printed}");
    Ok(())
}

#[test]
fn a_drawing_tells_of_the_421_and_of_the_retry() -> Result<()> {
    let mut browser = Page::of_golden("apache-two-hosts")?.open()?;
    let drawing = "document.querySelector('.finding svg.drawn')";
    for (what, count) in [
        (".mark.misdirected polygon", 1),
        (".mark.served circle", 1),
        ("path.retried", 1),
        (".lane", 2),
        ("title[id]", 1),
        ("desc[id]", 1),
    ] {
        let found = browser.value(&format!("{drawing}.querySelectorAll('{what}').length"))?;
        assert_eq!(found, json!(count), "{what}");
    }
    let text = browser.text(&format!("{drawing}.textContent"))?;
    for wanted in ["SNI a.test", "SNI b.test", "b.test", "421", "200", "+"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    // Text stays on the drawing.
    let outside = format!(
        "(() => {{ const svg = {drawing}, box = svg.getBoundingClientRect(); \
         return [...svg.querySelectorAll('text')].filter((text) => {{ const own = text.getBoundingClientRect(); \
         return own.left < box.left || own.right > box.right || own.bottom > box.bottom; }}).length; }})()"
    );
    assert_eq!(browser.value(&outside)?, json!(0));
    Ok(())
}

#[test]
fn a_capture_of_nothing_has_a_page_that_says_so() -> Result<()> {
    let mut talk = Talk::open(443);
    talk.close();
    let mut browser = Page::of_frames(&in_turn(&[talk.frames()]), b"")?.open()?;
    assert_eq!(
        browser.text("document.querySelector('.lead').textContent")?,
        "There is no TLS and no HTTP in this capture."
    );
    assert!(
        browser
            .text("document.querySelector('#findings').textContent")?
            .contains("There are no findings")
    );
    Ok(())
}

#[test]
fn without_a_script_there_is_everything_but_search() -> Result<()> {
    let html = Page::of_golden("apache-two-hosts")?.html()?;
    let (page, _script) = html.split_once("<script>").expect("a script at the end");
    for wanted in [
        "id=\"list\"",
        "<details>",
        "<svg class=\"drawn\"",
        "<a class=\"skip\"",
        "aria-live=\"polite\"",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    for unwanted in ["style=\"", "onclick", "href=\"http", "src=", "url("] {
        assert!(!html.contains(unwanted), "{unwanted}");
    }
    Ok(())
}
