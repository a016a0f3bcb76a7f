//! The `Range` header (RFC 9110 section 14.2): which bytes of a file a request wants.
//!
//! Delivery Optimization asks for one closed range of at most 1 MiB, BITS for several at once.
//! Everyone else who can reach the port may ask for anything, so a request that would make the
//! server send a file several times over is refused rather than served.

/// Most ranges answered in one response. BITS asks for a handful; a flood of tiny ranges costs the
/// server a part header and a read each.
pub const MAX_RANGES: usize = 16;

/// Most bytes answered in one response, in multiples of the file's size.
const MAX_OVERLAP: u128 = 2;

/// A run of bytes inside a file; never empty, never beyond its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Offset of the last byte, inclusive.
    pub last: u64,
}

impl ByteRange {
    /// Number of bytes. Zero is impossible, hence no `is_empty`.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(self) -> u64 {
        // `last` is below the file's size, so the sum fits.
        self.last - self.first + 1
    }
}

/// What a `Range` header asks of a file of known size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requested {
    /// Everything: the header is malformed or in another unit, and is ignored as RFC 9110 14.2 says.
    Whole,
    /// One range.
    One(ByteRange),
    /// Two to [`MAX_RANGES`] ranges, in the order asked for.
    Many(Vec<ByteRange>),
    /// Nothing the server can or wants to send: 416.
    Unsatisfiable,
}

/// Reads the value of a `Range` header against a file of `size` bytes.
///
/// Whitespace around list elements and empty elements are allowed, the unit is matched in any
/// case. More than [`MAX_RANGES`] ranges, and ranges that overlap so much that their sum is more
/// than twice the file, are unsatisfiable: RFC 9110 14.2 lets a server refuse them, and 416 tells
/// the client's author more than a whole file would.
pub fn parse(header: &str, size: u64) -> Requested {
    let Some((unit, list)) = header.split_once('=') else { return Requested::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Requested::Whole;
    }
    let mut asked = 0;
    let mut ranges = Vec::new();
    for element in list.split(',').map(|element| element.trim_matches([' ', '\t'])) {
        if element.is_empty() {
            continue;
        }
        asked += 1;
        if asked > MAX_RANGES {
            return Requested::Unsatisfiable;
        }
        let Some(spec) = parse_spec(element) else { return Requested::Whole };
        ranges.extend(resolve(&spec, size));
    }
    if asked == 0 {
        return Requested::Whole;
    }
    let total: u128 = ranges.iter().map(|range| u128::from(range.len())).sum();
    match ranges.as_slice() {
        [] => Requested::Unsatisfiable,
        [range] => Requested::One(*range),
        _ if total > MAX_OVERLAP * u128::from(size) => Requested::Unsatisfiable,
        _ => Requested::Many(ranges),
    }
}

/// One element of the list as it is written; `Closed` is in order.
enum Spec {
    Closed { first: u64, last: u64 },
    From(u64),
    Suffix(u64),
}

fn parse_spec(element: &str) -> Option<Spec> {
    let (first, last) = element.split_once('-')?;
    match (first, last) {
        ("", suffix) => Some(Spec::Suffix(number(suffix)?)),
        (first, "") => Some(Spec::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::Closed { first, last })
        }
    }
}

/// The part of a file of `size` bytes that `spec` selects, if any.
fn resolve(spec: &Spec, size: u64) -> Option<ByteRange> {
    let end = size.checked_sub(1)?;
    let range = match *spec {
        Spec::Closed { first, last } => ByteRange { first, last: last.min(end) },
        Spec::From(first) => ByteRange { first, last: end },
        Spec::Suffix(0) => return None,
        Spec::Suffix(length) => ByteRange { first: size.saturating_sub(length), last: end },
    };
    (range.first <= end).then_some(range)
}

/// A run of digits; a number too large for any file counts as the largest.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(first: u64, last: u64) -> Requested {
        Requested::One(ByteRange { first, last })
    }

    #[test]
    fn reads_what_delivery_optimization_and_bits_send() {
        assert_eq!(parse("bytes=0-1048575", 5_000_000), one(0, 1_048_575));
        assert_eq!(parse("bytes=4194304-4999999", 5_000_000), one(4_194_304, 4_999_999));
        assert_eq!(parse("bytes=0-0", 1), one(0, 0));
        assert_eq!(
            parse("bytes=0-1,10-19", 100),
            Requested::Many(vec![
                ByteRange { first: 0, last: 1 },
                ByteRange { first: 10, last: 19 }
            ])
        );
    }

    #[test]
    fn reads_open_and_suffix_ranges() {
        assert_eq!(parse("bytes=90-", 100), one(90, 99));
        assert_eq!(parse("bytes=-10", 100), one(90, 99));
        assert_eq!(parse("bytes=-1000", 100), one(0, 99));
        assert_eq!(parse("bytes=0-18446744073709551615", 100), one(0, 99));
        assert_eq!(parse("bytes=5-99999999999999999999999999", 100), one(5, 99));
        assert_eq!(parse("BYTES= 1-2 , ,", 100), one(1, 2));
    }

    #[test]
    fn ignores_what_it_does_not_understand() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "items=0-1",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=+1-2",
            "bytes=1",
            "bytes=--1",
            "bytes=0 - 1",
            "bytes=-",
            "bytes=0-1,x",
        ] {
            assert_eq!(parse(header, 100), Requested::Whole, "{header}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_or_will_not_send() {
        for header in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(parse(header, 100), Requested::Unsatisfiable, "{header}");
        }
        assert_eq!(parse("bytes=0-", 0), Requested::Unsatisfiable);
        assert_eq!(parse("bytes=-5", 0), Requested::Unsatisfiable);
        assert_eq!(parse("bytes=9-1", 0), Requested::Whole);
    }

    #[test]
    fn refuses_floods() {
        let flood = format!("bytes={}", vec!["0-"; MAX_RANGES].join(","));
        assert_eq!(parse(&flood, 100), Requested::Unsatisfiable);
        assert!(matches!(parse("bytes=0-,0-", 100), Requested::Many(ranges) if ranges.len() == 2));
        assert_eq!(parse("bytes=0-,0-,0-0", 100), Requested::Unsatisfiable);

        let tiny = |count: usize| {
            let ranges: Vec<String> = (0..count).map(|at| format!("{at}-{at}")).collect();
            format!("bytes={}", ranges.join(","))
        };
        assert!(matches!(parse(&tiny(16), 100), Requested::Many(ranges) if ranges.len() == 16));
        assert_eq!(parse(&tiny(17), 100), Requested::Unsatisfiable);
    }

    /// What each well-formed element selects, found by looking at every offset of the file.
    fn oracle(elements: &[(Option<u64>, Option<u64>)], size: u64) -> Requested {
        let selected = |element: &(Option<u64>, Option<u64>)| -> Vec<u64> {
            (0..size)
                .filter(|offset| match *element {
                    (Some(first), Some(last)) => (first..=last).contains(offset),
                    (Some(first), None) => *offset >= first,
                    (None, Some(suffix)) => size - offset <= suffix,
                    (None, None) => unreachable!("not generated"),
                })
                .collect()
        };
        if elements.iter().any(|element| matches!(element, (Some(f), Some(l)) if f > l)) {
            return Requested::Whole;
        }
        let sets: Vec<Vec<u64>> = elements.iter().map(selected).filter(|s| !s.is_empty()).collect();
        let total: usize = sets.iter().map(Vec::len).sum();
        let range = |set: &Vec<u64>| ByteRange { first: set[0], last: set[set.len() - 1] };
        match sets.len() {
            0 => Requested::Unsatisfiable,
            1 => Requested::One(range(&sets[0])),
            _ if total as u64 > 2 * size => Requested::Unsatisfiable,
            _ => Requested::Many(sets.iter().map(range).collect()),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_oracle(
            size in 0u64..40,
            elements in proptest::collection::vec(
                (proptest::option::of(0u64..50), proptest::option::of(0u64..50))
                    .prop_filter("not empty", |element| *element != (None, None)),
                1..6,
            ),
        ) {
            let text = |bound: Option<u64>| bound.map(|b| b.to_string()).unwrap_or_default();
            let list: Vec<String> =
                elements.iter().map(|(f, l)| format!("{}-{}", text(*f), text(*l))).collect();
            prop_assert_eq!(
                parse(&format!("bytes={}", list.join(" ,")), size),
                oracle(&elements, size)
            );
        }

        #[test]
        fn never_panics_and_stays_inside_the_file(
            header in "(bytes=)?[-0-9, =]{0,60}|.{0,40}",
            size in prop_oneof![Just(0), Just(1), Just(u64::MAX), any::<u64>()],
        ) {
            let ranges = match parse(&header, size) {
                Requested::One(range) => vec![range],
                Requested::Many(ranges) => ranges,
                Requested::Whole | Requested::Unsatisfiable => vec![],
            };
            for range in ranges {
                prop_assert!(range.first <= range.last && range.last < size);
                prop_assert!(range.len() >= 1);
            }
        }
    }
}
