//! Everything that a data directory holds, as one stream of bytes: for backup, for moving to another
//! machine, and for a change of the engine.
//!
//! It is a JSON object a line. The first says which format and which version of weir this is; then
//! come records and files; the last one has the SHA-256 of every byte before it. A record's line has
//! its tree, key and value, these in base64; the value keeps the version it was written with
//! ([`value`](super::value)), and any later weir walks it forward. A file's line has its path and its
//! length, and its bytes follow. Nothing of an engine is in it.
//!
//! Lines are changes in the order in which they apply: a record that comes again replaces the one
//! before, and `gone` takes it away. So a stream can be written while the store is written to: pages
//! of records as they are now, and between two pages what was committed meanwhile ([`tap`]). What
//! results after its last line is what the store held at one moment.
//!
//! A reader goes through it twice: once to be sure of it, once to take it. A damaged backup is thereby
//! refused before the first byte is stored.

mod read;
pub mod tap;
mod write;

use serde::{Deserialize, Serialize};

pub use read::{Item, Reader, Summary};
pub use write::Writer;

/// Of the lines; not of the values in them.
const FORMAT: u32 = 1;

/// What the first line says, besides the format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of weir that wrote it.
    pub version: String,
    /// When, in RFC 3339.
    pub created: String,
    /// Whether content files are in it.
    pub content: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    WeirBackup {
        format: u32,
        #[serde(flatten)]
        header: Header,
    },
    Record {
        tree: String,
        key: String,
        value: String,
    },
    Gone {
        tree: String,
        key: String,
    },
    File {
        path: String,
        length: u64,
    },
    End {
        lines: u64,
        sha256: String,
    },
}

#[cfg(test)]
mod tests;
