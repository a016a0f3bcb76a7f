//! What a client was told of changes.
//!
//! An answer of SyncUpdates speaks only of the cached revisions that the call was about: software,
//! drivers or printers, and of these perhaps only what relates to some categories. So each kind of
//! pass counts for itself. With one number for all, the software pass that starts a scan would
//! swallow every change of a driver, and a category scan the changes of everything else.

use super::CookieError;
use crate::wire::little_endian::Reader;

/// Up to which commit a client was told of changes, by kind of pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watermarks {
    /// By software passes.
    pub software: Watermark,
    /// By driver passes.
    pub drivers: Watermark,
    /// By SyncPrinterCatalog.
    pub printers: Watermark,
}

/// Up to which commit a client was told of changes by one kind of pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watermark {
    /// By passes over everything.
    pub(super) unlimited: u64,
    /// A fingerprint of the categories of the last pass that was limited to some.
    pub(super) categories: u64,
    /// By passes limited to these.
    pub(super) limited: u64,
}

impl Watermark {
    /// Up to which commit a client was told of what relates to `categories`, or of everything.
    pub fn told(self, categories: Option<u64>) -> u64 {
        match categories {
            Some(categories) if categories == self.categories => self.unlimited.max(self.limited),
            _ => self.unlimited,
        }
    }

    /// Notes that a client was told of all changes up to `sequence` in what relates to
    /// `categories`, or in everything.
    pub fn tell(&mut self, categories: Option<u64>, sequence: u64) {
        match categories {
            Some(categories) => {
                self.categories = categories;
                self.limited = sequence;
            }
            None => self.unlimited = sequence,
        }
    }

    fn put(self, out: &mut Vec<u8>) {
        for field in [self.unlimited, self.categories, self.limited] {
            out.extend_from_slice(&field.to_le_bytes());
        }
    }

    fn read(fields: &mut Reader<'_>) -> Result<Self, CookieError> {
        Ok(Self { unlimited: fields.u64()?, categories: fields.u64()?, limited: fields.u64()? })
    }
}

impl Watermarks {
    pub(super) fn put(self, out: &mut Vec<u8>) {
        [self.software, self.drivers, self.printers].into_iter().for_each(|mark| mark.put(out));
    }

    pub(super) fn read(fields: &mut Reader<'_>) -> Result<Self, CookieError> {
        Ok(Self {
            software: Watermark::read(fields)?,
            drivers: Watermark::read(fields)?,
            printers: Watermark::read(fields)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_limited_to_categories_counts_for_these_alone() {
        let mut mark = Watermark::default();
        mark.tell(None, 3);
        mark.tell(Some(7), 5);
        assert_eq!((mark.told(Some(7)), mark.told(None), mark.told(Some(8))), (5, 3, 3));
        mark.tell(None, 6);
        assert_eq!((mark.told(Some(7)), mark.told(None)), (6, 6), "everything is these as well");
        mark.tell(Some(8), 9);
        assert_eq!((mark.told(Some(7)), mark.told(Some(8))), (6, 9));
    }
}
