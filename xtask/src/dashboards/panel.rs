//! A panel: one question, and how the dashboard shows its answer.

use serde_json::{Value, json};

use super::query::Query;

/// A question with its answer.
pub(super) struct Panel {
    title: &'static str,
    /// The question, and how to read the answer.
    description: &'static str,
    look: Look,
    unit: &'static str,
    pub(super) width: u64,
    pub(super) height: u64,
    queries: Vec<Query>,
    /// The colour from each value on.
    colours: Vec<(f64, &'static str)>,
    first_colour: &'static str,
    /// The text of a panel without data.
    empty: &'static str,
    /// The maximum of the axis.
    max: Option<f64>,
    /// The series link to the incident dashboard of their authority.
    is_link: bool,
}

/// How a panel shows its answer.
enum Look {
    /// One number, with its course over time as the background.
    Stat,
    /// Lines over time, or stacked areas for series that add up.
    Lines { is_stacked: bool },
    /// One bar per series, the longest first.
    Bars,
    /// One row per series. The columns are pairs of label and heading; the value is the last column.
    Table { columns: &'static [(&'static str, &'static str)], value: &'static str },
    /// Traces, by a TraceQL query.
    Traces { query: &'static str },
}

/// Requests per second.
pub(super) const PER_SECOND: &str = "reqps";
/// Other events per second.
pub(super) const EVENTS_PER_SECOND: &str = "cps";
/// A share, where 1 is 100 %.
pub(super) const SHARE: &str = "percentunit";
/// A number of things.
pub(super) const COUNT: &str = "short";
/// Seconds.
pub(super) const SECONDS: &str = "s";
/// Bytes.
pub(super) const BYTES: &str = "bytes";

/// The colours for good and bad values.
pub(super) const GOOD: &str = "green";
pub(super) const DOUBTFUL: &str = "orange";
pub(super) const BAD: &str = "red";
pub(super) const NEUTRAL: &str = "blue";

impl Panel {
    fn new(title: &'static str, description: &'static str, look: Look, unit: &'static str) -> Self {
        Self {
            title,
            description,
            look,
            unit,
            width: 12,
            height: 8,
            queries: Vec::new(),
            colours: Vec::new(),
            first_colour: NEUTRAL,
            empty: "none",
            max: None,
            is_link: false,
        }
    }

    pub(super) fn stat(
        title: &'static str,
        description: &'static str,
        unit: &'static str,
        query: Query,
    ) -> Self {
        Self::new(title, description, Look::Stat, unit).size(4, 4).asks(query)
    }

    pub(super) fn lines(
        title: &'static str,
        description: &'static str,
        unit: &'static str,
        query: Query,
    ) -> Self {
        Self::new(title, description, Look::Lines { is_stacked: false }, unit).asks(query)
    }

    /// Stacked areas, for series that add up.
    pub(super) fn areas(
        title: &'static str,
        description: &'static str,
        unit: &'static str,
        query: Query,
    ) -> Self {
        Self::new(title, description, Look::Lines { is_stacked: true }, unit).asks(query)
    }

    pub(super) fn bars(
        title: &'static str,
        description: &'static str,
        unit: &'static str,
        query: Query,
    ) -> Self {
        Self::new(title, description, Look::Bars, unit).size(8, 5).asks(query)
    }

    pub(super) fn table(
        title: &'static str,
        description: &'static str,
        (unit, value): (&'static str, &'static str),
        columns: &'static [(&'static str, &'static str)],
        expression: String,
    ) -> Self {
        Self::new(title, description, Look::Table { columns, value }, unit)
            .asks(Query::instant(expression, ""))
    }

    pub(super) fn traces(
        title: &'static str,
        description: &'static str,
        query: &'static str,
    ) -> Self {
        Self::new(title, description, Look::Traces { query }, COUNT)
    }

    pub(super) fn size(self, width: u64, height: u64) -> Self {
        Self { width, height, ..self }
    }

    /// Adds a query.
    pub(super) fn asks(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    /// Sets the first colour, and the values from which other colours start.
    pub(super) fn colours(self, first: &'static str, then: &[(f64, &'static str)]) -> Self {
        Self { first_colour: first, colours: then.to_vec(), ..self }
    }

    pub(super) fn empty(self, empty: &'static str) -> Self {
        Self { empty, ..self }
    }

    pub(super) fn up_to(self, max: f64) -> Self {
        Self { max: Some(max), ..self }
    }

    /// Links the series to the incident dashboard of their authority.
    pub(super) fn leads_to_incident(self) -> Self {
        Self { is_link: true, ..self }
    }

    // === the JSON model of Grafana ===

    pub(super) fn json(&self, id: usize, place: &Value) -> Value {
        let mut panel = json!({
            "id": id,
            "type": self.look.plugin(),
            "title": self.title,
            "description": self.description,
            "gridPos": place,
            "transparent": false,
            "datasource": self.look.datasource(),
            "targets": self.targets(),
            "fieldConfig": { "defaults": self.defaults(), "overrides": self.overrides() },
            "options": self.look.options(),
        });
        if let (Look::Table { columns, value }, Value::Object(panel)) = (&self.look, &mut panel) {
            panel.insert("transformations".to_owned(), arrange(columns, value));
        }
        panel
    }

    fn targets(&self) -> Vec<Value> {
        if let Look::Traces { query } = self.look {
            return vec![json!({
                "refId": "A", "datasource": self.look.datasource(), "queryType": "traceql",
                "query": query, "limit": 20, "tableType": "traces", "filters": [],
            })];
        }
        let format = if matches!(self.look, Look::Table { .. }) { "table" } else { "time_series" };
        let target = |(query, name): (&Query, char)| {
            json!({
                "refId": name, "datasource": self.look.datasource(), "editorMode": "code",
                "expr": query.expression, "legendFormat": query.legend, "format": format,
                "instant": query.is_instant, "range": !query.is_instant,
                "exemplar": query.has_exemplars,
            })
        };
        self.queries.iter().zip('A'..='Z').map(target).collect()
    }

    fn defaults(&self) -> Value {
        let first = json!({ "color": self.first_colour, "value": null });
        let then =
            self.colours.iter().map(|(from, colour)| json!({ "color": colour, "value": from }));
        let steps: Vec<_> = [first].into_iter().chain(then).collect();
        let mode = match self.look {
            Look::Lines { .. } => "palette-classic",
            _ => "thresholds",
        };
        // A difference can be negative.
        let is_difference = self.colours.iter().any(|(from, _)| *from < 0.0);
        let is_link = self.is_link && !matches!(self.look, Look::Table { .. });
        let mut defaults = json!({
            "unit": self.unit,
            "noValue": self.empty,
            "min": (!is_difference).then_some(0),
            "max": self.max,
            "color": { "mode": mode },
            "thresholds": { "mode": "absolute", "steps": steps },
            "mappings": [],
            "custom": self.look.custom(),
            "links": is_link.then(|| in_depth("${__field.labels.authority}")),
        });
        if let Value::Object(defaults) = &mut defaults {
            defaults.retain(|_, value| !value.is_null());
        }
        defaults
    }

    fn overrides(&self) -> Vec<Value> {
        let Look::Table { columns, .. } = self.look else { return Vec::new() };
        let authority = columns.iter().find(|(label, _)| self.is_link && *label == "authority");
        let link = |(_, heading): &(_, &str)| {
            json!({
                "matcher": { "id": "byName", "options": heading },
                "properties": [{ "id": "links", "value": in_depth("${__value.text}") }],
            })
        };
        authority.map(link).into_iter().collect()
    }
}

/// A link to the incident dashboard of one authority.
fn in_depth(authority: &str) -> Value {
    let url = format!(
        "/d/wrongdoor-incident?var-authority={authority}&${{datasource:queryparam}}&${{cluster:queryparam}}&${{__url_time_range}}"
    );
    json!([{ "title": "Open the incident dashboard of this authority", "url": url, "targetBlank": false }])
}

/// Sets the order of the columns of a table, and their headings.
fn arrange(columns: &[(&'static str, &'static str)], value: &str) -> Value {
    let mut order = serde_json::Map::new();
    let mut headings = serde_json::Map::new();
    for (at, (label, heading)) in columns.iter().chain([&("Value", value)]).enumerate() {
        order.insert((*label).to_owned(), json!(at));
        headings.insert((*label).to_owned(), json!(heading));
    }
    json!([{ "id": "organize", "options": {
        "excludeByName": { "Time": true }, "indexByName": order, "renameByName": headings,
    } }])
}

// ===== impl Look =====

impl Look {
    fn plugin(&self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Lines { .. } => "timeseries",
            Self::Bars => "bargauge",
            Self::Table { .. } | Self::Traces { .. } => "table",
        }
    }

    fn datasource(&self) -> Value {
        match self {
            Self::Traces { .. } => json!({ "type": "tempo", "uid": "${traces}" }),
            _ => json!({ "type": "prometheus", "uid": "${datasource}" }),
        }
    }

    fn custom(&self) -> Value {
        match self {
            Self::Lines { is_stacked } => json!({
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": if *is_stacked { 40 } else { 8 },
                "showPoints": "auto",
                "spanNulls": false,
                "stacking": { "mode": if *is_stacked { "normal" } else { "none" }, "group": "A" },
            }),
            Self::Table { .. } | Self::Traces { .. } => {
                json!({ "align": "auto", "filterable": false, "inspect": false })
            }
            Self::Stat | Self::Bars => Value::Null,
        }
    }

    fn options(&self) -> Value {
        let last = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
        match self {
            Self::Stat => json!({
                "reduceOptions": last, "colorMode": "background", "graphMode": "area",
                "justifyMode": "center", "orientation": "auto", "textMode": "auto",
            }),
            Self::Lines { .. } => json!({
                "legend": {
                    "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [],
                },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Self::Bars => json!({
                "reduceOptions": last, "displayMode": "basic", "orientation": "horizontal",
                "showUnfilled": true, "minVizWidth": 0, "minVizHeight": 10,
                "valueMode": "color",
            }),
            Self::Table { value, .. } => json!({
                "showHeader": true, "cellHeight": "sm",
                "sortBy": [{ "displayName": value, "desc": true }],
            }),
            Self::Traces { .. } => json!({ "showHeader": true, "cellHeight": "sm" }),
        }
    }
}
