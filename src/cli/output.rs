//! Results on standard output: JSON for programs, tables for people.

use std::io::Write;

use serde::Serialize;
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
        result: &impl Serialize,
        table: impl FnOnce(&Value) -> String,
    ) -> Result<(), CliError> {
        let value = serde_json::to_value(result).map_err(|error| super::failed(&error))?;
        match self.json {
            true => write_out(&format!("{}\n", harmless_json(&format!("{value:#}")))),
            false => write_out(&table(&value)),
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

/// JSON text in which what [`deceives`] is written as its number, which programs read the same.
pub(super) fn harmless_json(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => harmless.push(c),
            c if deceives(c) => harmless.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => harmless.push(c),
        }
    }
    harmless
}

/// A value as one cell: texts bare, lists joined.
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
    printable(&text)
}

/// The text without what a computer or a publisher may have put into a name to rewrite an
/// administrator's terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if deceives(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Whether a terminal obeys the character instead of showing it: control characters, other line
/// ends, and marks that turn the direction of writing. All of them have four hexadecimal digits.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAME: &str = "pc\u{1b}[2J\u{9b}m\r\n\u{202e}exe\u{2069}";

    #[test]
    fn a_cell_is_one_harmless_line() {
        let cell = cell(&json!({ "name": [NAME, NAME] }));
        assert!(!cell.chars().any(deceives), "{cell:?}");
        assert!(cell.starts_with("name pc\u{fffd}[2J\u{fffd}m"), "{cell}");
    }

    #[test]
    fn json_is_harmless_and_says_the_same() {
        let value = json!({ NAME: NAME, "\u{e9}": 1 });
        let text = harmless_json(&format!("{value:#}"));
        assert!(!text.chars().any(|c| c != '\n' && deceives(c)), "{text:?}");
        assert!(text.contains("\u{e9}"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }
}
