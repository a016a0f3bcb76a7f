//! The form of a stored value, which must be readable by every later version of weir.
//!
//! A value is one byte of record version, four bytes of CRC-32 (little-endian, over the version and
//! the body) and the record in postcard. postcard carries no field names, so any change of a
//! record's fields is a new version: the old struct is kept as it was, and the new one names it as
//! [`Stored::Previous`] and says how to [migrate](Stored::migrate). Old values are then decoded as
//! what they are and walked forward step by step; they are rewritten only when they next change.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// Bytes before the body: version and CRC-32.
const HEADER: usize = 5;

/// A record that can be stored.
pub trait Stored: Serialize + DeserializeOwned {
    /// What the record is called in errors, for example `computer record`.
    const NAME: &'static str;
    /// From 1, and greater than that of [`Self::Previous`].
    const VERSION: u8;
    /// The shape before this one, [`NoPrevious`] for the first.
    type Previous: Stored;

    /// Makes this shape of the one before.
    fn migrate(previous: Self::Previous) -> Self;
}

/// What came before the first version: nothing, and no value of it exists.
#[derive(Debug, Serialize, Deserialize)]
pub enum NoPrevious {}

impl Stored for NoPrevious {
    const NAME: &'static str = "nothing";
    const VERSION: u8 = 0;
    type Previous = NoPrevious;

    fn migrate(previous: NoPrevious) -> Self {
        previous
    }
}

/// The bytes of `record` in its current version.
///
/// # Errors
/// [`StoreError::Unencodable`] when the record's `Serialize` refuses.
pub fn encode<T: Stored>(record: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![T::VERSION, 0, 0, 0, 0];
    postcard::to_io(record, &mut bytes)
        .map_err(|error| StoreError::Unencodable { record: T::NAME, reason: error.to_string() })?;
    let (header, body) = bytes.split_at_mut(HEADER);
    header[1..].copy_from_slice(&checksum(T::VERSION, body).to_le_bytes());
    Ok(bytes)
}

/// The record that `bytes` hold, whichever version wrote them.
///
/// # Errors
/// [`StoreError::Corrupt`] when the bytes are not those that were written,
/// [`StoreError::NewerFormat`] when a later version of weir wrote them.
pub fn decode<T: Stored>(bytes: &[u8]) -> Result<T, StoreError> {
    let [version, a, b, c, d, body @ ..] = bytes else {
        return Err(damaged::<T>("it is shorter than its header"));
    };
    // Before the version is believed: a flipped bit there would be mistaken for the future.
    if checksum(*version, body) != u32::from_le_bytes([*a, *b, *c, *d]) {
        return Err(damaged::<T>("its checksum does not match"));
    }
    if *version > T::VERSION {
        return Err(StoreError::NewerFormat {
            what: format!("a {}", T::NAME),
            found: format!("version {version}"),
            supported: format!("up to version {}", T::VERSION),
        });
    }
    decode_version(*version, body)
}

fn decode_version<T: Stored>(version: u8, body: &[u8]) -> Result<T, StoreError> {
    const {
        assert!(T::VERSION > T::Previous::VERSION || T::VERSION == NoPrevious::VERSION);
    }
    if version < T::VERSION {
        return decode_version(version, body).map(T::migrate);
    }
    if version > T::VERSION {
        return Err(damaged::<T>("its version was never written"));
    }
    match postcard::take_from_bytes(body) {
        Ok((record, [])) => Ok(record),
        Ok(_) => Err(damaged::<T>("it is longer than its version says")),
        Err(error) => Err(damaged::<T>(&error.to_string())),
    }
}

fn checksum(version: u8, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[version]);
    hasher.update(body);
    hasher.finalize()
}

fn damaged<T: Stored>(reason: &str) -> StoreError {
    StoreError::corrupt(format!("a {} cannot be read: {reason}", T::NAME))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    mod v1 {
        use super::*;

        #[derive(Debug, Serialize, Deserialize)]
        pub(super) struct Printer {
            pub(super) name: String,
        }

        impl Stored for Printer {
            const NAME: &'static str = "printer record";
            const VERSION: u8 = 1;
            type Previous = NoPrevious;

            fn migrate(previous: NoPrevious) -> Self {
                match previous {}
            }
        }
    }

    mod v3 {
        use super::*;

        #[derive(Debug, Serialize, Deserialize)]
        pub(super) struct Printer {
            pub(super) name: String,
            pub(super) pages: u32,
        }

        impl Stored for Printer {
            const NAME: &'static str = "printer record";
            const VERSION: u8 = 3;
            type Previous = v1::Printer;

            fn migrate(previous: v1::Printer) -> Self {
                Self { name: previous.name, pages: 0 }
            }
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Printer {
        model: String,
        pages: u64,
        seen: Option<Vec<u8>>,
    }

    impl Stored for Printer {
        const NAME: &'static str = "printer record";
        const VERSION: u8 = 4;
        type Previous = v3::Printer;

        fn migrate(previous: v3::Printer) -> Self {
            Self { model: previous.name, pages: previous.pages.into(), seen: None }
        }
    }

    /// `version` and `body` with a right checksum.
    fn bytes(version: u8, body: &[u8]) -> Vec<u8> {
        [&[version][..], &checksum(version, body).to_le_bytes(), body].concat()
    }

    fn reason(bytes: &[u8]) -> String {
        match decode::<Printer>(bytes) {
            Err(StoreError::Corrupt { what }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_bytes_are_fixed() {
        let record = v3::Printer { name: "HP".into(), pages: 300 };
        assert_eq!(encode(&record).unwrap(), b"\x03\xc6\x4c\x36\x93\x02HP\xac\x02");
    }

    #[test]
    fn every_old_version_is_walked_forward() {
        let first = encode(&v1::Printer { name: "old".into() }).unwrap();
        let expected = Printer { model: "old".into(), pages: 0, seen: None };
        assert_eq!(decode::<Printer>(&first).unwrap(), expected);

        let third = encode(&v3::Printer { name: "newer".into(), pages: 7 }).unwrap();
        let expected = Printer { model: "newer".into(), pages: 7, seen: None };
        assert_eq!(decode::<Printer>(&third).unwrap(), expected);
    }

    #[test]
    fn a_version_of_the_future_is_not_called_damage() {
        let error = decode::<Printer>(&bytes(5, b"whatever")).unwrap_err();
        let StoreError::NewerFormat { what, found, supported } = error else { panic!("{error}") };
        assert_eq!(what, "a printer record");
        assert_eq!((&found[..], &supported[..]), ("version 5", "up to version 4"));
    }

    #[test]
    fn versions_that_never_were_are_damage() {
        assert!(reason(&bytes(2, b"\x00")).ends_with("its version was never written"));
        assert!(matches!(decode::<Printer>(&bytes(0, b"")), Err(StoreError::Corrupt { .. })));
    }

    #[test]
    fn lengths_that_are_wrong_are_damage() {
        assert!(reason(b"\x01\0\0\0").ends_with("shorter than its header"));
        assert!(reason(&bytes(1, b"\x01a!")).ends_with("longer than its version says"));
        assert!(matches!(decode::<Printer>(&bytes(1, b"\x09a")), Err(StoreError::Corrupt { .. })));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            model in ".*",
            pages: u64,
            seen in prop::option::of(prop::collection::vec(any::<u8>(), 0..50)),
        ) {
            let record = Printer { model, pages, seen };
            prop_assert_eq!(decode::<Printer>(&encode(&record).unwrap()).unwrap(), record);
        }

        #[test]
        fn any_flipped_bit_is_noticed(pages: u64, at: prop::sample::Index, bit in 0..8_u8) {
            let mut bytes = encode(&Printer { model: "P".into(), pages, seen: None }).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let corrupt = matches!(decode::<Printer>(&bytes), Err(StoreError::Corrupt { .. }));
            prop_assert!(corrupt);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, version in 0..6_u8, body: Vec<u8>) {
            let _ = decode::<Printer>(&bytes);
            let _ = decode::<Printer>(&self::bytes(version, &body));
        }
    }
}
