//! The computers: what they said of themselves, and what they reported of updates.
//!
//! Everything here was claimed by an anonymous peer. It is kept within bounds, shown, and never
//! interpreted beyond the rules of [`status`].

pub mod census;
pub mod computer;
pub mod counts;
pub mod event;
pub mod hresult;
pub mod inventory;
pub mod numbers;
pub mod relapses;
pub mod rollup;
pub mod rows;
pub mod sightings;
pub mod status;
pub mod trend;
pub mod unknown;

pub use computer::Computer;
pub use counts::Counts;
pub use status::{Compliance, Statuses, UpdateInstallationState};
