//! The rows of the table: what is measured, and what has to be reached.

use std::fmt::{self, Write};

use crate::options::Size;
use crate::results::{Figure, Results};

/// One run that brings the figures of one or more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Measure {
    /// Rescans that find nothing new, with about 1,400 or about 10,000 ids.
    Rescan {
        /// Whether there are 10,000.
        long: bool,
        /// Whether over TLS.
        tls: bool,
        /// Whether no request is like the one before, so that each has to be read.
        read: bool,
    },
    /// The first scan of one computer.
    FirstScan,
    /// A computer asks for drivers of all its devices.
    DriverPass,
    /// Everybody rescans on a connection of their own.
    Storm,
    /// Memory, idle and while many scan for the first time.
    Memory,
    /// Import into an empty store.
    Import,
    /// A server that has nothing synchronises with one that has all.
    Sync,
    /// A server asks what there is.
    RevisionList,
    /// From the start to the first answer.
    Start,
    /// Reports.
    Events,
    /// Superseded updates are deleted while computers scan.
    Delete,
    /// Counting and listing what many computers reported.
    Compliance {
        /// Whether they are a million, instead of as many as the options say.
        million: bool,
    },
    /// Downloads.
    Content {
        /// Whether over TLS.
        tls: bool,
    },
}

/// One row.
pub(crate) struct Row {
    /// Its name in JSON.
    pub(crate) name: &'static str,
    /// What it is, for people.
    pub(crate) text: &'static str,
    /// Unit of value and reference.
    pub(crate) unit: &'static str,
    /// The run that brings it.
    pub(crate) measure: Measure,
    /// The size at which it counts.
    pub(crate) size: Size,
    /// What is compared.
    pub(crate) bound: Bound,
}

/// What has to be reached, and what is aimed at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// So large a share of what a bare server does.
    Share(f64, f64),
    /// At least this value.
    AtLeast(f64, f64),
    /// At most this value.
    AtMost(f64, f64),
}

/// The table.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "rescan-1k-http",
        text: "rescan, nothing new, 94 installed and 1,367 cached ids",
        unit: "requests/s",
        measure: Measure::Rescan { long: false, tls: false, read: false },
        size: Size::Std,
        bound: Bound::Share(0.5, 0.8),
    },
    Row {
        name: "rescan-10k-http",
        text: "the same with 10,084 cached ids",
        unit: "requests/s",
        measure: Measure::Rescan { long: true, tls: false, read: false },
        size: Size::Std,
        bound: Bound::Share(0.35, 0.7),
    },
    Row {
        name: "rescan-1k-https",
        text: "the first over TLS",
        unit: "requests/s",
        measure: Measure::Rescan { long: false, tls: true, read: false },
        size: Size::Std,
        bound: Bound::Share(0.5, 0.8),
    },
    Row {
        name: "rescan-10k-https",
        text: "the second over TLS",
        unit: "requests/s",
        measure: Measure::Rescan { long: true, tls: true, read: false },
        size: Size::Std,
        bound: Bound::Share(0.35, 0.7),
    },
    Row {
        name: "rescan-read-http",
        text: "the first with two ids in another order each time, so that each request is read",
        unit: "requests/s",
        measure: Measure::Rescan { long: false, tls: false, read: true },
        size: Size::Std,
        bound: Bound::Share(0.5, 0.8),
    },
    Row {
        name: "first-scan-trips",
        text: "first scan by one agent: round trips",
        unit: "trips",
        measure: Measure::FirstScan,
        size: Size::Std,
        bound: Bound::AtMost(80.0, 40.0),
    },
    Row {
        name: "first-scan-cpu",
        text: "server CPU for that scan, xpress on",
        unit: "ms",
        measure: Measure::FirstScan,
        size: Size::Std,
        bound: Bound::AtMost(30.0, 10.0),
    },
    Row {
        name: "driver-pass",
        text: "driver pass of 75 devices against 97,000 drivers, until the answer is there",
        unit: "ms",
        measure: Measure::DriverPass,
        size: Size::Mu,
        bound: Bound::AtMost(10.0, 3.0),
    },
    Row {
        name: "driver-pass-cpu",
        text: "server CPU for that",
        unit: "ms",
        measure: Measure::DriverPass,
        size: Size::Mu,
        bound: Bound::AtMost(10.0, 3.0),
    },
    Row {
        name: "storm-time",
        text: "150,000 agents rescanning, each on a new TLS connection: time",
        unit: "s",
        measure: Measure::Storm,
        size: Size::Std,
        bound: Bound::AtMost(120.0, 60.0),
    },
    Row {
        name: "storm-failures",
        text: "of these, failed",
        unit: "agents",
        measure: Measure::Storm,
        size: Size::Std,
        bound: Bound::AtMost(0.0, 0.0),
    },
    Row {
        name: "storm-p99",
        text: "99 of 100 have their answer within",
        unit: "ms",
        measure: Measure::Storm,
        size: Size::Std,
        bound: Bound::AtMost(250.0, 50.0),
    },
    Row {
        name: "memory-idle",
        text: "resident memory, idle",
        unit: "MB",
        measure: Measure::Memory,
        size: Size::Wsusscn2,
        bound: Bound::AtMost(200.0, 120.0),
    },
    Row {
        name: "memory-scanning",
        text: "resident memory under 200 concurrent first scans",
        unit: "MB",
        measure: Measure::Memory,
        size: Size::Wsusscn2,
        bound: Bound::AtMost(350.0, 200.0),
    },
    Row {
        name: "import",
        text: "import into an empty store, durable",
        unit: "revisions/s",
        measure: Measure::Import,
        size: Size::Std,
        bound: Bound::AtLeast(4_000.0, 12_000.0),
    },
    Row {
        name: "sync",
        text: "a server synchronises with another on one machine, durable",
        unit: "revisions/s",
        measure: Measure::Sync,
        size: Size::Std,
        bound: Bound::AtLeast(3_000.0, 10_000.0),
    },
    Row {
        name: "sync-memory",
        text: "the most that the synchronising server had resident",
        unit: "MB",
        measure: Measure::Sync,
        size: Size::Std,
        bound: Bound::AtMost(400.0, 200.0),
    },
    Row {
        name: "revision-list",
        text: "GetRevisionIdList without a filter, first time",
        unit: "s",
        measure: Measure::RevisionList,
        size: Size::Wsusscn2,
        bound: Bound::AtMost(0.5, 0.1),
    },
    Row {
        name: "start",
        text: "start to first correct SyncUpdates answer",
        unit: "s",
        measure: Measure::Start,
        size: Size::Wsusscn2,
        bound: Bound::AtMost(1.5, 0.3),
    },
    Row {
        name: "events",
        text: "durable event batches (2 events, 40 GUIDs), 64 connections",
        unit: "batches/s",
        measure: Measure::Events,
        size: Size::Std,
        bound: Bound::AtLeast(4_000.0, 20_000.0),
    },
    Row {
        name: "delete-time",
        text: "20,000 superseded updates deleted while computers scan",
        unit: "s",
        measure: Measure::Delete,
        size: Size::Wsusscn2,
        bound: Bound::AtMost(20.0, 5.0),
    },
    Row {
        name: "delete-p99",
        text: "99 of 100 of these scans take so many times as long as before",
        unit: "times",
        measure: Measure::Delete,
        size: Size::Wsusscn2,
        bound: Bound::AtMost(2.0, 1.2),
    },
    Row {
        name: "compliance-start",
        text: "start with 100,000 computers with 500 updates each",
        unit: "s",
        measure: Measure::Compliance { million: false },
        size: Size::Std,
        bound: Bound::AtMost(12.0, 3.0),
    },
    Row {
        name: "compliance-memory",
        text: "memory with them, after reports on all",
        unit: "MB",
        measure: Measure::Compliance { million: false },
        size: Size::Std,
        bound: Bound::AtMost(800.0, 300.0),
    },
    Row {
        name: "compliance-count",
        text: "report on all updates, the 100 most needed",
        unit: "s",
        measure: Measure::Compliance { million: false },
        size: Size::Std,
        bound: Bound::AtMost(2.0, 0.5),
    },
    Row {
        name: "compliance-list",
        text: "report on all computers, first page, and sorted and filtered",
        unit: "s",
        measure: Measure::Compliance { million: false },
        size: Size::Std,
        bound: Bound::AtMost(3.0, 0.5),
    },
    Row {
        name: "million-start",
        text: "start with a million computers with 500 updates each",
        unit: "s",
        measure: Measure::Compliance { million: true },
        size: Size::Std,
        bound: Bound::AtMost(30.0, 10.0),
    },
    Row {
        name: "million-memory",
        text: "memory with them, after reports on all",
        unit: "MB",
        measure: Measure::Compliance { million: true },
        size: Size::Std,
        bound: Bound::AtMost(5_000.0, 3_000.0),
    },
    Row {
        name: "million-count",
        text: "report on all updates, the 100 most needed",
        unit: "s",
        measure: Measure::Compliance { million: true },
        size: Size::Std,
        bound: Bound::AtMost(2.0, 0.5),
    },
    Row {
        name: "million-list",
        text: "report on all computers, first page, and sorted and filtered",
        unit: "s",
        measure: Measure::Compliance { million: true },
        size: Size::Std,
        bound: Bound::AtMost(8.0, 1.0),
    },
    Row {
        name: "content-http",
        text: "content, 1 MiB ranges over HTTP",
        unit: "ranges/s",
        measure: Measure::Content { tls: false },
        size: Size::Std,
        bound: Bound::Share(0.7, 1.0),
    },
    Row {
        name: "content-https",
        text: "content, 1 MiB ranges over TLS",
        unit: "ranges/s",
        measure: Measure::Content { tls: true },
        size: Size::Std,
        bound: Bound::Share(0.7, 1.0),
    },
];

impl Measure {
    /// Whether it depends on the size of the catalogue.
    pub(crate) fn grows(self) -> bool {
        match self {
            Self::Rescan { .. }
            | Self::FirstScan
            | Self::Storm
            | Self::Memory
            | Self::Import
            | Self::Sync
            | Self::RevisionList
            | Self::Start
            | Self::Events
            | Self::Delete => true,
            // A file is a file, however many others there are, and so is a computer.
            Self::Content { .. } | Self::Compliance { .. } => false,
            // Of the sizes, one has that many drivers.
            Self::DriverPass => false,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = ROWS.iter().filter(|row| row.measure == *self);
        let names: Vec<&str> = rows.map(|row| row.name).collect();
        f.write_str(&names.join(", "))
    }
}

impl Bound {
    /// How near a figure comes: 1 or more is reached, whichever way the bound points. For a share
    /// this is the share itself.
    pub(crate) fn ratio(self, value: f64, reference: f64) -> f64 {
        match self {
            Self::Share(..) | Self::AtLeast(..) => value / reference,
            Self::AtMost(..) if value == 0.0 => 1.0,
            Self::AtMost(..) => reference / value,
        }
    }

    /// What a value is compared with when there is nothing to measure beside it.
    pub(crate) fn must(self) -> f64 {
        match self {
            Self::Share(must, _) | Self::AtLeast(must, _) | Self::AtMost(must, _) => must,
        }
    }

    /// Whether a figure is what it must be.
    pub(crate) fn is_reached(self, figure: &Figure) -> bool {
        match self {
            Self::Share(must, _) => figure.ratio >= must,
            Self::AtLeast(must, _) => figure.value >= must,
            Self::AtMost(must, _) => figure.value <= must,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(must, towards) => write!(f, "{must} → {towards} of it"),
            Self::AtLeast(must, towards) => {
                write!(f, "≥ {} → {}", number(*must), number(*towards))
            }
            Self::AtMost(must, towards) => write!(f, "≤ {} → {}", number(*must), number(*towards)),
        }
    }
}

/// The figures as text, one line each.
pub(crate) fn render(results: &Results) -> String {
    let mut text = format!(
        "{:<18} {:<9} {:>20} {:>12} {:>7}  {:<22} {:<8} {}\n",
        "MEASURE", "SIZE", "VALUE", "REFERENCE", "RATIO", "MUST → TOWARDS", "REACHED", "WHAT"
    );
    for row in ROWS {
        for figure in results.of(row.name) {
            let reached = match row.bound.is_reached(figure) {
                _ if figure.size != row.size => "",
                true => "yes",
                false => "no",
            };
            let value = format!("{} {}", number(figure.value), row.unit);
            let _ = writeln!(
                text,
                "{:<18} {:<9} {:>20} {:>12} {:>7.2}  {:<22} {:<8} {} ({})",
                row.name,
                figure.size.to_string(),
                value,
                number(figure.reference),
                figure.ratio,
                row.bound.to_string(),
                reached,
                row.text,
                figure.note
            );
        }
    }
    text
}

/// A number with as many digits as matter, and commas.
pub(crate) fn number(value: f64) -> String {
    if value < 10.0 && value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
