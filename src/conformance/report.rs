//! What a replay found: for scripts as JSON, for people as a table.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::compare::{Difference, Freedom, Verdict};

/// The verdict on one exchange.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExchangeReport {
    /// Folder name in the dialogue.
    pub name: String,
    /// The operation, or method and path.
    pub operation: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The freedoms that the server used.
    pub freedoms: BTreeSet<Freedom>,
    /// For [`Verdict::Different`], the first difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// Milliseconds from sending the request to the end of the answer.
    pub ms: f64,
}

/// The verdicts on a dialogue.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ReplayReport {
    /// One entry an exchange, in the order in which they were sent.
    pub exchanges: Vec<ExchangeReport>,
    /// How many are equal.
    pub equal: usize,
    /// How many are equivalent.
    pub equivalent: usize,
    /// How many are different.
    pub different: usize,
    /// How many were accepted and have no recorded answer.
    pub unjudged: usize,
}

impl ReplayReport {
    /// Adds the verdict on the next exchange.
    pub fn push(&mut self, exchange: ExchangeReport) {
        let count = match exchange.verdict {
            Verdict::Equal => &mut self.equal,
            Verdict::Equivalent => &mut self.equivalent,
            Verdict::Different => &mut self.different,
            Verdict::Unjudged => &mut self.unjudged,
        };
        *count += 1;
        self.exchanges.push(exchange);
    }

    /// Whether nothing differs in what a client would notice.
    pub fn passed(&self) -> bool {
        self.different == 0
    }
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: fn(&ExchangeReport) -> &str| {
            self.exchanges.iter().map(|exchange| text(exchange).chars().count()).max().unwrap_or(0)
        };
        let (name, operation) = (width(|e| &e.name), width(|e| &e.operation));
        for exchange in &self.exchanges {
            let verdict = match exchange.verdict {
                Verdict::Equal => "equal",
                Verdict::Equivalent => "equivalent",
                Verdict::Different => "DIFFERENT",
                Verdict::Unjudged => "unjudged",
            };
            write!(
                f,
                "{:name$}  {:operation$}  {verdict:10}  {:9.1} ms",
                exchange.name, exchange.operation, exchange.ms
            )?;
            for freedom in &exchange.freedoms {
                write!(f, "  {freedom:?}")?;
            }
            writeln!(f)?;
            if let Some(Difference { path, recorded, got, why }) = &exchange.difference {
                writeln!(f, "    at       {path}: {why}")?;
                for (label, value) in [("recorded", recorded), ("got", got)] {
                    if let Some(value) = value {
                        writeln!(f, "    {label:8} {value}")?;
                    }
                }
            }
        }
        let Self { equal, equivalent, different, unjudged, .. } = self;
        write!(f, "{equal} equal, {equivalent} equivalent, {different} different")?;
        if *unjudged > 0 {
            write!(f, ", {unjudged} unjudged (no recorded answer)")?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> ReplayReport {
        let mut report = ReplayReport::default();
        let equal = ExchangeReport {
            name: "000001".into(),
            operation: "GetConfig".into(),
            verdict: Verdict::Equivalent,
            freedoms: BTreeSet::from([Freedom::LastChange]),
            difference: None,
            ms: 1.25,
        };
        let lost = Difference::new("/Envelope/Body", Some("Body"), None, "the element is missing");
        report.push(ExchangeReport {
            name: "000002".into(),
            operation: "SyncUpdates".into(),
            verdict: Verdict::Different,
            freedoms: BTreeSet::new(),
            difference: Some(lost),
            ..equal.clone()
        });
        report.push(equal);
        report
    }

    #[test]
    fn people_read_a_table() {
        let expected = "000002  SyncUpdates  DIFFERENT         1.2 ms\n    at       \
             /Envelope/Body: the element is missing\n    recorded Body\n\
             000001  GetConfig    equivalent        1.2 ms  LastChange\n\
             0 equal, 1 equivalent, 1 different\n";
        assert_eq!(report().to_string(), expected);
        assert!(!report().passed());
    }

    #[test]
    fn scripts_read_json() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["different"], 1);
        assert_eq!(json["exchanges"][0]["verdict"], "different");
        assert_eq!(json["exchanges"][0]["difference"]["got"], serde_json::Value::Null);
        assert_eq!(json["exchanges"][1]["freedoms"][0], "last-change");
    }
}
