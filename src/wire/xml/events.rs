//! The event stream: elements with resolved namespaces, joined text, limits enforced.

use std::borrow::Cow;

use super::characters::{
    Marks, check_characters, is_qualified_name, is_white, normalize_line_ends,
};
use super::element::Element;
use super::namespaces::Namespaces;
use super::numbers::Tags;
use super::references;
use super::scanner::{Scanner, Tag, Token};
use super::{Limits, XmlError, start_tag};

/// One step through a document.
#[derive(Debug)]
pub enum Node<'a> {
    /// A start tag; a matching [`Node::End`] follows, also for `<x/>`.
    Start(Element<'a>),
    /// The end of the innermost open element.
    End,
    /// A run of character data, references resolved. Runs split at references: join them.
    Text(Cow<'a, str>),
    /// The end of the document, after the root closed.
    Eof,
}

/// A pull reader over one document in memory.
pub struct Events<'a> {
    scanner: Scanner<'a>,
    limits: Limits,
    /// Names of the elements that are open.
    open: Vec<&'a str>,
    namespaces: Namespaces<'a>,
    elements: u32,
    seen_root: bool,
    pending_end: bool,
    nil: bool,
}

impl<'a> Events<'a> {
    /// Starts at the beginning of `text`, which may carry a byte order mark.
    pub fn new(text: &'a str, limits: Limits) -> Self {
        Self {
            scanner: Scanner::new(text.strip_prefix('\u{feff}').unwrap_or(text)),
            limits,
            open: Vec::new(),
            namespaces: Namespaces::new(usize::from(limits.attributes) * 4),
            elements: 0,
            seen_root: false,
            pending_end: false,
            nil: false,
        }
    }

    /// How many elements are open.
    pub fn depth(&self) -> u16 {
        // Never more than a limit of this type.
        u16::try_from(self.open.len()).unwrap_or(u16::MAX)
    }

    /// Byte offset in the text after the step taken last; a byte order mark is not counted.
    ///
    /// After a start tag it is where the element's content begins, and before an end tag where it
    /// ends, which lets a caller replace content and keep every other byte.
    pub fn position(&self) -> usize {
        self.scanner.position()
    }

    /// Whether the element last started carries `xsi:nil` with the value `true` or `1`.
    pub fn last_is_nil(&self) -> bool {
        self.nil
    }

    /// The next step. Comments and processing instructions are passed over.
    pub fn advance(&mut self) -> Result<Node<'a>, XmlError> {
        if self.pending_end {
            self.pending_end = false;
            return Ok(self.end());
        }
        if self.open.last().is_some_and(|name| self.scanner.end_of(name)) {
            return Ok(self.end());
        }
        loop {
            let position = self.position();
            match self.scanner.advance()? {
                Token::Start(tag) => return self.start(tag),
                Token::End(name) => return self.end_named(name, position),
                Token::Text(text, marks) => {
                    if let Some(text) = self.text(text, marks, position)? {
                        return Ok(Node::Text(text));
                    }
                }
                Token::CData(_) | Token::Reference(_) if self.open.is_empty() => {
                    return Err(outside(position));
                }
                Token::CData(text) => {
                    check_characters(text)?;
                    return Ok(Node::Text(normalize_line_ends(text)));
                }
                Token::Reference(name) => {
                    return Ok(Node::Text(references::resolve(name, position)?));
                }
                Token::Comment(comment) => check_characters(comment)?,
                Token::Instruction(instruction) => check_instruction(instruction, position)?,
                Token::Doctype => return Err(XmlError::Doctype),
                Token::Eof if self.open.is_empty() && self.seen_root => return Ok(Node::Eof),
                Token::Eof => return Err(XmlError::Truncated),
            }
        }
    }

    /// Reads siblings of `element`, which ended with the step taken last, as
    /// [`Cursor::numbers_alike`](super::Cursor::numbers_alike) says.
    pub(super) fn numbers_alike(
        &mut self,
        element: &Element<'_>,
        most: usize,
        take: impl FnMut(u32),
    ) {
        let Tag { name, attributes, self_closing } = element.tag;
        if self.pending_end || self_closing || !attributes.is_empty() {
            return;
        }
        let Some(tags) = Tags::of(name) else { return };
        let left = self.limits.elements.saturating_sub(self.elements);
        let most = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        let run = tags.read(self.scanner.rest().as_bytes(), most, take);
        self.scanner.pass(run.bytes);
        self.elements += u32::try_from(run.elements).unwrap_or(u32::MAX);
    }

    fn start(&mut self, tag: Tag<'a>) -> Result<Node<'a>, XmlError> {
        let position = self.position();
        if self.open.is_empty() && self.seen_root {
            return Err(XmlError::malformed(position, "a second root element"));
        }
        self.seen_root = true;
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(XmlError::limit("elements", self.limits.elements));
        }
        let depth = self.depth();
        if depth >= self.limits.depth {
            return Err(XmlError::limit("levels of nesting", self.limits.depth));
        }
        let namespaces = &mut self.namespaces;
        let (element, nil) = start_tag::check(tag, namespaces, depth, &self.limits, position)?;
        self.nil = nil;
        self.open.push(tag.name);
        self.pending_end = tag.self_closing;
        Ok(Node::Start(element))
    }

    fn end_named(&mut self, name: &str, position: usize) -> Result<Node<'a>, XmlError> {
        match self.open.last() {
            Some(open) if *open == name => Ok(self.end()),
            Some(open) => {
                let reason = format_args!("'</{name}>' where '{open}' is open");
                Err(XmlError::malformed(position, reason))
            }
            None => Err(XmlError::malformed(position, format_args!("'</{name}>' ends nothing"))),
        }
    }

    fn end(&mut self) -> Node<'a> {
        self.open.pop();
        self.namespaces.end(self.depth());
        Node::End
    }

    /// The text, if it is inside the root element.
    fn text(
        &self,
        text: &'a str,
        marks: Marks,
        position: usize,
    ) -> Result<Option<Cow<'a, str>>, XmlError> {
        if marks.has_bracket() && text.contains("]]>") {
            return Err(XmlError::malformed(position, "']]>' outside a CDATA section"));
        }
        if marks.may_be_illegal() {
            check_characters(text)?;
        }
        if self.open.is_empty() {
            let is_white = text.chars().all(is_white);
            return if is_white { Ok(None) } else { Err(outside(position)) };
        }
        let has_return = marks.has_return();
        Ok(Some(if has_return { normalize_line_ends(text) } else { Cow::Borrowed(text) }))
    }
}

/// What stands between `<?` and `?>` at byte `position`: an instruction, or the declaration of the
/// document, whose encoding was seen to before.
fn check_instruction(instruction: &str, position: usize) -> Result<(), XmlError> {
    check_characters(instruction)?;
    let target = instruction.split(is_white).next().unwrap_or_default();
    if target == "xml" && position == 0 {
        return Ok(());
    }
    if target.eq_ignore_ascii_case("xml") {
        return Err(XmlError::malformed(position, "an XML declaration after the start"));
    }
    if !is_qualified_name(target) {
        return Err(XmlError::malformed(position, "a processing instruction without a name"));
    }
    Ok(())
}

fn outside(position: usize) -> XmlError {
    XmlError::malformed(position, "text outside the root element")
}
