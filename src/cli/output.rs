//! Results on standard output: JSON for programs, tables for people.

use std::io::Write;

use serde_json::Value;

use super::CliError;

/// How results are printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// As JSON.
    pub(super) json: bool,
}

impl Output {
    /// Prints JSON, or else what `table` makes of it.
    pub(super) fn print(
        self,
        value: &Value,
        table: impl FnOnce(&Value) -> String,
    ) -> Result<(), CliError> {
        match self.json {
            true => write_out(&format!("{value:#}\n")),
            false => write_out(&table(value)),
        }
    }
}

/// Writes text exactly. A reader that closed the pipe is no error of ours.
pub(super) fn write_out(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::Failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A table with aligned columns.
pub(super) fn table(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(headings.to_vec());
    for row in &rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

/// A value as one cell: texts bare, lists joined. Control characters, which a computer may have put
/// into its name to rewrite an administrator's terminal, are replaced.
pub(super) fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} {}", cell(value)));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// All fields of an object, one a line; lists of objects indented below their name.
pub(super) fn fields(value: &Value) -> String {
    let Value::Object(fields) = value else { return format!("{}\n", cell(value)) };
    let mut text = String::new();
    for (name, value) in fields {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                text.push_str(&format!("{name}:\n"));
                for item in items {
                    text.push_str(&format!("  {}\n", cell(item)));
                }
            }
            value => text.push_str(&format!("{name}: {}\n", cell(value))),
        }
    }
    text
}
