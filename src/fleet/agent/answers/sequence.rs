//! A sequence of elements, as a schema declares it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fleet::referee::{Complaint, Rule};
use crate::wire::types::Sha1;
use crate::wire::xml::{Cursor, XmlError};

/// An element of a sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    name: &'static str,
    is_required: bool,
}

/// One that has to be there.
pub(super) const fn required(name: &'static str) -> Field {
    Field { name, is_required: true }
}

/// One that may be there.
pub(super) const fn optional(name: &'static str) -> Field {
    Field { name, is_required: false }
}

/// Steps through the children of an element and holds them against the schema.
pub(super) struct Sequence {
    parent: &'static str,
    fields: &'static [Field],
    rule: Rule,
}

impl Sequence {
    /// The children of `parent`, which the cursor has stepped onto.
    pub(super) fn new(parent: &'static str, fields: &'static [Field]) -> Self {
        Self { parent, fields, rule: Rule::Contract }
    }

    /// The same, breaking another rule than that of contracts.
    pub(super) fn under(self, rule: Rule) -> Self {
        Self { rule, ..self }
    }

    /// Steps onto the next child and returns its name; none after the last.
    pub(super) fn next(
        &mut self,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<&'static str>, Complaint> {
        if !enter(cursor)? {
            self.pass(self.fields.len())?;
            return Ok(None);
        }
        let name = cursor.local();
        match self.fields.iter().position(|field| field.name == name) {
            Some(position) => {
                let field = self.fields[position].name;
                self.pass(position)?;
                self.fields = &self.fields[1..];
                Ok(Some(field))
            }
            None => {
                let what = format!("{}: {} is not expected here", self.parent, cut(name));
                Err(Complaint::new(self.rule, what))
            }
        }
    }

    /// Passes over the first `count` fields, none of which may be required.
    fn pass(&mut self, count: usize) -> Result<(), Complaint> {
        let (passed, left) = self.fields.split_at(count);
        self.fields = left;
        match passed.iter().find(|field| field.is_required) {
            None => Ok(()),
            Some(field) => {
                let what = format!("{}: {} is missing", self.parent, field.name);
                Err(Complaint::new(self.rule, what))
            }
        }
    }
}

/// Reads a list: every entry is called `entry`, and `read` reads it.
pub(super) fn list<'t>(
    cursor: &mut Cursor<'t>,
    parent: &'static str,
    entry: &'static str,
    mut read: impl FnMut(&mut Cursor<'t>) -> Result<(), Complaint>,
) -> Result<(), Complaint> {
    while enter(cursor)? {
        if cursor.local() != entry {
            let what = format!("{parent}: {} is not expected here", cut(cursor.local()));
            return Err(Complaint::new(Rule::Contract, what));
        }
        read(cursor)?;
    }
    Ok(())
}

/// The text of the element.
pub(super) fn text(cursor: &mut Cursor<'_>) -> Result<String, Complaint> {
    cursor.text().map(|text| text.into_owned()).map_err(broken)
}

/// Its text as a value.
pub(super) fn value<T: std::str::FromStr>(cursor: &mut Cursor<'_>) -> Result<T, Complaint> {
    let name = cursor.local().to_owned();
    let text = cursor.text().map_err(broken)?;
    text.parse().map_err(|_| bad_value(&name, &text))
}

/// Its text as a boolean, as servers write them.
pub(super) fn boolean(cursor: &mut Cursor<'_>) -> Result<bool, Complaint> {
    value(cursor)
}

/// Its text as a file's digest.
pub(super) fn sha1(cursor: &mut Cursor<'_>) -> Result<Sha1, Complaint> {
    let name = cursor.local().to_owned();
    let text = cursor.text().map_err(broken)?;
    let digest = STANDARD.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    digest.map(Sha1).ok_or_else(|| bad_value(&name, &text))
}

/// A list of revision ids.
pub(super) fn revision_ids(
    cursor: &mut Cursor<'_>,
    parent: &'static str,
) -> Result<Vec<u32>, Complaint> {
    let mut ids = Vec::new();
    list(cursor, parent, "int", |cursor| {
        ids.push(value(cursor)?);
        Ok(())
    })?;
    Ok(ids)
}

/// Passes over the element.
pub(super) fn skip(cursor: &mut Cursor<'_>) -> Result<(), Complaint> {
    cursor.skip().map_err(broken)
}

pub(super) fn bad_value(name: &str, text: &str) -> Complaint {
    Complaint::new(Rule::Value, format!("{}: '{}'", cut(name), cut(text)))
}

fn enter(cursor: &mut Cursor<'_>) -> Result<bool, Complaint> {
    cursor.enter_child().map_err(broken)
}

fn broken(error: XmlError) -> Complaint {
    Complaint::new(Rule::Envelope, error)
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}
