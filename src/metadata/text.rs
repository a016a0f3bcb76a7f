//! The text of a document, whatever it is encoded in.
//!
//! Publishers write UTF-8, exported catalogues are UTF-16 with a byte order mark, and the blobs
//! that travel between servers are UTF-16 without one. The bytes decide: an XML declaration that
//! names another encoding was true of some earlier copy of the file and is not believed. Nothing
//! is ever replaced by U+FFFD, because the fragments of a revision must be the same everywhere.

use super::error::DocumentError;

/// The two orders of the bytes of a UTF-16 unit.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// Decodes UTF-8 or UTF-16, with or without a byte order mark, which is not part of the result.
///
/// `limit` is the most bytes of input accepted; the result can be half as large again.
///
/// # Errors
/// [`DocumentError::TooLarge`], and [`DocumentError::Encoding`] for any invalid sequence.
pub fn decode_document(bytes: &[u8], limit: usize) -> Result<String, DocumentError> {
    if bytes.len() > limit {
        return Err(DocumentError::TooLarge { size: bytes.len(), limit });
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode_utf16(rest, 2, Order::Little),
        [0xfe, 0xff, rest @ ..] => decode_utf16(rest, 2, Order::Big),
        [0xef, 0xbb, 0xbf, rest @ ..] => decode_utf8(rest, 3),
        // XML starts with `<` or white space, and neither has a zero byte in UTF-8.
        [first, 0, ..] if *first != 0 => decode_utf16(bytes, 0, Order::Little),
        [0, second, ..] if *second != 0 => decode_utf16(bytes, 0, Order::Big),
        _ => decode_utf8(bytes, 0),
    }
}

fn decode_utf8(bytes: &[u8], mark: usize) -> Result<String, DocumentError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(DocumentError::Encoding {
            encoding: "UTF-8",
            position: mark.saturating_add(error.valid_up_to()),
        }),
    }
}

fn decode_utf16(bytes: &[u8], mark: usize, order: Order) -> Result<String, DocumentError> {
    let invalid = |unit: usize| DocumentError::Encoding {
        encoding: "UTF-16",
        position: unit.saturating_mul(2).saturating_add(mark),
    };
    let (pairs, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(invalid(pairs.len()));
    }
    let unit_of = |pair: &[u8; 2]| match order {
        Order::Little => u16::from_le_bytes(*pair),
        Order::Big => u16::from_be_bytes(*pair),
    };
    let mut text = Vec::with_capacity(bytes.len() / 2);
    let mut rest = pairs;
    while !rest.is_empty() {
        // Markup is ASCII, and so is most of what is between it: that goes over in runs.
        let ascii = rest.iter().take_while(|pair| unit_of(pair) < 0x80).count();
        let (run, others) = rest.split_at(ascii);
        text.extend(run.iter().map(|pair| unit_of(pair) as u8));
        let other = others.iter().take_while(|pair| unit_of(pair) >= 0x80).count();
        let (run, others) = others.split_at(other);
        let mut unit = pairs.len() - others.len() - other;
        for character in char::decode_utf16(run.iter().map(unit_of)) {
            let character = character.map_err(|_| invalid(unit))?;
            unit += character.len_utf16();
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        rest = others;
    }
    String::from_utf8(text).map_err(|_| invalid(0))
}

/// `text` in UTF-16, little-endian and without a byte order mark, as servers send it to each other.
pub fn encode_utf16(text: &str) -> Vec<u8> {
    let mut units = Vec::with_capacity(text.len() * 2);
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = rest.bytes().take_while(u8::is_ascii).count();
        let (run, others) = rest.split_at(ascii);
        units.extend(run.bytes().flat_map(|byte| [byte, 0]));
        let other = others.bytes().take_while(|byte| !byte.is_ascii()).count();
        let (run, others) = others.split_at(other);
        units.extend(run.encode_utf16().flat_map(u16::to_le_bytes));
        rest = others;
    }
    units
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn utf16(text: &str, order: Order) -> Vec<u8> {
        // One unit after the other, unlike what is tested.
        text.encode_utf16()
            .flat_map(|unit| match order {
                Order::Little => unit.to_le_bytes(),
                Order::Big => unit.to_be_bytes(),
            })
            .collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "<a>\u{e4}\u{65e5}\u{1f600}</a>";
        for order in [Order::Little, Order::Big] {
            let plain = utf16(text, order);
            assert_eq!(decode_document(&plain, LIMIT).as_deref(), Ok(text));
            let marked = utf16(&format!("\u{feff}{text}"), order);
            assert_eq!(decode_document(&marked, LIMIT).as_deref(), Ok(text));
        }
        assert_eq!(decode_document(text.as_bytes(), LIMIT).as_deref(), Ok(text));
        let marked = format!("\u{feff}{text}");
        assert_eq!(decode_document(marked.as_bytes(), LIMIT).as_deref(), Ok(text));
    }

    #[test]
    fn the_bytes_are_believed_and_not_the_declaration() {
        let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>\u{e4}</a>";
        assert_eq!(decode_document(text.as_bytes(), LIMIT).as_deref(), Ok(text));
        let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><a>\u{e4}</a>";
        assert_eq!(decode_document(&utf16(text, Order::Little), LIMIT).as_deref(), Ok(text));
    }

    #[test]
    fn invalid_sequences_are_named_by_position() {
        let refused = |bytes: &[u8]| decode_document(bytes, LIMIT).unwrap_err();
        let utf8 = |position| DocumentError::Encoding { encoding: "UTF-8", position };
        let utf16_error = |position| DocumentError::Encoding { encoding: "UTF-16", position };
        assert_eq!(refused(b"<a>\xe4</a>"), utf8(3));
        assert_eq!(refused(b"\xef\xbb\xbf<\xff"), utf8(4));
        assert_eq!(refused(b"\xff\xfe<\0\0\xd8>\0"), utf16_error(4));
        assert_eq!(refused(b"<\0a\0>"), utf16_error(4));
    }

    #[test]
    fn the_limit_is_checked_before_anything_is_decoded() {
        let refused = decode_document(b"<a/>", 3).unwrap_err();
        assert_eq!(refused, DocumentError::TooLarge { size: 4, limit: 3 });
    }

    proptest! {
        #[test]
        fn utf16_survives(text in "<[^\u{0}]{0,40}") {
            for order in [Order::Little, Order::Big] {
                prop_assert_eq!(&decode_document(&utf16(&text, order), LIMIT).unwrap(), &text);
            }
        }

        #[test]
        fn utf16_is_what_std_makes_of_it(text in "[a-z<>\u{e4}\u{65e5}\u{1f600}]{0,60}") {
            prop_assert_eq!(encode_utf16(&text), utf16(&text, Order::Little));
            let text = format!("<{text}");
            prop_assert_eq!(decode_document(&encode_utf16(&text), LIMIT), Ok(text));
        }

        #[test]
        fn units_are_decoded_and_refused_as_std_does(
            units in prop::collection::vec(
                prop_oneof![0x20..0x80_u16, 0xd7fe..0xe002_u16, any::<u16>()], 1..40)
        ) {
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let decoded = decode_utf16(&bytes, 0, Order::Little);
            prop_assert_eq!(decoded.ok(), String::from_utf16(&units).ok());
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(text) = decode_document(&bytes, LIMIT) {
                prop_assert!(text.len() <= bytes.len() * 3 / 2);
            }
        }
    }
}
