use anyhow::{Result, ensure};
use wrongdoor_tests::dashboards::{Dashboard, NAMES, folder};
use wrongdoor_tests::live::installed;
use wrongdoor_tests::tools;

/// Reads dashboards with Grafana's models, writes them again, and tells what is not the same; and units that there are
/// none of. What is no part of the schema does not come back.
const ROUND_TRIP: &str = "
import json, sys
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

def differences(ours, theirs, place):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours:
            if key in theirs:
                yield from differences(ours[key], theirs[key], f'{place}/{key}')
            else:
                yield f'{place}/{key} is not in the schema'
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for at, pair in enumerate(zip(ours, theirs)):
            yield from differences(*pair, f'{place}/{at}')
    elif ours != theirs:
        yield f'{place}: {ours!r} became {theirs!r}'

register_default_plugins()
known = {value for name, value in vars(units).items() if isinstance(value, str)}
for file in sys.argv[1:]:
    ours = json.load(open(file))
    theirs = json.loads(json.dumps(Dashboard.from_json(ours), cls=JSONEncoder))
    for difference in differences(ours, theirs, file):
        print(difference)
    for panel in ours['panels']:
        unit = panel.get('fieldConfig', {}).get('defaults', {}).get('unit')
        if panel['type'] != 'row' and unit not in known:
            print(f'{file}: {unit} is no unit')
";

/// What is wrong with these files.
fn complaints(files: &[std::path::PathBuf]) -> Result<String> {
    let mut command = tools::command("python3")?;
    command.env("PYTHONPATH", installed::grafana()?).env("PYTHONDONTWRITEBYTECODE", "1");
    let said = tools::output(command.args(["-c", ROUND_TRIP]).args(files))?;
    Ok(String::from_utf8(said)?)
}

#[test]
fn grafanas_own_models_know_all_of_it() -> Result<()> {
    let files: Vec<_> = NAMES.iter().map(|name| folder().join(format!("{name}.json"))).collect();
    let said = complaints(&files)?;
    ensure!(said.is_empty(), "{said}");
    Ok(())
}

#[test]
fn what_grafana_does_not_know_is_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("wrong.json");
    let mut dashboard = Dashboard::all()?.swap_remove(0);
    dashboard.json["panels"][0]["fieldConfig"]["defaults"]["unit"] = "furlongs".into();
    dashboard.json["panels"][0]["options"]["blinking"] = true.into();
    std::fs::write(&file, dashboard.json.to_string())?;
    let said = complaints(&[file])?;
    ensure!(said.contains("furlongs is no unit") && said.contains("/options/blinking"), "{said}");
    Ok(())
}
