//! `Content-Encoding: xpress` ([MS-WUSP] 2.1.1): our own codec.
//!
//! A body is a sequence of blocks, each `[u32le original][u32le compressed][bytes]`, with no
//! trailer. The bytes are plain LZ77 in the DIRECT2 encoding ([MS-XCA] 2.3 and 2.4), or the
//! original bytes themselves when both sizes are equal, which the real server does whenever a
//! block would not shrink although no specification mentions it.
//!
//! Every block decodes alone. That is what lets a fragment be compressed once, at import, and be
//! sent between blocks that were compressed for one response: whole blocks concatenate.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{blocks, decode};
pub use encode::{encode, store};

use super::little_endian::EndOfBytes;

/// Most original or compressed bytes of one block ([MS-WUSP] 2.1.1).
pub const MAX_BLOCK: usize = 65_535;

/// Shortest match that the encoding can express.
const MIN_MATCH: usize = 3;

/// How far back a match may start: its offset has 13 bits.
const WINDOW: usize = 8192;

// A match carries its length, less MIN_MATCH, in fields that are opened one after the other: the
// low 3 bits of its first two bytes, a nibble shared by two matches, a byte, two bytes. A field
// of ones says that the next is open. The last one holds the whole length, the others add up.
const LENGTH_BITS: usize = 7;
const NIBBLE: usize = 15;
const BYTE: usize = 255;

/// Why an xpress body could not be decoded. Always the fault of whoever encoded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XpressError {
    /// The body ends inside a block's header or its bytes, or a block inside a match.
    #[error("the xpress body ends early")]
    Truncated,
    /// A block claims more than [`MAX_BLOCK`] bytes.
    #[error("an xpress block of {0} bytes, more than 65535")]
    BlockSize(u32),
    /// The decoded body would be longer than the caller accepts.
    #[error("the xpress body decodes to more than {limit} bytes")]
    Limit {
        /// The caller's limit in bytes.
        limit: usize,
    },
    /// A match starts before the first byte of its block.
    #[error("an xpress match starts before its block")]
    Offset,
    /// A match uses its longest form for a length that has a shorter form or none.
    #[error("an xpress match of a length that its form does not allow")]
    Length,
    /// A block decodes to another size than its header says.
    #[error("an xpress block decodes to another size than it says")]
    Size,
}

impl From<EndOfBytes> for XpressError {
    fn from(_: EndOfBytes) -> Self {
        Self::Truncated
    }
}
