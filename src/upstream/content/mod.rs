//! Content: files of the upstream server, and of those that it names ([MS-WSUSSS] 3.2.4.4).
//!
//! A file comes in blocks, whoever wants it: the downloads that follow an approval take all of its
//! blocks one after the other, a client that cannot wait those that it asked for. Both share one
//! [`transfer::Transfer`] a file, so no block is fetched twice. With its last block the file is
//! verified, and only then does it count as here.

mod address;
mod answer;
mod asking;
mod downloads;
mod limiter;
mod transfer;

pub(super) use downloads::Downloads;
pub use downloads::DownloadsStatus;
