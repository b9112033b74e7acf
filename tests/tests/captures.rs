use anyhow::Result;
use wrongdoor_tests::binary;
use wrongdoor_tests::golden::Golden;

#[test]
fn give_what_is_expected_of_them() -> Result<()> {
    let wrongdoor = binary::path();
    let mut differences = Vec::new();
    for golden in Golden::all()? {
        differences.extend(golden.difference(&wrongdoor)?);
    }
    assert!(
        differences.is_empty(),
        "{}\nif this is right: cargo xtask fixtures --bless",
        differences.join("\n")
    );
    Ok(())
}
