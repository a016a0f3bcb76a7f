//! The event stream: elements with resolved namespaces, joined text, limits enforced.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::characters::{check_characters, is_qualified_name, legal_start, normalize_line_ends};
use super::element::Element;
use super::numbers::Tags;
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
    reader: NsReader<&'a [u8]>,
    /// Bytes that were taken from under the reader, which does not count them.
    taken: u64,
    limits: Limits,
    depth: u16,
    elements: u32,
    seen_root: bool,
    pending_end: bool,
    last_namespace: Arc<str>,
    nil: bool,
}

impl<'a> Events<'a> {
    /// Starts at the beginning of `text`, which may carry a byte order mark.
    pub fn new(text: &'a str, limits: Limits) -> Self {
        let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        reader.config_mut().check_comments = true;
        reader.resolver_mut().set_max_namespace_bindings(usize::from(limits.attributes) * 4);
        Self {
            reader,
            taken: 0,
            limits,
            depth: 0,
            elements: 0,
            seen_root: false,
            pending_end: false,
            last_namespace: Arc::from(""),
            nil: false,
        }
    }

    /// How many elements are open.
    pub fn depth(&self) -> u16 {
        self.depth
    }

    /// Byte offset in the text after the step taken last; a byte order mark is not counted.
    ///
    /// After a start tag it is where the element's content begins, and before an end tag where it
    /// ends, which lets a caller replace content and keep every other byte.
    pub fn position(&self) -> usize {
        usize::try_from(self.offset()).unwrap_or(usize::MAX)
    }

    /// Whether the element last started carries `xsi:nil` with the value `true` or `1`.
    pub fn last_is_nil(&self) -> bool {
        self.nil
    }

    /// The next step. Comments and processing instructions are passed over.
    pub fn advance(&mut self) -> Result<Node<'a>, XmlError> {
        if self.pending_end {
            self.pending_end = false;
            self.depth -= 1;
            return Ok(Node::End);
        }
        loop {
            let position = self.offset();
            let event = self.reader.read_event().map_err(|error| malformed(position, &error))?;
            match event {
                Event::Start(tag) => return self.start(tag, false),
                Event::Empty(tag) => return self.start(tag, true),
                Event::End(_) => {
                    self.depth = self.depth.checked_sub(1).ok_or(XmlError::Truncated)?;
                    return Ok(Node::End);
                }
                Event::Text(text) => {
                    let text = text.into_inner();
                    if text.contains("]]>") {
                        return Err(malformed(position, &"']]>' outside a CDATA section"));
                    }
                    check_characters(&text)?;
                    if self.depth > 0 {
                        return Ok(Node::Text(normalize_line_ends(text)));
                    }
                    if !text.trim_ascii().is_empty() {
                        return Err(outside(position));
                    }
                }
                Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                    return Err(outside(position));
                }
                Event::CData(data) => {
                    let text = data.into_inner();
                    check_characters(&text)?;
                    return Ok(Node::Text(normalize_line_ends(text)));
                }
                Event::GeneralRef(reference) => {
                    let text = resolve(&reference, position)?;
                    check_characters(&text)?;
                    return Ok(Node::Text(text));
                }
                Event::DocType(_) => return Err(XmlError::Doctype),
                Event::Eof if self.depth > 0 || !self.seen_root => return Err(XmlError::Truncated),
                Event::Eof => return Ok(Node::Eof),
                Event::Comment(comment) => check_characters(&comment)?,
                Event::PI(instruction) => {
                    check_characters(&instruction)?;
                    if !is_qualified_name(instruction.target()) {
                        return Err(malformed(
                            position,
                            &"a processing instruction without a name",
                        ));
                    }
                }
                Event::Decl(_) if position == 0 => {}
                Event::Decl(_) => {
                    return Err(malformed(position, &"an XML declaration after the start"));
                }
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
        let name = element.tag.name().into_inner();
        // Between an end tag and what follows it the reader holds nothing back, so the text can
        // be taken from under it.
        if self.pending_end || element.self_closing || element.tag.len() != name.len() {
            return;
        }
        let Some(tags) = Tags::of(name) else { return };
        let left = self.limits.elements.saturating_sub(self.elements);
        let most = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        let text = self.reader.get_mut();
        let run = tags.read(text, most, take);
        *text = text.get(run.bytes..).unwrap_or_default();
        self.taken += run.bytes as u64;
        self.elements += u32::try_from(run.elements).unwrap_or(u32::MAX);
    }

    /// Bytes read so far.
    fn offset(&self) -> u64 {
        self.reader.buffer_position() + self.taken
    }

    fn start(&mut self, tag: BytesStart<'a>, self_closing: bool) -> Result<Node<'a>, XmlError> {
        if self.depth == 0 && self.seen_root {
            return Err(malformed(self.offset(), &"a second root element"));
        }
        self.seen_root = true;
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(limit("elements", self.limits.elements.into()));
        }
        if self.depth >= self.limits.depth {
            return Err(limit("levels of nesting", self.limits.depth.into()));
        }
        let position = self.offset();
        let resolver = self.reader.resolver();
        self.nil = start_tag::check(&tag, resolver, &self.limits, position)?;
        let namespace = match resolver.resolve_element(tag.name()).0 {
            ResolveResult::Bound(namespace) => namespace.into_inner(),
            ResolveResult::Unbound => "",
            ResolveResult::Unknown(prefix) => return Err(start_tag::undeclared(&prefix, position)),
        };
        self.depth += 1;
        self.pending_end = self_closing;
        // Neighbours nearly always share a namespace: one comparison instead of an allocation.
        if *namespace != *self.last_namespace {
            self.last_namespace = Arc::from(namespace);
        }
        let namespace = Arc::clone(&self.last_namespace);
        Ok(Node::Start(Element { tag, namespace, self_closing }))
    }
}

fn resolve<'a>(reference: &BytesRef<'a>, position: u64) -> Result<Cow<'a, str>, XmlError> {
    let character = reference.resolve_char_ref().map_err(|error| malformed(position, &error))?;
    if let Some(character) = character {
        return Ok(Cow::Owned(character.to_string()));
    }
    match &**reference {
        "amp" => Ok(Cow::Borrowed("&")),
        "lt" => Ok(Cow::Borrowed("<")),
        "gt" => Ok(Cow::Borrowed(">")),
        "quot" => Ok(Cow::Borrowed("\"")),
        "apos" => Ok(Cow::Borrowed("'")),
        other => Err(XmlError::Entity(legal_start(other, 64))),
    }
}

pub(super) fn limit(what: &'static str, limit: u64) -> XmlError {
    XmlError::Limit { what, limit }
}

pub(super) fn malformed(position: u64, reason: &dyn std::fmt::Display) -> XmlError {
    XmlError::Malformed { position, reason: legal_start(&reason.to_string(), 200) }
}

fn outside(position: u64) -> XmlError {
    malformed(position, &"text outside the root element")
}
