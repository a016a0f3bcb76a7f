//! Figures, and the file that keeps them: the table can be measured in pieces, each of which
//! replaces what it measured again.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::options::Size;
use crate::stage;
use crate::table::{Measure, ROWS};

/// What one row came to at one size.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// Name of the row.
    pub(crate) name: String,
    /// Size of the catalogue.
    pub(crate) size: Size,
    /// What was measured.
    pub(crate) value: f64,
    /// What it is compared with: a bare server's value, or what has to be reached.
    pub(crate) reference: f64,
    /// How they compare; more is better.
    pub(crate) ratio: f64,
    /// What else a reader should know.
    pub(crate) note: String,
    /// Whether the run was a short one, whose figures mean little.
    pub(crate) quick: bool,
    /// The commit that was measured, with a `+` if the tree was changed.
    pub(crate) commit: String,
    /// The day, UTC.
    pub(crate) date: String,
}

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Results(Vec<Figure>);

impl Results {
    /// What earlier runs found; nothing if that cannot be read.
    pub(crate) fn load() -> Self {
        let text = fs::read_to_string(path()).unwrap_or_default();
        Self(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Takes figures in, in place of those of the same rows and sizes.
    pub(crate) fn add(&mut self, figures: &[Figure]) {
        for figure in figures {
            self.0.retain(|old| (&old.name, old.size) != (&figure.name, figure.size));
            self.0.push(figure.clone());
        }
        self.0.sort_by_key(|figure| {
            (ROWS.iter().position(|row| row.name == figure.name), figure.size)
        });
    }

    /// Forgets what earlier runs found of a measure that failed now.
    pub(crate) fn forget(&mut self, measure: Measure, size: Size) {
        let is_its = |name: &str| ROWS.iter().any(|row| row.measure == measure && row.name == name);
        self.0.retain(|figure| figure.size != size || !is_its(&figure.name));
    }

    /// Keeps them for the next run.
    pub(crate) fn save(&self) {
        let text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        if let Err(error) = fs::write(path(), text) {
            eprintln!("{}: {error}", path().display());
        }
    }

    /// The figures of a row, ascending by size.
    pub(crate) fn of(&self, name: &str) -> impl Iterator<Item = &Figure> {
        self.0.iter().filter(move |figure| figure.name == name)
    }

    /// The contract's form: the rows of the table at their size, each with what it was measured of
    /// and when, as a run of some of them shows the others as they were.
    pub(crate) fn to_json(&self) -> String {
        let measures: Vec<Value> = ROWS
            .iter()
            .filter_map(|row| {
                let figure = self.of(row.name).find(|figure| figure.size == row.size)?;
                Some(json!({
                    "name": row.name,
                    "value": figure.value,
                    "reference": figure.reference,
                    "ratio": figure.ratio,
                    "unit": row.unit,
                    "must": row.bound.must(),
                    "reached": row.bound.is_reached(figure),
                    "quick": figure.quick,
                    "commit": figure.commit,
                    "date": figure.date,
                }))
            })
            .collect();
        format!("{:#}\n", json!({ "measures": measures }))
    }
}

fn path() -> PathBuf {
    stage::root().join("results.json")
}
