//! Decoding: every read checked, and no allocation that the caller's limit does not cover.

use std::ops::Range;

use super::{BYTE, LENGTH_BITS, MAX_BLOCK, MIN_MATCH, NIBBLE, XpressError};
use crate::wire::little_endian::Reader;

/// Bytes of a block's header.
const HEADER: usize = 8;

/// Decodes a whole body of blocks.
///
/// `limit` is the most bytes of output accepted. What all headers claim together is held against
/// it before any memory is taken, so that a body costs at most `limit` bytes.
pub fn decode(input: &[u8], limit: usize) -> Result<Vec<u8>, XpressError> {
    let mut total = 0;
    let mut headers = Reader::new(input);
    while let Some((original, _)) = next_block(&mut headers)? {
        if original > limit - total {
            return Err(XpressError::Limit { limit });
        }
        total += original;
    }

    let mut out = Vec::with_capacity(total);
    let mut blocks = Reader::new(input);
    while let Some((original, bytes)) = next_block(&mut blocks)? {
        if bytes.len() == original {
            out.extend_from_slice(bytes);
        } else {
            payload(bytes, original, &mut out)?;
        }
    }
    Ok(out)
}

/// Where each block of a body lies, with its header, and how many bytes it decodes to: for who decodes
/// them one by one.
pub fn blocks(input: &[u8]) -> Result<Vec<(Range<usize>, usize)>, XpressError> {
    let mut blocks = Vec::new();
    let mut body = Reader::new(input);
    let mut start = 0;
    while let Some((original, bytes)) = next_block(&mut body)? {
        let end = start + HEADER + bytes.len();
        blocks.push((start..end, original));
        start = end;
    }
    Ok(blocks)
}

/// The next block of a body: its original size, and its bytes.
fn next_block<'a>(body: &mut Reader<'a>) -> Result<Option<(usize, &'a [u8])>, XpressError> {
    if body.is_empty() {
        return Ok(None);
    }
    let original = block_size(body.u32()?)?;
    let compressed = block_size(body.u32()?)?;
    Ok(Some((original, body.take(compressed)?)))
}

fn block_size(size: u32) -> Result<usize, XpressError> {
    match usize::try_from(size) {
        Ok(size) if size <= MAX_BLOCK => Ok(size),
        _ => Err(XpressError::BlockSize(size)),
    }
}

/// Appends exactly `original` bytes, decoded from one block's plain LZ77 bytes.
fn payload(block: &[u8], original: usize, out: &mut Vec<u8>) -> Result<(), XpressError> {
    let start = out.len();
    let end = start + original;
    let mut input = Reader::new(block);
    let mut flags = Flags::default();
    let mut shared_nibble = None;
    loop {
        if !flags.next(&mut input)? {
            if out.len() == end {
                return Err(XpressError::Size);
            }
            out.push(input.u8()?);
            continue;
        }
        if input.is_empty() {
            return if out.len() == end { Ok(()) } else { Err(XpressError::Size) };
        }
        let (offset, length) = read_match(&mut input, &mut shared_nibble)?;
        if offset > out.len() - start {
            return Err(XpressError::Offset);
        }
        if length > end - out.len() {
            return Err(XpressError::Size);
        }
        copy(out, offset, length);
    }
}

/// Reads a match: how far back it starts, and its length.
fn read_match(
    input: &mut Reader<'_>,
    shared_nibble: &mut Option<u8>,
) -> Result<(usize, usize), XpressError> {
    let head = usize::from(input.u16()?);
    let offset = (head >> 3) + 1;
    let mut length = head & LENGTH_BITS;
    if length == LENGTH_BITS {
        let nibble = match shared_nibble.take() {
            Some(high) => high,
            None => {
                let byte = input.u8()?;
                *shared_nibble = Some(byte >> 4);
                byte & 0xf
            }
        };
        length += usize::from(nibble);
        if usize::from(nibble) == NIBBLE {
            let byte = usize::from(input.u8()?);
            length += byte;
            if byte == BYTE {
                length = usize::from(input.u16()?);
                // A zero would open a fourth field of four bytes ([MS-XCA] 2.3.4): no match
                // within a block is that long.
                if length < LENGTH_BITS + NIBBLE {
                    return Err(XpressError::Length);
                }
            }
        }
    }
    Ok((offset, length + MIN_MATCH))
}

/// Appends `length` bytes that start `offset` back. A match longer than its offset repeats itself,
/// and each pass doubles what can be copied at once.
fn copy(out: &mut Vec<u8>, offset: usize, length: usize) {
    let from = out.len() - offset;
    let end = out.len() + length;
    while out.len() < end {
        let run = (out.len() - from).min(end - out.len());
        out.extend_from_within(from..from + run);
    }
}

/// The bits that tell literals (0) from matches (1), 32 at a time, the highest first.
#[derive(Default)]
struct Flags {
    bits: u32,
    left: u32,
}

impl Flags {
    fn next(&mut self, input: &mut Reader<'_>) -> Result<bool, XpressError> {
        if self.left == 0 {
            self.bits = input.u32()?;
            self.left = u32::BITS;
        }
        self.left -= 1;
        Ok(self.bits >> self.left & 1 == 1)
    }
}
