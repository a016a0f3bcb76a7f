//! Cabinets: what update documents above 5 KB travel in between servers
//! (`XmlUpdateBlobCompressed`, [MS-WSUSSS] 3.1.4.6.3.3).
//!
//! The cabinet comes from an upstream server or from a file that someone imports. Everything it
//! declares is therefore checked before anything is unpacked: which bytes belong to which folder,
//! how long they become, and which part of them is a file. The container is read here, once, so
//! that no second reader can understand it differently; only the two compressions are others'
//! code. Names are labels: nothing is ever written under them.

mod container;
mod folder;
mod lzx;
mod pack;
#[cfg(test)]
mod tests;

pub use pack::{PACK_LIMIT, pack_blob};

use container::Container;

use super::little_endian::EndOfBytes;

/// Most files, and most folders, of one cabinet. The real server puts one file in each.
pub const MAX_FILES: usize = 16;

/// How many times its own size a cabinet may become. The real server's become 15 times theirs;
/// what becomes 300 times its size holds no document.
const MAX_RATIO: usize = 256;

/// What a cabinet of any size may become, in bytes: too little to be a weapon.
const HARMLESS: usize = 16 << 20;

/// Why a cabinet could not be unpacked. Always the fault of whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CabinetError {
    /// The bytes do not start as a cabinet of version 1 does.
    #[error("not a cabinet of a known version")]
    NotACabinet,
    /// A structure, or the cabinet, is longer than the bytes that are there.
    #[error("the cabinet ends early")]
    Truncated,
    /// Files continue in another cabinet.
    #[error("the cabinet is a part of a set")]
    Set,
    /// More than [`MAX_FILES`].
    #[error("the cabinet has {count} {what}, more than 16")]
    TooMany {
        /// Files or folders.
        what: &'static str,
        /// How many the cabinet declares.
        count: u16,
    },
    /// The cabinet declares more unpacked bytes than the caller accepts, or than one of its size
    /// can honestly hold.
    #[error("the cabinet unpacks to more than {limit} bytes")]
    Limit {
        /// The limit in bytes.
        limit: usize,
    },
    /// A compression other than none, MSZIP, and LZX with a window of at most 2 MiB.
    #[error("compression {0:#06x} is not supported")]
    Compression(u16),
    /// A file names a folder that does not exist, or a range outside its folder.
    #[error("file '{0}' lies outside the cabinet's folders")]
    FileRange(String),
    /// A data block's checksum is not that of its bytes.
    #[error("the checksum of a data block is wrong")]
    Checksum,
    /// A data block does not unpack to the size that it declares.
    #[error("a data block cannot be unpacked")]
    Damaged,
    /// The caller expected exactly one file.
    #[error("the cabinet has {0} files instead of one")]
    NotOneFile(usize),
}

impl From<EndOfBytes> for CabinetError {
    fn from(_: EndOfBytes) -> Self {
        Self::Truncated
    }
}

/// Unpacks all files: their names, for messages only, and their bytes.
///
/// `limit` is the most bytes accepted of all files together, and of all folders together; a small
/// cabinet is held to less, in proportion to its size. Both are compared with what the cabinet
/// declares before memory is taken for any of it.
pub fn unpack(cabinet: &[u8], limit: usize) -> Result<Vec<(String, Vec<u8>)>, CabinetError> {
    let limit = limit.min(cabinet.len().saturating_mul(MAX_RATIO).max(HARMLESS));
    let container = Container::read(cabinet)?;
    container.check_sizes(limit)?;
    let folders = container.folders.iter().map(folder::unpack).collect::<Result<Vec<_>, _>>()?;
    container
        .files
        .into_iter()
        .map(|file| {
            let bytes = folders.get(file.folder).and_then(|folder| folder.get(file.range.clone()));
            match bytes {
                Some(bytes) => Ok((file.name, bytes.to_vec())),
                None => Err(CabinetError::FileRange(file.name)),
            }
        })
        .collect()
}

/// Unpacks a cabinet that must hold exactly one file, as `XmlUpdateBlobCompressed` does.
///
/// `limit` is the most bytes accepted, as in [`unpack`].
pub fn unpack_blob(cabinet: &[u8], limit: usize) -> Result<Vec<u8>, CabinetError> {
    let files = unpack(cabinet, limit)?;
    match <[_; 1]>::try_from(files) {
        Ok([(_, bytes)]) => Ok(bytes),
        Err(files) => Err(CabinetError::NotOneFile(files.len())),
    }
}
