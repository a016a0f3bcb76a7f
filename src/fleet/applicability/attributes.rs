//! The attributes of a rule, read into the types of its schema.
//!
//! A rule whose attributes do not fit is treated like one of an unknown kind: it decides nothing,
//! and it is reported. The rest of the fragment stays usable.

use std::str::FromStr;

use uuid::Uuid;

use super::comparison::{Comparison, TextComparison};
use crate::wire::xml::{Attribute, Element};

/// Which attribute is missing or not of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit(pub(super) &'static str);

/// The attributes of one element.
pub(super) struct Attributes<'e>(Vec<Attribute<'e>>);

impl<'e> Attributes<'e> {
    pub(super) fn of(element: &'e Element<'_>) -> Self {
        // A start tag is checked when it is read.
        Self(element.attributes().filter_map(Result::ok).collect())
    }

    /// The text of an attribute, if it is there.
    pub(super) fn text(&self, name: &'static str) -> Option<&str> {
        self.0.iter().find(|attribute| attribute.name == name).map(|attribute| &*attribute.value)
    }

    /// The text of an attribute that has to be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Unfit> {
        self.text(name).ok_or(Unfit(name))
    }

    /// A name that Windows finds in any case: in lower case.
    pub(super) fn name(&self, name: &'static str) -> Result<Box<str>, Unfit> {
        Ok(self.required(name)?.to_lowercase().into())
    }

    /// A number or a version, if the attribute is there.
    pub(super) fn perhaps<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, Unfit> {
        let parse = |text: &str| text.trim().parse().map_err(|_| Unfit(name));
        self.text(name).map(parse).transpose()
    }

    /// A number or a version.
    pub(super) fn value<T: FromStr>(&self, name: &'static str) -> Result<T, Unfit> {
        self.perhaps(name)?.ok_or(Unfit(name))
    }

    /// A GUID, in braces or not.
    pub(super) fn guid(&self, name: &'static str) -> Result<Uuid, Unfit> {
        Uuid::try_parse(self.required(name)?.trim()).map_err(|_| Unfit(name))
    }

    /// An `xs:boolean`; absent means false.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Unfit> {
        match self.text(name).map(str::trim) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Unfit(name)),
        }
    }

    /// `Comparison` of numbers.
    pub(super) fn comparison(&self) -> Result<Comparison, Unfit> {
        Comparison::named(self.required("Comparison")?.trim()).ok_or(Unfit("Comparison"))
    }

    /// `Comparison` of texts.
    pub(super) fn text_comparison(&self) -> Result<TextComparison, Unfit> {
        TextComparison::named(self.required("Comparison")?.trim()).ok_or(Unfit("Comparison"))
    }
}
