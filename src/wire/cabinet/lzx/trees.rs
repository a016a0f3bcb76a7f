//! The codes of a block, and how their lengths are told: as differences to those of the block
//! before, under a small code of their own ([MS-PATCH] 2.5, 2.6).

use super::bits::BitWriter;
use super::huffman;
use super::tokens::{LONGEST, SHORTEST, SLOTS, Token};

const MAIN: usize = 256 + 8 * SLOTS;
const LENGTHS: usize = LONGEST - SHORTEST - 7 + 1;
/// Longest code of the two trees, and of the code for their lengths.
const LIMIT: u8 = 16;
const PRETREE_LIMIT: u8 = 15;
const PRETREE: usize = 20;
/// Symbols of the pretree for runs of lengths that are zero: 4 to 19, and 20 to 51 of them.
const SOME_ZEROS: usize = 17;
const MANY_ZEROS: usize = 18;

/// The code lengths of the last block; all zero before the first.
#[derive(Clone)]
pub(super) struct Trees {
    main: Vec<u8>,
    length: Vec<u8>,
}

impl Default for Trees {
    fn default() -> Self {
        Self { main: vec![0; MAIN], length: vec![0; LENGTHS] }
    }
}

/// A block's codes.
pub(super) struct Codes {
    pub(super) main: Code,
    pub(super) length: Code,
}

/// One code: bits and how many, by symbol.
pub(super) struct Code(Vec<(u32, u8)>);

impl Code {
    fn new(lengths: &[u8]) -> Self {
        Self(huffman::codes(lengths).into_iter().zip(lengths.iter().copied()).collect())
    }

    /// Writes the code of `symbol`.
    pub(super) fn put(&self, out: &mut BitWriter, symbol: usize) {
        if let Some((code, length)) = self.0.get(symbol) {
            out.put(*code, u32::from(*length));
        }
    }
}

impl Trees {
    /// Makes the codes for `tokens` and writes their lengths.
    pub(super) fn write<'t>(
        &mut self,
        out: &mut BitWriter,
        tokens: impl Iterator<Item = &'t Token>,
    ) -> Codes {
        let (mut main, mut length) = (vec![0_u32; MAIN], vec![0_u32; LENGTHS]);
        for token in tokens {
            main[token.main_symbol()] += 1;
            if let Some(symbol) = token.length_symbol() {
                length[symbol] += 1;
            }
        }
        let main = huffman::lengths(&main, LIMIT);
        let length = huffman::lengths(&length, LIMIT);
        write_lengths(out, &self.main[..256], &main[..256]);
        write_lengths(out, &self.main[256..], &main[256..]);
        write_lengths(out, &self.length, &length);
        let codes = Codes { main: Code::new(&main), length: Code::new(&length) };
        (self.main, self.length) = (main, length);
        codes
    }
}

/// Writes the code lengths `new` of symbols that had the lengths `old`.
fn write_lengths(out: &mut BitWriter, old: &[u8], new: &[u8]) {
    let steps = steps(old, new);
    let mut counts = vec![0; PRETREE];
    steps.iter().for_each(|step| counts[step.symbol] += 1);
    let pretree = huffman::lengths(&counts, PRETREE_LIMIT);
    pretree.iter().for_each(|length| out.put(u32::from(*length), 4));
    let pretree = Code::new(&pretree);
    for Step { symbol, footer, bits } in steps {
        pretree.put(out, symbol);
        out.put(footer, bits);
    }
}

/// One symbol of the pretree, and what follows it.
struct Step {
    symbol: usize,
    footer: u32,
    bits: u32,
}

fn steps(old: &[u8], new: &[u8]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = 0;
    while let (Some(was), Some(is)) = (old.get(at), new.get(at)) {
        let zeros = new[at..].iter().take_while(|length| **length == 0).count();
        let (step, count) = match zeros {
            0..4 => {
                let symbol = (17 + usize::from(*was) - usize::from(*is)) % 17;
                (Step { symbol, footer: 0, bits: 0 }, 1)
            }
            4..20 => (Step { symbol: SOME_ZEROS, footer: zeros as u32 - 4, bits: 4 }, zeros),
            _ => {
                let count = zeros.min(51);
                (Step { symbol: MANY_ZEROS, footer: count as u32 - 20, bits: 5 }, count)
            }
        };
        steps.push(step);
        at += count;
    }
    steps
}
