//! A dashboard: sections of panels, placed on the grid of Grafana from left to right.

use serde_json::{Value, json};

use super::panel::Panel;
use super::variable::Variable;

/// The columns of the grid.
const COLUMNS: u64 = 24;
/// The schema version of Grafana 10.0. Later versions of Grafana migrate it themselves.
const SCHEMA: u64 = 38;
/// The tag by which the links find the other dashboards.
const TAG: &str = "wrongdoor";

/// A dashboard.
pub(super) struct Dashboard {
    /// The name of the file, without its extension.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) variables: Vec<Variable>,
    pub(super) sections: Vec<Section>,
}

/// Panels under a heading. The first section of a dashboard has no heading.
pub(super) struct Section {
    pub(super) title: Option<&'static str>,
    pub(super) panels: Vec<Panel>,
}

impl Dashboard {
    /// The JSON model that Grafana imports.
    pub(super) fn json(&self) -> Value {
        let variables: Vec<_> = self.variables.iter().map(Variable::json).collect();
        json!({
            "uid": format!("wrongdoor-{}", self.name),
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA,
            "version": 1,
            // The next release overwrites changes: to edit a dashboard, copy it first.
            "editable": false,
            "graphTooltip": 1,
            "fiscalYearStartMonth": 0,
            "liveNow": false,
            "timezone": "browser",
            "weekStart": "",
            "refresh": "30s",
            "time": { "from": "now-3h", "to": "now" },
            "timepicker": {},
            "annotations": { "list": [] },
            "templating": { "list": variables },
            "links": [{
                "title": "wrongdoor", "type": "dashboards", "tags": [TAG], "asDropdown": false,
                "includeVars": true, "keepTime": true, "targetBlank": false,
                "icon": "", "tooltip": "", "url": "",
            }],
            "panels": self.panels(),
        })
    }

    fn panels(&self) -> Vec<Value> {
        let mut panels = Vec::new();
        let mut top = 0;
        for Section { title, panels: of_section } in &self.sections {
            if let Some(title) = title {
                panels.push(json!({
                    "id": panels.len() + 1, "type": "row", "title": title, "collapsed": false,
                    "panels": [], "gridPos": { "x": 0, "y": top, "w": COLUMNS, "h": 1 },
                }));
                top += 1;
            }
            let (mut left, mut height) = (0, 0);
            for panel in of_section {
                if left + panel.width > COLUMNS {
                    (left, top, height) = (0, top + height, 0);
                }
                let place = json!({ "x": left, "y": top, "w": panel.width, "h": panel.height });
                panels.push(panel.json(panels.len() + 1, &place));
                left += panel.width;
                height = height.max(panel.height);
            }
            top += height;
        }
        panels
    }
}
