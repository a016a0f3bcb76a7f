//! Content encodings: which one a client gets, and the response in it.
//!
//! Agents list `xpress` and nothing else; other stacks list `gzip`. Prepared fragments carry their
//! xpress blocks with them and go out untouched, so that encoding a page costs only the few
//! hundred bytes of text between them.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::wire::body::{Piece, Prepared};
use crate::wire::xpress::{self, XpressError};

/// A content encoding of responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// [MS-WUSP] 2.1.1.
    Xpress,
}

/// Below this length nothing is encoded: with its headers the answer fits one packet as it is, and
/// agents take a mixture. Most answers are of this kind, a scan that finds nothing new for one.
const WORTH_ENCODING: usize = 1100;

impl Coding {
    /// The value of `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Xpress => "xpress",
        }
    }

    /// Chooses by the values of all `Accept-Encoding` headers (RFC 9110 12.5.3): the highest
    /// weight wins, and xpress before gzip before identity where weights are equal.
    ///
    /// `*` does not mean xpress, which only agents know. A client that refuses even identity gets
    /// identity, as the standard allows.
    pub fn negotiate<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut xpress, mut gzip, mut identity, mut any) = (None, None, None, None);
        for element in accept.into_iter().flat_map(|value| value.split(',')) {
            let (name, weight) = parse_element(element);
            let is = |coding: &str| name.eq_ignore_ascii_case(coding);
            if is("xpress") {
                xpress = weight;
            } else if is("gzip") || is("x-gzip") {
                gzip = weight;
            } else if is("identity") {
                identity = weight;
            } else if is("*") {
                any = weight;
            }
        }
        let candidates = [
            (identity.unwrap_or(0), Self::Identity),
            (gzip.or(any).unwrap_or(0), Self::Gzip),
            (xpress.unwrap_or(0), Self::Xpress),
        ];
        // `max_by_key` keeps the last of equals.
        candidates
            .into_iter()
            .filter(|(weight, _)| *weight > 0)
            .max_by_key(|(weight, _)| *weight)
            .map_or(Self::Identity, |(_, coding)| coding)
    }
}

/// A coding's name and its weight in thousandths; a weight that cannot be read counts as none.
fn parse_element(element: &str) -> (&str, Option<u16>) {
    let Some((name, parameter)) = element.split_once(';') else {
        return (element.trim(), Some(1000));
    };
    let weight = parameter.split_once('=').and_then(|(q, value)| {
        let value: f32 = value.trim().parse().ok()?;
        let valid = q.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&value);
        valid.then(|| (value * 1000.0).round() as u16)
    });
    (name.trim(), weight)
}

/// A response body that is ready for the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The encoding it ended up in.
    pub coding: Coding,
    /// Its bytes.
    pub parts: Vec<Part>,
}

/// A piece of an encoded body. Whoever does not take xpress gets what is stored in blocks one block
/// after the other, each decoded when the one before it was taken: a client that reads slowly holds
/// the blocks, which others share, and not what they decode to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it goes out.
    Ready(Bytes),
    /// One xpress block of what goes out.
    Block {
        /// With its header.
        bytes: Bytes,
        /// Bytes that it decodes to.
        length: usize,
    },
}

impl From<Bytes> for Part {
    fn from(bytes: Bytes) -> Self {
        Self::Ready(bytes)
    }
}

impl Part {
    /// Bytes that go out.
    pub fn len(&self) -> usize {
        match self {
            Self::Ready(bytes) => bytes.len(),
            Self::Block { length, .. } => *length,
        }
    }

    /// Whether nothing goes out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What goes out.
    ///
    /// # Errors
    /// The block is damaged.
    pub fn take(self) -> Result<Bytes, XpressError> {
        match self {
            Self::Ready(bytes) => Ok(bytes),
            Self::Block { bytes, length } => Ok(xpress::decode(&bytes, length)?.into()),
        }
    }
}

/// Encodes `pieces`. Costs time in proportion to the text that was not prepared for `coding`.
///
/// # Errors
/// What was prepared is damaged.
pub fn encode(pieces: Vec<Piece>, coding: Coding) -> Result<Encoded, XpressError> {
    let length: usize = pieces.iter().map(Piece::len).sum();
    let coding = if length < WORTH_ENCODING { Coding::Identity } else { coding };
    let parts = match coding {
        Coding::Identity => plain(pieces)?,
        Coding::Xpress => encode_xpress(pieces),
        Coding::Gzip => vec![encode_gzip(pieces)?.into()],
    };
    Ok(Encoded { coding, parts })
}

/// How many bytes [`encode`] has to work on, to tell a short encoding from a long one.
pub fn effort(pieces: &[Piece], coding: Coding) -> usize {
    let ready = |piece: &Piece| match coding {
        Coding::Identity => true,
        Coding::Xpress => matches!(piece, Piece::Prepared(Prepared::Blocks { .. })),
        Coding::Gzip => false,
    };
    pieces.iter().filter(|piece| !ready(piece)).map(Piece::len).sum()
}

fn plain(pieces: Vec<Piece>) -> Result<Vec<Part>, XpressError> {
    let mut parts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Text(bytes) | Piece::Prepared(Prepared::Escaped(bytes)) => {
                parts.push(bytes.into());
            }
            Piece::Prepared(Prepared::Blocks { bytes, .. }) => {
                let blocks = xpress::blocks(&bytes)?.into_iter();
                parts.extend(
                    blocks.map(|(place, length)| Part::Block { bytes: bytes.slice(place), length }),
                );
            }
        }
    }
    parts.retain(|part| !part.is_empty());
    Ok(parts)
}

fn encode_xpress(pieces: Vec<Piece>) -> Vec<Part> {
    let mut parts = Vec::with_capacity(pieces.len());
    // Neighbouring texts share blocks: a small block compresses badly on its own.
    let mut text = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(bytes) | Piece::Prepared(Prepared::Escaped(bytes)) => {
                text.extend_from_slice(&bytes);
            }
            Piece::Prepared(Prepared::Blocks { bytes, .. }) => {
                push_encoded(&mut parts, &mut text);
                parts.push(bytes.into());
            }
        }
    }
    push_encoded(&mut parts, &mut text);
    parts
}

fn push_encoded(parts: &mut Vec<Part>, text: &mut Vec<u8>) {
    if !text.is_empty() {
        let mut blocks = Vec::new();
        xpress::encode(text, &mut blocks);
        parts.push(Bytes::from(blocks).into());
        text.clear();
    }
}

fn encode_gzip(pieces: Vec<Piece>) -> Result<Bytes, XpressError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for part in plain(pieces)? {
        // Writing to memory does not fail.
        let _ = encoder.write_all(&part.take()?);
    }
    Ok(encoder.finish().unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;
    use crate::wire::body::Prepared;

    #[test]
    fn negotiates() {
        for (accept, expected) in [
            ("", Coding::Identity),
            ("xpress", Coding::Xpress),
            ("XPRESS", Coding::Xpress),
            ("gzip, deflate, br", Coding::Gzip),
            ("gzip, xpress", Coding::Xpress),
            ("gzip;q=1.0, xpress; q=0.5", Coding::Gzip),
            ("xpress;q=0, gzip;q=0.1", Coding::Gzip),
            ("xpress;q=0", Coding::Identity),
            ("identity;q=1, gzip;q=0.5", Coding::Identity),
            ("*", Coding::Gzip),
            ("*;q=0", Coding::Identity),
            ("gzip;q=0, *", Coding::Identity),
            ("identity;q=0", Coding::Identity),
            ("xpress;q=NaN, gzip;q=-1, x-gzip;q=2", Coding::Identity),
            ("xpress;level=9", Coding::Identity),
            ("deflate", Coding::Identity),
        ] {
            assert_eq!(Coding::negotiate([accept]), expected, "{accept}");
        }
        assert_eq!(Coding::negotiate(["gzip", "xpress"]), Coding::Xpress);
    }

    /// What goes out.
    fn taken(encoded: Encoded) -> Result<Vec<u8>, XpressError> {
        let parts = encoded.parts.into_iter().map(Part::take);
        Ok(parts.collect::<Result<Vec<_>, _>>()?.concat())
    }

    #[test]
    fn who_takes_no_xpress_is_sent_block_by_block() {
        let text = "fragment ".repeat(30_000);
        let mut blocks = Vec::new();
        xpress::encode(text.as_bytes(), &mut blocks);
        let pieces = vec![Piece::Prepared(blocks_of(&text, blocks.into()))];
        let encoded = encode(pieces, Coding::Identity).expect("whole");
        assert!(encoded.parts.len() > 4);
        assert!(encoded.parts.iter().all(|part| matches!(part, Part::Block { .. })));
        assert_eq!(encoded.parts.iter().map(Part::len).sum::<usize>(), text.len());
        assert_eq!(taken(encoded).expect("whole"), text.as_bytes());
    }

    #[test]
    fn a_damaged_block_is_an_error_when_it_is_taken() {
        let text = "fragment ".repeat(500);
        let mut blocks = Vec::new();
        xpress::encode(text.as_bytes(), &mut blocks);
        blocks[8..12].fill(0xff);
        let damaged = vec![Piece::Prepared(blocks_of(&text, blocks.into()))];
        assert!(
            taken(encode(damaged.clone(), Coding::Identity).expect("its headers hold")).is_err()
        );
        assert!(encode(damaged, Coding::Gzip).is_err());
    }

    fn prepared(text: &str, xpress: Option<&[u8]>) -> Piece {
        Piece::Prepared(match xpress {
            Some(blocks) => blocks_of(text, Bytes::copy_from_slice(blocks)),
            None => Prepared::Escaped(Bytes::copy_from_slice(text.as_bytes())),
        })
    }

    fn blocks_of(text: &str, bytes: Bytes) -> Prepared {
        Prepared::Blocks { bytes, length: text.len() }
    }

    #[test]
    fn prepared_blocks_go_out_by_reference() {
        let text = "fragment ".repeat(1000);
        let mut blocks = Vec::new();
        xpress::encode(text.as_bytes(), &mut blocks);
        let stored = Bytes::from(blocks);
        let pieces = vec![
            Piece::Text("<head>".into()),
            Piece::Text("<more>".into()),
            Piece::Prepared(blocks_of(&text, stored.clone())),
            Piece::Text("<tail>".into()),
        ];
        assert_eq!(effort(&pieces, Coding::Xpress), 18);
        assert_eq!(effort(&pieces, Coding::Identity), 0);

        let encoded = encode(pieces, Coding::Xpress).expect("whole");
        assert_eq!(encoded.parts.len(), 3);
        let Part::Ready(blocks) = &encoded.parts[1] else { panic!("decoded in vain") };
        assert_eq!(blocks.as_ptr(), stored.as_ptr());
        let body = taken(encoded).expect("whole");
        let expected = format!("<head><more>{text}<tail>");
        assert_eq!(xpress::decode(&body, 1 << 20).expect("blocks"), expected.as_bytes());
    }

    #[test]
    fn damaged_blocks_are_an_error_to_who_asks_for_their_text() {
        let damaged = blocks_of("fragment", Bytes::from_static(&[1, 2, 3]));
        let pieces = vec![Piece::Text("x".repeat(WORTH_ENCODING).into()), Piece::Prepared(damaged)];
        assert!(encode(pieces.clone(), Coding::Identity).is_err());
        assert!(encode(pieces, Coding::Gzip).is_err());
    }

    #[test]
    fn short_bodies_stay_plain() {
        let short = vec![Piece::Text("x".repeat(WORTH_ENCODING - 1).into())];
        let long = vec![Piece::Text("x".repeat(WORTH_ENCODING).into())];
        let chosen =
            |pieces: &Vec<Piece>, coding| encode(pieces.clone(), coding).expect("whole").coding;
        assert_eq!(chosen(&short, Coding::Xpress), Coding::Identity);
        assert_eq!(chosen(&short, Coding::Gzip), Coding::Identity);
        assert_eq!(chosen(&long, Coding::Xpress), Coding::Xpress);
        assert_eq!(chosen(&long, Coding::Gzip), Coding::Gzip);
    }

    proptest! {
        #[test]
        fn every_coding_decodes_to_the_same_text(
            pieces in proptest::collection::vec(
                ("[a-z<>]{0,400}", any::<bool>(), any::<bool>()),
                0..8,
            ),
        ) {
            let expected: String = pieces.iter().map(|(text, ..)| text.as_str()).collect();
            let pieces: Vec<Piece> = pieces
                .iter()
                .map(|(text, is_prepared, has_blocks)| {
                    let mut blocks = Vec::new();
                    xpress::encode(text.as_bytes(), &mut blocks);
                    match is_prepared {
                        true => prepared(text, has_blocks.then_some(&blocks)),
                        false => Piece::Text(text.clone().into()),
                    }
                })
                .collect();
            for coding in [Coding::Identity, Coding::Gzip, Coding::Xpress] {
                let encoded = encode(pieces.clone(), coding).expect("whole");
                let coding = encoded.coding;
                let body = taken(encoded).expect("whole");
                let decoded = match coding {
                    Coding::Identity => body,
                    Coding::Xpress => xpress::decode(&body, 1 << 20).expect("blocks"),
                    Coding::Gzip => {
                        let mut text = Vec::new();
                        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut text).expect("gzip");
                        text
                    }
                };
                prop_assert_eq!(decoded, expected.as_bytes());
            }
        }
    }
}
