//! All revisions as one immutable graph, and what a scan needs of it.
//!
//! A fleet asks nearly the same question about nearly the same catalogue, so the graph consists of
//! dense numbers and bitmaps, which a change adds to ([`CatalogBuilder`]) and readers share. A scan
//! is answered in three steps, each a pure function that its caller may cache:
//!
//! 1. [`Catalog::scope`]: what is offered under a policy, whoever asks;
//! 2. [`Catalog::needed`]: what of it a client with these installed updates can evaluate now;
//! 3. [`Catalog::delta`]: how that differs from what the client has cached.
//!
//! Driver passes and printer catalogues replace step 2 by [`Catalog::best_drivers`] and
//! [`Catalog::printer_drivers`], scans of categories narrow it by [`Catalog::related`]. [`PageLimits::page`] cuts the answer into round trips.
//!
//! Nothing here does I/O or reads a clock. Relations come from publishers and are never trusted:
//! every walk is iterative and visits a node once, so cycles end and dangling references are
//! simply not there.

mod build;
mod category_scan;
mod chunks;
#[cfg(test)]
mod dialogues;
#[cfg(test)]
pub(crate) mod draft;
mod driver;
mod evaluate;
mod filter;
#[cfg(test)]
mod naive;
mod numbers_given;
mod page;
mod prerequisites;
#[cfg(test)]
mod properties;
mod removal;
mod revision;
mod revision_set;
mod rows;
mod scope;
mod sharded;
mod snapshot;
mod sync_list;

pub use build::CatalogBuilder;
pub use category_scan::CategoryScan;
pub use chunks::Chunks;
pub use driver::{Computer, Device, DriverMatch, Fit, InstalledDriver};
pub use evaluate::{Delta, Scan};
pub use page::{Page, PageLimits};
pub use removal::{Obstacle, Removal};
pub use revision::{NewRevision, Revision, RevisionIndex, UpdateIndex};
pub use revision_set::RevisionSet;
pub use scope::Scope;
pub use snapshot::Catalog;
pub use sync_list::{DriverFilter, Since, UpdateFilter, Wanted};
