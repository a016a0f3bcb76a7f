//! A response as a list of pieces, so that a stored fragment travels to the socket by reference.

use bytes::Bytes;

use super::xpress::{self, XpressError};

/// A run of response text that was prepared when its revision was imported, in the form in which
/// nearly every client takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// Escaped as element content.
    Escaped(Bytes),
    /// The same as complete xpress blocks.
    Blocks {
        /// The blocks.
        bytes: Bytes,
        /// Bytes that they decode to.
        length: usize,
    },
}

impl Prepared {
    /// Bytes of the escaped text.
    pub fn len(&self) -> usize {
        match self {
            Self::Escaped(bytes) => bytes.len(),
            Self::Blocks { length, .. } => *length,
        }
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that are held.
    pub fn held(&self) -> usize {
        match self {
            Self::Escaped(bytes) | Self::Blocks { bytes, .. } => bytes.len(),
        }
    }

    /// The escaped text, whole: blocks are decoded each time. What is sent goes out block by block.
    ///
    /// # Errors
    /// The blocks are not what was once encoded.
    pub fn escaped(&self) -> Result<Bytes, XpressError> {
        match self {
            Self::Escaped(bytes) => Ok(bytes.clone()),
            Self::Blocks { bytes, length } => Ok(xpress::decode(bytes, *length)?.into()),
        }
    }
}

/// One piece of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text written for this response.
    Text(Bytes),
    /// Text that was stored ready for the wire.
    Prepared(Prepared),
}

impl Piece {
    /// Bytes before any content encoding.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(bytes) => bytes.len(),
            Self::Prepared(prepared) => prepared.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes before any content encoding.
    ///
    /// # Errors
    /// See [`Prepared::escaped`].
    pub fn bytes(&self) -> Result<Bytes, XpressError> {
        match self {
            Self::Text(bytes) => Ok(bytes.clone()),
            Self::Prepared(prepared) => prepared.escaped(),
        }
    }
}

/// Collects a response: text is appended to a buffer, prepared fragments are passed by reference.
#[derive(Debug)]
pub struct BodyWriter {
    pieces: Vec<Piece>,
    text: String,
    length: usize,
}

/// Bytes of text for which there is room from the start: an answer without news takes no more.
const TEXT_EXPECTED: usize = 1024;

/// Below this size a fragment is copied into the text around it: one write of many small pieces
/// costs more than the copy, and a small block compresses badly on its own.
const INLINE_BELOW: usize = 1024;

impl Default for BodyWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl BodyWriter {
    /// An empty response.
    pub fn new() -> Self {
        Self { pieces: Vec::new(), text: String::with_capacity(TEXT_EXPECTED), length: 0 }
    }

    /// The buffer for text.
    pub fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Appends a prepared fragment.
    pub fn prepared(&mut self, fragment: &Prepared) {
        if let Prepared::Escaped(bytes) = fragment
            && bytes.len() < INLINE_BELOW
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            self.text.push_str(text);
            return;
        }
        self.flush();
        self.length += fragment.len();
        self.pieces.push(Piece::Prepared(fragment.clone()));
    }

    /// Bytes written so far, before any content encoding.
    pub fn len(&self) -> usize {
        self.length + self.text.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces in order.
    pub fn finish(mut self) -> Vec<Piece> {
        self.flush();
        self.pieces
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::replace(&mut self.text, String::with_capacity(TEXT_EXPECTED));
            self.length += text.len();
            self.pieces.push(Piece::Text(Bytes::from(text)));
        }
    }
}
