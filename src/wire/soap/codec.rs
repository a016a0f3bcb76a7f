//! How one field of a message is read and written, both directions side by side.
//!
//! Between servers this server is on either end: it reads the requests of downstream servers and
//! writes its own to the upstream server. One structure serves both, so that what this server
//! writes is what it would read; [`super::message_structure`] makes structures from codecs.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::body::Prepared;
use crate::wire::time::DateTime;
use crate::wire::xml::Cursor;

use super::message::Written;
use super::read::{
    self, Problem, RequestError, STRING, Structure, next_field, parse, parse_boolean, parse_guid,
    text_up_to,
};
use super::write::Writer;

/// Reads and writes an element that holds a `T`.
pub(crate) trait Codec<'a, T> {
    /// Reads the element that the cursor stepped onto last.
    fn read(&self, cursor: &mut Cursor<'a>) -> Result<T, RequestError>;

    /// Writes the element `name`.
    fn write(&self, out: &mut Writer<'_>, name: &str, value: &T);
}

/// A value that is one short text, and can therefore be an attribute too.
pub(crate) trait Simple<'a> {
    /// What the text means.
    type Value;

    /// Reads the text.
    fn parse(&self, text: Cow<'a, str>) -> Result<Self::Value, RequestError>;

    /// The text, not escaped.
    fn format<'v>(&self, value: &'v Self::Value) -> Cow<'v, str>;
}

impl<'a, C: Simple<'a>> Codec<'a, C::Value> for C {
    fn read(&self, cursor: &mut Cursor<'a>) -> Result<C::Value, RequestError> {
        self.parse(read::text(cursor)?)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str, value: &C::Value) {
        out.text(name, &self.format(value));
    }
}

/// An `xs:string` of at most [`STRING`] bytes.
pub(crate) struct Text;

impl<'a> Simple<'a> for Text {
    type Value = Cow<'a, str>;

    fn parse(&self, text: Cow<'a, str>) -> Result<Self::Value, RequestError> {
        if text.len() > STRING {
            Err(RequestError::new(Problem::TooLong(STRING)))
        } else {
            Ok(text)
        }
    }

    fn format<'v>(&self, value: &'v Self::Value) -> Cow<'v, str> {
        Cow::Borrowed(value)
    }
}

/// An `xs:int`, `xs:short` or `xs:unsignedByte`.
pub(crate) struct Int;

impl<'a> Simple<'a> for Int {
    type Value = i32;

    fn parse(&self, text: Cow<'a, str>) -> Result<i32, RequestError> {
        parse(&text, "int")
    }

    fn format<'v>(&self, value: &'v i32) -> Cow<'v, str> {
        Cow::Owned(value.to_string())
    }
}

/// An `xs:boolean`.
pub(crate) struct Boolean;

impl<'a> Simple<'a> for Boolean {
    type Value = bool;

    fn parse(&self, text: Cow<'a, str>) -> Result<bool, RequestError> {
        parse_boolean(&text)
    }

    fn format<'v>(&self, value: &'v bool) -> Cow<'v, str> {
        Cow::Borrowed(if *value { "true" } else { "false" })
    }
}

/// An `xs:dateTime`. The last instant of .NET, which stands for "never", is written without a zone
/// as .NET writes it: with one, a receiver that converts it to its own zone leaves the year 9999.
pub(crate) struct Time;

impl<'a> Simple<'a> for Time {
    type Value = DateTime;

    fn parse(&self, text: Cow<'a, str>) -> Result<DateTime, RequestError> {
        parse(&text, "dateTime")
    }

    fn format<'v>(&self, value: &'v DateTime) -> Cow<'v, str> {
        if *value == DateTime::NEVER {
            return Cow::Borrowed("9999-12-31T23:59:59.9999999");
        }
        Cow::Owned(value.to_string())
    }
}

/// A GUID.
pub(crate) struct Guid;

impl<'a> Simple<'a> for Guid {
    type Value = Uuid;

    fn parse(&self, text: Cow<'a, str>) -> Result<Uuid, RequestError> {
        parse_guid(&text)
    }

    fn format<'v>(&self, value: &'v Uuid) -> Cow<'v, str> {
        Cow::Owned(value.to_string())
    }
}

/// An `xs:string` of at most so many bytes, where [`STRING`] is not enough.
pub(crate) struct LongText(pub(crate) usize);

impl<'a> Codec<'a, Cow<'a, str>> for LongText {
    fn read(&self, cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, RequestError> {
        text_up_to(cursor, self.0)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str, value: &Cow<'a, str>) {
        out.text(name, value);
    }
}

/// An `xs:base64Binary` of at most so many bytes.
pub(crate) struct Base64(pub(crate) usize);

impl Codec<'_, Vec<u8>> for Base64 {
    fn read(&self, cursor: &mut Cursor<'_>) -> Result<Vec<u8>, RequestError> {
        read::base64(cursor, self.0)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str, value: &Vec<u8>) {
        out.base64(name, value);
    }
}

/// A structure.
pub(crate) struct Nested;

impl<'a, T: Structure<'a> + Written> Codec<'a, T> for Nested {
    fn read(&self, cursor: &mut Cursor<'a>) -> Result<T, RequestError> {
        T::read(cursor)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str, value: &T) {
        let attributes = value.attributes();
        let attributes: Vec<_> = attributes.iter().map(|(name, text)| (*name, &**text)).collect();
        out.element_with(name, &attributes, |out| value.write_fields(out));
    }
}

/// A list of elements of one name, at most so many. Written even when it is empty: absent and
/// empty differ between servers.
pub(crate) struct List<C>(pub(crate) &'static str, pub(crate) usize, pub(crate) C);

impl<'a, T, C: Codec<'a, T>> Codec<'a, Vec<T>> for List<C> {
    fn read(&self, cursor: &mut Cursor<'a>) -> Result<Vec<T>, RequestError> {
        let Self(item, cap, codec) = self;
        let mut list = Vec::new();
        while next_field(cursor, &[*item])?.is_some() {
            if list.len() >= *cap {
                return Err(RequestError::new(Problem::TooMany(*cap)));
            }
            list.push(codec.read(cursor)?);
        }
        Ok(list)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str, value: &Vec<T>) {
        let Self(item, _, codec) = self;
        out.element(name, |out| value.iter().for_each(|it| codec.write(out, item, it)));
    }
}

/// An element's content: a value, or what was written of one ready for the wire.
///
/// What is large and the same for every downstream server is written once and then shared. Reading
/// always gives the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<T> {
    /// The value.
    Value(T),
    /// The element's content.
    Prepared(Prepared),
}

/// A field whose content may be [`Content::Prepared`].
pub(crate) struct OrPrepared<C>(pub(crate) C);

impl<'a, T, C: Codec<'a, T>> Codec<'a, Content<T>> for OrPrepared<C> {
    fn read(&self, cursor: &mut Cursor<'a>) -> Result<Content<T>, RequestError> {
        self.0.read(cursor).map(Content::Value)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str, value: &Content<T>) {
        match value {
            Content::Value(value) => self.0.write(out, name, value),
            Content::Prepared(prepared) => out.prepared(name, prepared),
        }
    }
}
