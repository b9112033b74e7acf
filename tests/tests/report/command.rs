use std::fs;

use anyhow::Result;
use wrongdoor_tests::binary;
use wrongdoor_tests::golden::Golden;

use super::Page;

#[test]
fn it_comes_beside_the_other_output_and_is_always_the_same() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (capture, page) =
        (Golden::folder().join("coalescing.pcap"), folder.path().join("page.html"));
    let mut pages = Vec::new();
    for _ in 0..2 {
        let mut command = binary::command(&["analyze", "--format", "json", "--report"]);
        let output = command.arg(&page).arg(&capture).output()?;
        assert!(output.status.success());
        assert!(output.stdout.starts_with(b"{\"type\":"));
        pages.push(fs::read(&page)?);
    }
    assert!(pages[0].starts_with(b"<!doctype html>") && pages[0] == pages[1]);
    Ok(())
}

#[test]
fn it_takes_the_place_of_no_input_and_no_output() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let capture = folder.path().join("capture.pcap");
    fs::copy(Golden::folder().join("coalescing.pcap"), &capture)?;
    let before = fs::read(&capture)?;
    let (capture, other) =
        (capture.display().to_string(), folder.path().join("new.html").display().to_string());
    for wrong in
        [&["--report", &capture][..], &["--report", "-"], &["--report", &other, "--output", &other]]
    {
        let output = binary::run(&[&["analyze", &*capture][..], wrong].concat())?;
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(
            (output.status.code(), said.lines().count()),
            (Some(64), 1),
            "{wrong:?}: {said}"
        );
    }
    assert_eq!(fs::read(&capture)?, before);
    assert_eq!(fs::read_dir(folder.path())?.count(), 1, "nothing is left behind");
    Ok(())
}

#[test]
fn where_it_cannot_be_written_nothing_is_done() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let capture = Golden::folder().join("coalescing.pcap").display().to_string();
    for target in [folder.path().to_path_buf(), folder.path().join("no/folder.html")] {
        let target = target.display().to_string();
        let output = binary::run(&["analyze", "--report", &target, &capture])?;
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(74), "{said}");
        assert!(said.contains(&target) && output.stdout.is_empty(), "{said}");
    }
    Ok(())
}

#[test]
fn a_run_that_fails_leaves_what_was_there() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (page, damaged) = (folder.path().join("page.html"), folder.path().join("cut.pcap"));
    fs::write(&page, "the last one")?;
    let whole = fs::read(Golden::folder().join("coalescing.pcap"))?;
    fs::write(&damaged, &whole[..20])?;
    let output = binary::command(&["analyze", "--report"]).arg(&page).arg(&damaged).output()?;
    assert_eq!(output.status.code(), Some(65));
    assert_eq!(fs::read_to_string(&page)?, "the last one");
    assert_eq!(fs::read_dir(folder.path())?.count(), 2, "nothing is left behind");
    Ok(())
}

#[test]
fn every_committed_capture_has_a_page() -> Result<()> {
    for golden in Golden::all()? {
        let html = Page::of_golden(&golden.name())?.html()?;
        assert!(
            html.contains("<p class=\"lead\">") && html.ends_with("</html>"),
            "{}",
            golden.name()
        );
    }
    Ok(())
}
