//! Writing a cabinet of one file, byte for byte of the form that real servers write.

use super::CabinetError;
use super::container::checksum_of;
use super::lzx::{FRAME, WINDOW_BITS, compress};

/// What the one file is called.
const NAME: &[u8] = b"blob\0";
/// Lengths of the header, of a folder's entry and of the file's entry with its name.
const HEADER: usize = 36;
const FOLDER: usize = 8;
const FILE: usize = 16 + NAME.len();
/// LZX, with its window above.
const LZX: u16 = 3;

/// Most bytes that can be packed: data blocks are counted in 16 bits.
pub const PACK_LIMIT: usize = FRAME * u16::MAX as usize;

/// Packs `bytes` as the only file of a cabinet: LZX with a window of 2 MiB.
///
/// # Errors
/// [`CabinetError::Limit`] above [`PACK_LIMIT`].
pub fn pack_blob(bytes: &[u8]) -> Result<Vec<u8>, CabinetError> {
    if bytes.len() > PACK_LIMIT {
        return Err(CabinetError::Limit { limit: PACK_LIMIT });
    }
    let pieces = compress(bytes);
    let blocks = HEADER + FOLDER + FILE;
    let length = blocks + pieces.iter().map(|piece| 8 + piece.len()).sum::<usize>();
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(b"MSCF");
    put_u32(&mut out, 0);
    put_u32(&mut out, length);
    put_u32(&mut out, 0);
    put_u32(&mut out, HEADER + FOLDER);
    put_u32(&mut out, 0);
    out.extend_from_slice(&[3, 1]);
    // One folder, one file; no flags, no set.
    for number in [1, 1, 0, 0, 0] {
        put_u16(&mut out, number);
    }

    put_u32(&mut out, blocks);
    put_u16(&mut out, pieces.len());
    out.extend_from_slice(&(WINDOW_BITS << 8 | LZX).to_le_bytes());

    put_u32(&mut out, bytes.len());
    put_u32(&mut out, 0);
    // Folder, date, time and attributes.
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(NAME);

    for (piece, frame) in pieces.iter().zip(bytes.chunks(FRAME)) {
        let mut covered = Vec::with_capacity(4 + piece.len());
        put_u16(&mut covered, piece.len());
        put_u16(&mut covered, frame.len());
        covered.extend_from_slice(piece);
        out.extend_from_slice(&checksum_of(&covered).to_le_bytes());
        out.extend_from_slice(&covered);
    }
    Ok(out)
}

/// Numbers here are below [`PACK_LIMIT`], which is 31 bits.
fn put_u32(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&(number as u32).to_le_bytes());
}

/// Numbers here are counts of data blocks and lengths of at most 38,912.
fn put_u16(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&(number as u16).to_le_bytes());
}

#[cfg(test)]
mod tests;
