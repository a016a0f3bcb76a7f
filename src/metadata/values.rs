//! The simple types of the update schema: identifiers, numbers, flags, digests and dates.
//!
//! Places are named as `Element/@Attribute`; the part after `@` is the attribute that is read, so
//! that an error always names exactly what was looked at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use crate::wire::xml::Cursor;

use super::error::DocumentError;

/// The attribute at `place` of the element stepped onto last.
pub(super) fn attribute(
    cursor: &Cursor<'_>,
    place: &'static str,
) -> Result<Option<String>, DocumentError> {
    let name = place.rsplit_once('@').map_or(place, |(_, name)| name);
    match cursor.element() {
        Some(element) => Ok(element.attribute(name)?),
        None => Ok(None),
    }
}

/// [`attribute`], which must be there and hold more than white space.
pub(super) fn required(cursor: &Cursor<'_>, place: &'static str) -> Result<String, DocumentError> {
    match attribute(cursor, place)? {
        Some(value) if !value.trim().is_empty() => Ok(value),
        _ => Err(DocumentError::Missing(place)),
    }
}

/// A flag as `xs:boolean` writes it, in any case; absent means false.
pub(super) fn flag(cursor: &Cursor<'_>, place: &'static str) -> Result<bool, DocumentError> {
    let Some(value) = attribute(cursor, place)? else {
        return Ok(false);
    };
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(DocumentError::value(place, &value, "true or false")),
    }
}

/// A GUID in any case, with or without braces.
pub(super) fn guid(place: &'static str, text: &str) -> Result<Uuid, DocumentError> {
    Uuid::try_parse(text.trim()).map_err(|_| DocumentError::value(place, text, "a GUID"))
}

/// A decimal number of type `T`.
pub(super) fn number<T: std::str::FromStr>(
    place: &'static str,
    text: &str,
    expected: &'static str,
) -> Result<T, DocumentError> {
    text.trim().parse().map_err(|_| DocumentError::value(place, text, expected))
}

/// Base64 of exactly `N` bytes.
pub(super) fn digest<const N: usize>(
    place: &'static str,
    text: &str,
    expected: &'static str,
) -> Result<[u8; N], DocumentError> {
    STANDARD
        .decode(text.trim())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| DocumentError::value(place, text, expected))
}

/// Seconds since 1970 of a date with or without time and zone; no zone means UTC.
///
/// Dates inform and order, they decide nothing, so one that cannot be read is `None` and no reason
/// to refuse an update. Twenty years of publishers wrote them in all of these forms.
pub(crate) fn unix_time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(moment.unix_timestamp());
    }
    let to_second = text.split_once('.').map_or(text, |(whole, _)| whole);
    let local = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    if let Ok(moment) = PrimitiveDateTime::parse(to_second, local) {
        return Some(moment.assume_utc().unix_timestamp());
    }
    let year_first = format_description!("[year]-[month]-[day]");
    let month_first = format_description!("[month padding:none]/[day padding:none]/[year]");
    let day = text.split(['T', ' ', 'Z', '+']).next().unwrap_or(text);
    Date::parse(day, year_first)
        .or_else(|_| Date::parse(day, month_first))
        .ok()
        .map(|date| date.midnight().assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form_publishers_use() {
        for text in [
            "2006-06-21T00:00:00Z",
            "2006-06-21T00:00:00.000Z",
            "2006-06-21T02:00:00+02:00",
            "2006-06-21T00:00:00",
            "2006-06-21T00:00:00.1234567",
            "2006-06-21",
            "2006-06-21Z",
            "06/21/2006",
            "6/21/2006",
            " 2006-06-21 ",
        ] {
            assert_eq!(unix_time(text), Some(1_150_848_000), "{text}");
        }
        for text in ["", "yesterday", "2006-13-01", "21.06.2006", "-"] {
            assert_eq!(unix_time(text), None, "{text}");
        }
    }

    #[test]
    fn guids_are_read_with_braces_and_in_any_case() {
        let expected = guid("a/@b", "266f6222-c89d-43f2-9f8a-69340271e677").unwrap();
        for text in
            ["266F6222-C89D-43F2-9F8A-69340271E677", "{266f6222-c89d-43f2-9f8a-69340271E677}"]
        {
            assert_eq!(guid("a/@b", text), Ok(expected));
        }
        let refused = guid("UpdateIdentity/@UpdateID", "266f6222").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "UpdateIdentity/@UpdateID is '266f6222', which is not a GUID"
        );
    }
}
