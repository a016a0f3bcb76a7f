//! A file that can be read although it is not here: it comes from elsewhere while it is read.

use std::io;
use std::pin::Pin;

/// Some bytes, once they are here.
pub type Reading = Pin<Box<dyn Future<Output = io::Result<Vec<u8>>> + Send>>;

/// Bytes of a file by their place in it.
pub trait RangeSource: std::fmt::Debug + Send + Sync {
    /// Reads exactly `length` bytes from `first` on, which has to be within the file.
    fn read(&self, first: u64, length: u64) -> Reading;

    /// Length of the file in bytes.
    fn length(&self) -> u64;
}
