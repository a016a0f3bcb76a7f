//! Reading a message's structures: by element name, in any order, each at most once.
//!
//! Agents write the fields in schema order, other stacks do not; some write a structure's children
//! in another namespace than the contract's; newer agents send fields that no specification
//! names. So a field is found by its local name in any namespace of the protocol, unknown elements
//! are passed over, `xsi:nil` means absent, and the same element twice is an error, because two
//! readers of one request must never see two different values. The answers of an upstream server
//! are read in the same way.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::wire::operation::{MONITORABLE_NS, Service};
use crate::wire::time::DateTime;
use crate::wire::xml::{Cursor, XmlError};

/// Why the content of a request, or of an upstream server's answer, could not be read. Always the
/// doing of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The text is not the XML it should be, or exceeds a limit on the whole document.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// One parameter is wrong: the protocol's `InvalidParameters`.
    #[error("{parameter}: {problem}")]
    Parameter {
        /// The path of the parameter as the real server names it in a fault's Message:
        /// `parameters.InstalledNonLeafUpdateIDs`.
        parameter: String,
        /// What is wrong with it.
        problem: Problem,
    },
}

/// What is wrong with a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The element occurs twice.
    #[error("given twice")]
    Duplicate,
    /// An element without which its structure means nothing is absent.
    #[error("missing")]
    Missing,
    /// A list has more entries than are read.
    #[error("more than {0} entries")]
    TooMany(usize),
    /// A text is longer than is read, in bytes.
    #[error("longer than {0} bytes")]
    TooLong(usize),
    /// A text is not a value of its type.
    #[error("'{value}' is not a valid {expected}")]
    Value {
        /// The text, cut to 64 characters.
        value: String,
        /// The type.
        expected: &'static str,
    },
}

impl RequestError {
    /// The path of the parameter at fault, for the Message of an `InvalidParameters` fault.
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::Parameter { parameter, .. } => Some(parameter),
            Self::Xml(_) => None,
        }
    }

    pub(crate) fn new(problem: Problem) -> Self {
        Self::Parameter { parameter: String::new(), problem }
    }

    pub(crate) fn value(text: &str, expected: &'static str) -> Self {
        Self::new(Problem::Value { value: text.chars().take(64).collect(), expected })
    }

    /// The same error as seen from the structure that holds `field`.
    pub(crate) fn within(self, field: &str) -> Self {
        match self {
            Self::Parameter { parameter, problem } if parameter.is_empty() => {
                Self::Parameter { parameter: field.to_owned(), problem }
            }
            Self::Parameter { parameter, problem } => {
                Self::Parameter { parameter: format!("{field}.{parameter}"), problem }
            }
            Self::Xml(error) => Self::Xml(error),
        }
    }
}

/// Bytes of a text that are read unless its field says otherwise. The longest recorded is a
/// `DeviceAttributes` of 2 KiB; a list of event 156 with 312 updates takes 11.5 KiB, so this holds
/// one of 1,700.
pub const STRING: usize = 64 * 1024;

/// Declares a structure of a request and how it is read.
///
/// Every field is an `Option`: what the specification demands is for the operation to check,
/// since each absence has its own fault. A line reads
/// `field: Type = "ElementName" => reader`, where the reader takes the cursor on that element.
macro_rules! request_structure {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(<$life:lifetime>)? {
            $(
                $(#[$field_meta:meta])*
                $field:ident: $type:ty = $($element:literal)|+ => $reader:expr,
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        $vis struct $name $(<$life>)? {
            $( $(#[$field_meta])* $vis $field: Option<$type>, )*
        }

        impl<'text $(, $life)?> $crate::wire::soap::read::Structure<'text> for $name $(<$life>)?
        where
            $('text: $life,)?
        {
            fn read(
                cursor: &mut $crate::wire::xml::Cursor<'text>,
            ) -> Result<Self, $crate::wire::soap::read::RequestError> {
                use $crate::wire::soap::read::{Problem, RequestError, next_field};
                const FIELDS: &[&str] = &[$($($element),+),*];
                let mut structure = Self::default();
                while let Some(field) = next_field(cursor, FIELDS)? {
                    match field {
                        $(
                            $($element)|+ => {
                                if structure.$field.is_some() {
                                    return Err(RequestError::new(Problem::Duplicate).within(field));
                                }
                                let value = ($reader)(cursor).map_err(|e| e.within(field))?;
                                structure.$field = Some(value);
                            }
                        )*
                        _ => {}
                    }
                }
                Ok(structure)
            }
        }
    };
}
pub(crate) use request_structure;

/// A structure that can be read from the element the cursor stepped onto last.
pub trait Structure<'a>: Sized {
    /// Reads the structure's children, up to the end of its element.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, RequestError>;
}

/// Steps onto the next child that is one of `names` and not nil, and says which.
pub(crate) fn next_field(
    cursor: &mut Cursor<'_>,
    names: &[&'static str],
) -> Result<Option<&'static str>, RequestError> {
    while cursor.enter_child()? {
        let local = cursor.local();
        let name = names.iter().copied().find(|name| *name == local);
        match name.filter(|_| is_protocol_namespace(cursor.namespace())) {
            Some(name) if !cursor.is_nil() => return Ok(Some(name)),
            Some(_) => {}
            None => note_unknown(cursor.local()),
        }
        cursor.skip()?;
    }
    Ok(None)
}

/// The namespaces in which peers were seen to write fields: the services' own (zeep writes a
/// `Cookie` passed on to the reporting service in the client service's), those of `guid` and of
/// Ping, and none (encoded messages).
fn is_protocol_namespace(namespace: &str) -> bool {
    namespace.is_empty()
        || namespace == "http://microsoft.com/wsdl/types/"
        || namespace == MONITORABLE_NS
        || Service::ALL.iter().any(|service| service.namespace() == namespace)
}

/// Reads a list of elements called one of `items`. Its length is never taken from the request
/// (`soapenc:arrayType`), and the entry after the `cap`th is an error.
pub(crate) fn list<'a, T>(
    items: &'static [&'static str],
    cap: usize,
    read: impl Fn(&mut Cursor<'a>) -> Result<T, RequestError>,
) -> impl FnOnce(&mut Cursor<'a>) -> Result<Vec<T>, RequestError> {
    move |cursor| {
        let mut list = Vec::new();
        while next_field(cursor, items)?.is_some() {
            if list.len() >= cap {
                return Err(RequestError::new(Problem::TooMany(cap)));
            }
            list.push(read(cursor)?);
        }
        Ok(list)
    }
}

/// Reads a text of at most [`STRING`] bytes.
pub(crate) fn text<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, RequestError> {
    text_up_to(cursor, STRING)
}

/// Reads a text of at most `cap` bytes.
pub(crate) fn text_up_to<'a>(
    cursor: &mut Cursor<'a>,
    cap: usize,
) -> Result<Cow<'a, str>, RequestError> {
    let text = cursor.text()?;
    if text.len() > cap { Err(RequestError::new(Problem::TooLong(cap))) } else { Ok(text) }
}

/// Reads an `xs:int`, and the `xs:short` and `xs:unsignedByte` fields too: a newer agent's number
/// that outgrew its type must not stop it from registering.
pub(crate) fn int(cursor: &mut Cursor<'_>) -> Result<i32, RequestError> {
    parsed(cursor, "int")
}

/// Reads an `xs:long`.
pub(crate) fn long(cursor: &mut Cursor<'_>) -> Result<i64, RequestError> {
    parsed(cursor, "long")
}

/// Reads an `xs:unsignedByte`.
pub(crate) fn unsigned_byte(cursor: &mut Cursor<'_>) -> Result<u8, RequestError> {
    parsed(cursor, "unsignedByte")
}

/// Reads an HRESULT: an `xs:int` by its type, but some writers forget that its top bit is a sign.
pub(crate) fn hresult(cursor: &mut Cursor<'_>) -> Result<i32, RequestError> {
    let text = text(cursor)?;
    let unsigned = || text.trim().parse::<u32>().map(|code| i32::from_ne_bytes(code.to_ne_bytes()));
    text.trim().parse().or_else(|_| unsigned()).map_err(|_| RequestError::value(&text, "int"))
}

/// Reads an `xs:boolean`.
pub(crate) fn boolean(cursor: &mut Cursor<'_>) -> Result<bool, RequestError> {
    parse_boolean(&text(cursor)?)
}

/// Reads the text of an `xs:boolean`.
pub(super) fn parse_boolean(text: &str) -> Result<bool, RequestError> {
    match text.trim() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(RequestError::value(text, "boolean")),
    }
}

/// Reads an `xs:dateTime`.
pub(crate) fn date_time(cursor: &mut Cursor<'_>) -> Result<DateTime, RequestError> {
    parsed(cursor, "dateTime")
}

/// Reads a GUID in any letter case, with or without braces.
pub(crate) fn guid(cursor: &mut Cursor<'_>) -> Result<Uuid, RequestError> {
    parse_guid(&text(cursor)?)
}

/// Reads the text of a GUID.
pub(super) fn parse_guid(text: &str) -> Result<Uuid, RequestError> {
    let bare = text.trim();
    let bare = bare.strip_prefix('{').and_then(|it| it.strip_suffix('}')).unwrap_or(bare);
    match bare.len() {
        36 => Uuid::try_parse(bare).map_err(|_| RequestError::value(text, "guid")),
        _ => Err(RequestError::value(text, "guid")),
    }
}

/// Reads an `xs:base64Binary`, with white space anywhere, of at most `cap` bytes decoded.
pub(crate) fn base64(cursor: &mut Cursor<'_>, cap: usize) -> Result<Vec<u8>, RequestError> {
    let text = cursor.text()?;
    let mut packed = Cow::Borrowed(text.trim().as_bytes());
    if packed.iter().any(u8::is_ascii_whitespace) {
        packed.to_mut().retain(|byte| !byte.is_ascii_whitespace());
    }
    if packed.len().div_ceil(4) > cap.div_ceil(3) {
        return Err(RequestError::new(Problem::TooLong(cap)));
    }
    match STANDARD.decode(&packed) {
        Ok(bytes) if bytes.len() > cap => Err(RequestError::new(Problem::TooLong(cap))),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(RequestError::value(&text, "base64Binary")),
    }
}

/// The field's value, or the error that `field` is missing.
pub(crate) fn required<T>(value: Option<T>, field: &str) -> Result<T, RequestError> {
    value.ok_or_else(|| RequestError::new(Problem::Missing).within(field))
}

fn parsed<T: std::str::FromStr>(
    cursor: &mut Cursor<'_>,
    expected: &'static str,
) -> Result<T, RequestError> {
    parse(&text(cursor)?, expected)
}

/// Reads the text of a value of the type `expected`.
pub(super) fn parse<T: std::str::FromStr>(
    text: &str,
    expected: &'static str,
) -> Result<T, RequestError> {
    text.trim().parse().map_err(|_| RequestError::value(text, expected))
}

#[cfg(not(test))]
pub(crate) fn note_unknown(_: &str) {}

/// In tests, remembers what was passed over: the test of the contract demands that nothing it
/// declares is.
#[cfg(test)]
pub(crate) fn note_unknown(name: &str) {
    UNKNOWN.with_borrow_mut(|unknown| unknown.push(name.to_owned()));
}

#[cfg(test)]
thread_local! {
    pub(crate) static UNKNOWN: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::xml::Limits;

    fn read<T>(
        text: &str,
        read: impl FnOnce(&mut Cursor<'_>) -> Result<T, RequestError>,
    ) -> Result<T, RequestError> {
        let document = format!("<v>{text}</v>");
        let mut cursor = Cursor::new(&document, Limits::REQUEST);
        assert!(cursor.enter_child().expect("an element"));
        read(&mut cursor)
    }

    #[test]
    fn a_guid_is_read_in_either_case_and_with_braces() {
        let expected = Uuid::from_u128(0x6964aab4_c5b5_43bd_a17d_ffb4346a8e1d);
        for text in
            ["6964aab4-c5b5-43bd-a17d-ffb4346a8e1d", " {6964AAB4-C5B5-43BD-A17D-FFB4346A8E1D}\n"]
        {
            assert_eq!(read(text, guid), Ok(expected), "{text}");
        }
        for text in
            ["", "6964aab4c5b543bda17dffb4346a8e1d", "{6964aab4-c5b5-43bd-a17d-ffb4346a8e1d"]
        {
            assert!(read(text, guid).is_err(), "{text}");
        }
    }

    #[test]
    fn an_hresult_is_the_same_number_with_and_without_its_sign() {
        assert_eq!(read("-2145099769", hresult), Ok(-2_145_099_769));
        assert_eq!(read("2149867527", hresult), Ok(-2_145_099_769));
        assert_eq!(read("2359301", hresult), Ok(0x0024_0005));
        assert!(read("4294967296", hresult).is_err());
    }

    #[test]
    fn base64_is_read_with_white_space_in_it_and_up_to_its_cap() {
        let four = |cursor: &mut Cursor<'_>| base64(cursor, 4);
        assert_eq!(read("\r\n AAEC\n AwQ = ", |it| base64(it, 5)), Ok(vec![0, 1, 2, 3, 4]));
        assert_eq!(read("", four), Ok(Vec::new()));
        assert_eq!(read("AAECAw==", four), Ok(vec![0, 1, 2, 3]));
        assert_eq!(read("AAECAwQFBgc=", four), Err(RequestError::new(Problem::TooLong(4))));
        assert_eq!(read("AAECAwQ=", four), Err(RequestError::new(Problem::TooLong(4))));
        assert!(read("AAECAw", four).is_err());
    }

    #[test]
    fn a_boolean_is_a_word_or_a_digit() {
        for (text, value) in [("true", true), ("1", true), (" false ", false), ("0", false)] {
            assert_eq!(read(text, boolean), Ok(value));
        }
        assert!(read("True", boolean).is_err());
    }
}
