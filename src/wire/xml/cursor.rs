//! A cursor for reading typed messages top-down.
//!
//! [`Cursor::enter_child`] steps onto the next child element. The caller then does exactly one of:
//! read its text, read its children (until `enter_child` says there are no more), or skip it.

use std::borrow::Cow;

use super::{Element, Events, Limits, Node, XmlError};

/// Sees every step through a document that somebody else reads.
pub trait Watch {
    /// Is told of a step, before it is acted on. What is refused by the reader is not told of.
    fn see(&mut self, node: &Node<'_>);
}

/// Reads one document element by element.
pub struct Cursor<'a> {
    events: Events<'a>,
    watch: Option<&'a mut (dyn Watch + Send)>,
    current: Option<Element<'a>>,
    /// Whether the last step ended `current`.
    ended: bool,
}

impl<'a> Cursor<'a> {
    /// Starts before the root element of `text`.
    pub fn new(text: &'a str, limits: Limits) -> Self {
        Self { events: Events::new(text, limits), watch: None, current: None, ended: false }
    }

    /// The same, with somebody who sees every step.
    pub fn watched(text: &'a str, limits: Limits, watch: &'a mut (dyn Watch + Send)) -> Self {
        Self { watch: Some(watch), ..Self::new(text, limits) }
    }

    /// Steps onto the next child of the current element (at first: onto the root element).
    ///
    /// Returns false once the current element has ended; the next call then goes on in its parent.
    pub fn enter_child(&mut self) -> Result<bool, XmlError> {
        self.ended = false;
        loop {
            match self.advance()? {
                Node::Start(element) => {
                    self.current = Some(element);
                    return Ok(true);
                }
                Node::End | Node::Eof => return Ok(false),
                // Mixed content does not occur in the contracts; stray text is no reason to
                // refuse an otherwise readable message.
                Node::Text(_) => {}
            }
        }
    }

    /// The local name of the element stepped onto last.
    pub fn local(&self) -> &str {
        self.current.as_ref().map_or("", Element::local)
    }

    /// The namespace of the element stepped onto last.
    pub fn namespace(&self) -> &str {
        self.current.as_ref().map_or("", Element::namespace)
    }

    /// The element stepped onto last.
    pub fn element(&self) -> Option<&Element<'a>> {
        self.current.as_ref()
    }

    /// Whether the element stepped onto last is `xsi:nil`. It still has to be read or skipped.
    pub fn is_nil(&self) -> bool {
        self.events.last_is_nil()
    }

    /// Reads the text of the current element up to its end. Child elements are skipped.
    pub fn text(&mut self) -> Result<Cow<'a, str>, XmlError> {
        let mut text = Cow::Borrowed("");
        loop {
            match self.advance()? {
                Node::Text(run) if text.is_empty() => text = run,
                Node::Text(run) => text.to_mut().push_str(&run),
                Node::Start(_) => self.skip()?,
                Node::End => {
                    self.ended = true;
                    return Ok(text);
                }
                Node::Eof => return Err(XmlError::Truncated),
            }
        }
    }

    /// Right after the text of an element without attributes was read: reads the siblings that
    /// follow it for as long as they are written exactly like it, around one to eight digits, but
    /// at most `most` of them. Each number goes to `take`.
    ///
    /// It never fails, and may read fewer than there are, or none: what is left is read as if this
    /// had not been called.
    pub fn numbers_alike(&mut self, most: usize, take: impl FnMut(u32)) {
        // Who watches sees each step, so none may be left out.
        if self.ended
            && self.watch.is_none()
            && let Some(element) = &self.current
        {
            self.events.numbers_alike(element, most, take);
        }
    }

    /// Passes over the rest of the current element.
    pub fn skip(&mut self) -> Result<(), XmlError> {
        self.ended = false;
        let outside = self.events.depth().saturating_sub(1);
        loop {
            match self.advance()? {
                Node::End if self.events.depth() == outside => return Ok(()),
                Node::Eof => return Err(XmlError::Truncated),
                _ => {}
            }
        }
    }

    /// Checks that nothing but white space and comments follows the root element.
    pub fn finish(mut self) -> Result<(), XmlError> {
        match self.advance()? {
            Node::Eof => Ok(()),
            _ => Err(XmlError::Truncated),
        }
    }

    fn advance(&mut self) -> Result<Node<'a>, XmlError> {
        let node = self.events.advance()?;
        if let Some(watch) = &mut self.watch {
            watch.see(&node);
        }
        Ok(node)
    }
}
