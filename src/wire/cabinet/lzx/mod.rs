//! LZX as cabinets have it ([MS-CAB], and [MS-PATCH] 2 for the stream), the compressing side.
//!
//! Downstream servers accept documents above 5 KB in this compression only, and no library here
//! writes it. How well it compresses is of little account next to how fast: a document is
//! compressed once, and its text is mostly repetition. So matches are taken greedily from short
//! hash chains, there is one kind of block (verbatim), and x86 translation is off.

mod bits;
mod huffman;
mod matches;
mod tokens;
mod trees;

use bits::BitWriter;
use matches::Matcher;
use tokens::{RecentOffsets, Token};
use trees::Trees;

/// Bytes that one data block of a cabinet unpacks to; only the last may have fewer. No match
/// crosses from one into the next.
pub(super) const FRAME: usize = 32 * 1024;

/// Bytes, as a power of two, that a match may reach back: 2 MiB, as real servers write.
pub(super) const WINDOW_BITS: u16 = 21;

/// Frames that share their code lengths.
const FRAMES_IN_BLOCK: usize = 8;

/// Most bytes that a data block may have: what readers of cabinets make room for.
const PACKED_LIMIT: usize = FRAME + 6144;

/// Kind of a block: matches with plain offsets ([MS-PATCH] 2.3.1).
const VERBATIM: u32 = 1;

/// Compresses `bytes`: one piece for each [`FRAME`] of them.
pub(super) fn compress(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut stream =
        Stream { trees: Trees::default(), recent: RecentOffsets::default(), first: true };
    let mut matcher = Matcher::new(bytes);
    let mut pieces = Vec::with_capacity(bytes.len().div_ceil(FRAME));
    for block in bytes.chunks(FRAME * FRAMES_IN_BLOCK) {
        let before = stream.clone();
        let frames =
            block.chunks(FRAME).map(|frame| matcher.tokens(frame.len(), &mut stream.recent));
        let frames: Vec<Vec<Token>> = frames.collect();
        let packed = stream.block(block.len(), &frames);
        if packed.iter().all(|piece| piece.len() <= PACKED_LIMIT) {
            pieces.extend(packed);
        } else {
            // Noise, or a frame that is nothing like its neighbours. With code lengths of its own
            // and without matches a frame grows by its code lengths at most.
            stream = before;
            for frame in block.chunks(FRAME) {
                let literals = frame.iter().map(|byte| Token::Literal(*byte)).collect();
                pieces.extend(stream.block(frame.len(), &[literals]));
            }
        }
    }
    pieces
}

/// What carries over from one block to the next.
#[derive(Clone)]
struct Stream {
    trees: Trees,
    recent: RecentOffsets,
    /// Whether nothing was written yet.
    first: bool,
}

impl Stream {
    /// Writes one block that unpacks to `length` bytes, cut where its frames end.
    fn block(&mut self, length: usize, frames: &[Vec<Token>]) -> Vec<Vec<u8>> {
        let mut out = BitWriter::default();
        if std::mem::take(&mut self.first) {
            // No translation of x86 calls.
            out.put(0, 1);
        }
        out.put(VERBATIM, 3);
        // Blocks are far below 16 MiB.
        out.put((length >> 8) as u32, 16);
        out.put((length & 0xff) as u32, 8);
        let codes = self.trees.write(&mut out, frames.iter().flatten());
        let pieces = frames.iter().map(|frame| {
            frame.iter().for_each(|token| token.write(&mut out, &codes));
            out.finish_piece()
        });
        pieces.collect()
    }
}
