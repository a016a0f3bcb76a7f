//! Unpacking one folder: stored, MSZIP or LZX.

use flate2::{Decompress, FlushDecompress};
use lzxd::Lzxd;

use super::CabinetError;
use super::container::{Block, Compression, Folder};
use crate::panics::contained;

/// Most bytes that one compressed block becomes, and how far back MSZIP refers.
const MAX_UNPACKED: usize = 32 * 1024;

/// Unpacks a whole folder, whose declared size the caller has checked.
pub(super) fn unpack(folder: &Folder<'_>) -> Result<Vec<u8>, CabinetError> {
    let mut decoder = match folder.compression {
        Compression::Stored => Decoder::Stored,
        Compression::MsZip => Decoder::MsZip,
        Compression::Lzx(window) => Decoder::Lzx(Box::new(Lzxd::new(window))),
    };
    let mut unpacked = Vec::new();
    for block in folder.blocks() {
        let Block { packed, unpacked_size } = block?;
        match &mut decoder {
            Decoder::Stored if packed.len() == unpacked_size => unpacked.extend_from_slice(packed),
            Decoder::MsZip if unpacked_size <= MAX_UNPACKED => {
                unpack_mszip(packed, unpacked_size, &mut unpacked)?;
            }
            Decoder::Lzx(lzx) if unpacked_size <= MAX_UNPACKED => {
                unpack_lzx(lzx, packed, unpacked_size, &mut unpacked)?;
            }
            _ => return Err(CabinetError::Damaged),
        }
    }
    Ok(unpacked)
}

/// What carries over from one data block to the next, besides the bytes already unpacked.
enum Decoder {
    Stored,
    MsZip,
    Lzx(Box<Lzxd>),
}

/// MSZIP: every block is a deflate stream of its own after the letters "CK", but may refer back
/// to what the blocks before it became.
fn unpack_mszip(packed: &[u8], size: usize, unpacked: &mut Vec<u8>) -> Result<(), CabinetError> {
    let deflated = packed.strip_prefix(b"CK").ok_or(CabinetError::Damaged)?;
    let history = &unpacked[unpacked.len().saturating_sub(MAX_UNPACKED)..];

    // Raw inflate cannot be given a history, but a stored block in front has the same effect.
    let history_size = history.len() as u16;
    let mut stream = Vec::with_capacity(5 + history.len() + deflated.len());
    stream.push(0);
    stream.extend_from_slice(&history_size.to_le_bytes());
    stream.extend_from_slice(&(!history_size).to_le_bytes());
    stream.extend_from_slice(history);
    stream.extend_from_slice(deflated);
    let mut out = vec![0; history.len() + size];
    let mut inflate = Decompress::new(false);
    inflate
        .decompress(&stream, &mut out, FlushDecompress::Finish)
        .map_err(|_| CabinetError::Damaged)?;
    if usize::try_from(inflate.total_out()) != Ok(out.len()) {
        return Err(CabinetError::Damaged);
    }
    unpacked.extend_from_slice(&out[history.len()..]);
    Ok(())
}

/// LZX: one stream over all blocks, cut where a block's bytes are complete.
fn unpack_lzx(
    lzx: &mut Lzxd,
    packed: &[u8],
    size: usize,
    unpacked: &mut Vec<u8>,
) -> Result<(), CabinetError> {
    // An uncompressed LZX block may set the recent offsets to anything. lzxd 0.2 subtracts them
    // from a position and masks the result: right where arithmetic wraps, a panic where overflow
    // is checked. Nothing of a peer's may end the process, so it is contained here. A build with
    // `panic = "abort"` has to leave overflow checks off for lzxd. After a panic the decoder is
    // dropped with its folder.
    let decoded = contained(|| match lzx.decompress_next(packed, size) {
        Ok(decoded) => {
            unpacked.extend_from_slice(decoded);
            Ok(())
        }
        Err(_) => Err(CabinetError::Damaged),
    });
    decoded.unwrap_or(Err(CabinetError::Damaged))
}
