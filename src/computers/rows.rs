//! The states of a computer's updates in two bytes each.
//!
//! There may be a million computers with 500 updates each, all of them in memory. A row is the
//! distance from the number of the update before, shifted, with the state in the low bits; what a
//! computer reported at once has one time, so the times are a small table and a row says which only
//! when it is not that of the row before.

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::UpdateInstallationState;
use super::numbers::UpdateNumber;

/// Bytes of a time: 40 bits hold every second of the years 1 to 9999.
const TIME: usize = 5;
/// The earliest and the latest time that 40 bits hold.
const TIMES: (i64, i64) = (-(1 << 39), (1 << 39) - 1);
/// Low bits of a row: three for the state, one that says that a time follows.
const SHIFT: u32 = 4;
/// The first state that has rows; the low bits count from it.
const FIRST: u64 = UpdateInstallationState::NotInstalled as u64;

/// The state of one update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// The update.
    pub number: UpdateNumber,
    /// Never Unknown or NotApplicable: those are the absence of a row.
    pub state: UpdateInstallationState,
    /// Unix seconds since when it is in this state.
    pub since: i64,
    /// The HRESULT of a failure; 0 for all other states, and while it is not known.
    pub code: i32,
}

/// Rows by number, packed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackedRows(Box<[u8]>);

impl PackedRows {
    /// Packs rows. They are sorted here; of those with the same number the first counts.
    pub fn pack(rows: &mut Vec<Row>) -> Self {
        rows.sort_by_key(|row| row.number);
        rows.dedup_by_key(|row| row.number);
        if rows.is_empty() {
            return Self::default();
        }
        let time = |row: &Row| row.since.clamp(TIMES.0, TIMES.1);
        let mut times: Vec<i64> = rows.iter().map(time).collect();
        times.sort_unstable();
        times.dedup();
        let mut bytes = Vec::with_capacity(10 + times.len() * TIME + rows.len() * 3);
        put(&mut bytes, times.len() as u64);
        for time in &times {
            bytes.extend(time.to_le_bytes().into_iter().take(TIME));
        }
        let (mut next, mut last_time) = (0, 0);
        for row in rows {
            let index = times.partition_point(|other| *other < time(row));
            let number = u64::from(row.number);
            let state = (row.state as u64).saturating_sub(FIRST);
            let follows = u64::from(index != last_time);
            put(&mut bytes, (number - next) << SHIFT | state << 1 | follows);
            if index != last_time {
                put(&mut bytes, index as u64);
            }
            if row.state == UpdateInstallationState::Failed {
                put(&mut bytes, u64::from(row.code.cast_unsigned()));
            }
            (next, last_time) = (number + 1, index);
        }
        Self(bytes.into())
    }

    /// All rows, by number.
    pub fn iter(&self) -> Rows<'_> {
        let mut rest = &self.0[..];
        let split = take(&mut rest).and_then(|times| {
            let length = usize::try_from(times).ok()?.checked_mul(TIME)?;
            rest.split_at_checked(length)
        });
        let (times, rest) = split.unwrap_or_default();
        Rows { times, rest, next: 0, time: 0 }
    }

    /// The row of an update.
    pub fn get(&self, number: UpdateNumber) -> Option<Row> {
        self.iter().take_while(|row| row.number <= number).find(|row| row.number == number)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that they take.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

/// Reads rows; ends at the first that is none.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    times: &'a [u8],
    rest: &'a [u8],
    /// The least number that the next row can have.
    next: u64,
    time: usize,
}

impl Rows<'_> {
    fn since(&self) -> Option<i64> {
        let at = self.time.checked_mul(TIME)?;
        let bytes: [u8; TIME] = self.times.get(at..at.checked_add(TIME)?)?.try_into().ok()?;
        let [a, b, c, d, e] = bytes;
        // The highest bit of the five bytes is the sign.
        Some(i64::from_le_bytes([0, 0, 0, a, b, c, d, e]) >> 24)
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let head = take(&mut self.rest)?;
        let number = self.next.checked_add(head >> SHIFT)?;
        let state = UpdateInstallationState::from_number(((head >> 1 & 7) + FIRST) as i32)?;
        if head & 1 == 1 {
            self.time = usize::try_from(take(&mut self.rest)?).ok()?;
        }
        let code = match state {
            UpdateInstallationState::Failed => u32::try_from(take(&mut self.rest)?).ok()?,
            _ => 0,
        };
        self.next = number + 1;
        Some(Row {
            number: UpdateNumber::try_from(number).ok()?,
            state,
            since: self.since()?,
            code: code.cast_signed(),
        })
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

impl Serialize for PackedRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for PackedRows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Packed)
    }
}

struct Packed;

impl Visitor<'_> for Packed {
    type Value = PackedRows;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("packed rows")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<PackedRows, E> {
        let rows = PackedRows(bytes.into());
        let mut read = rows.iter();
        let whole = rows.is_empty() || read.by_ref().last().is_some();
        match whole && read.rest.is_empty() {
            true => Ok(rows),
            false => Err(E::custom("rows that cannot be read")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: [UpdateInstallationState; 5] = [
        UpdateInstallationState::NotInstalled,
        UpdateInstallationState::Downloaded,
        UpdateInstallationState::Installed,
        UpdateInstallationState::Failed,
        UpdateInstallationState::InstalledPendingReboot,
    ];

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let time = prop_oneof![0..4_i64, TIMES.0..=TIMES.1, Just(1_800_000_000)];
        let number = prop_oneof![0..200_u32, any::<u32>()];
        let row = (number, 0..5_usize, time, any::<i32>()).prop_map(|(number, at, since, code)| {
            let state = STATES[at];
            let code = if state == UpdateInstallationState::Failed { code } else { 0 };
            Row { number, state, since, code }
        });
        proptest::collection::vec(row, 0..300)
    }

    proptest! {
        #[test]
        fn what_was_packed_is_read_again(mut rows in rows()) {
            let packed = PackedRows::pack(&mut rows);
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), rows.clone());
            for row in &rows {
                prop_assert_eq!(packed.get(row.number), Some(*row));
            }
            let stored = postcard::to_allocvec(&packed).expect("bytes");
            prop_assert_eq!(postcard::from_bytes::<PackedRows>(&stored).expect("rows"), packed);
        }

        #[test]
        fn any_bytes_are_rows_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let rows = PackedRows(bytes.clone().into());
            let numbers: Vec<_> = rows.iter().map(|row| row.number).collect();
            prop_assert!(numbers.is_sorted());
            let stored = postcard::to_allocvec(&rows).expect("bytes");
            if let Ok(read) = postcard::from_bytes::<PackedRows>(&stored) {
                prop_assert_eq!(read.iter().count(), numbers.len());
            }
        }
    }

    #[test]
    fn five_hundred_updates_of_five_thousand_take_two_bytes_each() {
        let row = |at: u32| {
            let state = STATES[usize::from(at.is_multiple_of(9)) * 2];
            Row { number: at * 10 + at % 7, state, since: i64::from(at % 100 / 95), code: 0 }
        };
        let packed = PackedRows::pack(&mut (0..500).map(row).collect());
        assert!(packed.size() < 1200, "{}", packed.size());
    }
}
