//! A catalogue of update documents made from a seed.
//!
//! Whole documents in the form of real ones, in any number, the same bytes on every platform for
//! one version, preset, seed and set of switches: all arithmetic is on integers, and every decision
//! draws from a stream keyed by what it decides (`random`). A larger catalogue begins with the
//! smaller one. Documents refer to earlier ones only, so any beginning imports cleanly.
//!
//! From the ground up: `world` and `line` are the model, which knows what is true on a machine;
//! `standing` answers for it; `release` and `driver` are what the seed adds; `sequence` puts documents in order; `software`,
//! `markers` and `driver_document` write them; `oracle` says what a machine should find in them.

mod content;
mod document;
mod driver;
mod driver_document;
mod handler;
mod hostile;
mod language;
mod line;
mod markers;
mod oracle;
mod output;
mod payload;
mod preset;
pub(super) mod random;
mod ranking;
mod release;
mod rule;
mod sequence;
mod software;
mod spelling;
mod standing;
#[cfg(test)]
pub(super) mod tests;
mod world;
mod xml;

pub use oracle::Expected;
pub use output::{CatalogueError, Manifest, generate};
pub use preset::{Preset, Settings};

use document::Document;
use sequence::{Entry, Plan, Sequence};

impl Settings {
    /// The documents in order, as many as the settings say.
    fn entries(&self) -> impl Iterator<Item = Entry> + use<> {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        Sequence::new(self.seed, self.preset.mix()).take(count)
    }

    /// What an entry says.
    fn document(&self, entry: &Entry) -> Document {
        let published = entry.published;
        match entry.plan {
            Plan::Marker(marker) => marker.document(published),
            Plan::Leaf { release, leaf, revision } => {
                software::leaf(release, leaf, revision, published, self.huge_core)
            }
            Plan::Update { release, revision } => software::update(release, revision, published),
            Plan::Driver { driver, revision } => {
                driver_document::document(driver, revision, published)
            }
            Plan::Hostile { case, part } => hostile::document(self.seed, case, part, published),
        }
    }
}
