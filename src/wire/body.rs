//! A response as a list of pieces, so that a stored fragment travels to the socket by reference.

use bytes::Bytes;

/// A run of response text that was prepared when its revision was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The fragment, already escaped as element content.
    pub escaped: Bytes,
    /// The same bytes as complete xpress blocks, where that is worth storing.
    pub xpress: Option<Bytes>,
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
    /// The bytes before any content encoding.
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Text(bytes) => bytes,
            Self::Prepared(prepared) => &prepared.escaped,
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
        if fragment.escaped.len() < INLINE_BELOW
            && let Ok(text) = std::str::from_utf8(&fragment.escaped)
        {
            self.text.push_str(text);
            return;
        }
        self.flush();
        self.length += fragment.escaped.len();
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
