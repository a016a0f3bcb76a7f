//! The event stream: elements with resolved namespaces, joined text, limits enforced.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::{Limits, XSI, XmlError};

/// One start tag.
#[derive(Debug, Clone)]
pub struct Element<'a> {
    tag: BytesStart<'a>,
    namespace: Arc<str>,
    self_closing: bool,
}

/// One attribute of an element, declarations (`xmlns`, `xmlns:p`) included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name as written, prefix included.
    pub name: Cow<'a, str>,
    /// The normalised value, references resolved.
    pub value: Cow<'a, str>,
}

impl Attribute<'_> {
    /// The prefix as written, if any.
    pub fn prefix(&self) -> Option<&str> {
        self.name.split_once(':').map(|(prefix, _)| prefix)
    }

    /// The name without its prefix.
    pub fn local(&self) -> &str {
        self.name.split_once(':').map_or(&*self.name, |(_, local)| local)
    }

    /// Whether this is a namespace declaration.
    pub fn is_declaration(&self) -> bool {
        self.name == "xmlns" || self.name.starts_with("xmlns:")
    }
}

impl Element<'_> {
    /// The namespace URI, empty when unbound.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name without its prefix.
    pub fn local(&self) -> &str {
        let name = self.tag.name().into_inner();
        name.split_once(':').map_or(name, |(_, local)| local)
    }

    /// The prefix as written, if any.
    pub fn prefix(&self) -> Option<&str> {
        self.tag.name().into_inner().split_once(':').map(|(prefix, _)| prefix)
    }

    /// Whether it was written `<x/>`.
    pub fn self_closing(&self) -> bool {
        self.self_closing
    }

    /// The attributes in document order.
    pub fn attributes(&self) -> impl Iterator<Item = Result<Attribute<'_>, XmlError>> {
        self.tag.attributes().map(|attribute| {
            let attribute = attribute.map_err(|error| malformed(0, &error))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| malformed(0, &error))?
                .into_owned();
            check_characters(&value)?;
            Ok(Attribute {
                name: Cow::Owned(attribute.key.into_inner().to_owned()),
                value: Cow::Owned(value),
            })
        })
    }

    /// The value of the unprefixed attribute `name`.
    pub fn attribute(&self, name: &str) -> Result<Option<String>, XmlError> {
        for attribute in self.attributes() {
            let attribute = attribute?;
            if attribute.name == name {
                return Ok(Some(attribute.value.into_owned()));
            }
        }
        Ok(None)
    }
}

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
        let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
        reader.resolver_mut().set_max_namespace_bindings(usize::from(limits.attributes) * 4);
        Self {
            reader,
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
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
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
            let position = self.reader.buffer_position();
            let event = self.reader.read_event().map_err(|error| malformed(position, &error))?;
            match event {
                Event::Start(tag) => return self.start(tag, false),
                Event::Empty(tag) => return self.start(tag, true),
                Event::End(_) => {
                    self.depth = self.depth.checked_sub(1).ok_or(XmlError::Truncated)?;
                    return Ok(Node::End);
                }
                Event::Text(text) => {
                    let text = match text.into_inner() {
                        Cow::Borrowed(raw) => normalize_line_ends(raw),
                        Cow::Owned(raw) => Cow::Owned(normalize_line_ends(&raw).into_owned()),
                    };
                    if let Some(node) = self.text(text)? {
                        return Ok(node);
                    }
                }
                Event::CData(data) => {
                    if let Some(node) = self.text(data.into_inner())? {
                        return Ok(node);
                    }
                }
                Event::GeneralRef(reference) => {
                    let text = resolve(&reference)?;
                    if let Some(node) = self.text(text)? {
                        return Ok(node);
                    }
                }
                Event::DocType(_) => return Err(XmlError::Doctype),
                Event::Eof if self.depth > 0 || !self.seen_root => return Err(XmlError::Truncated),
                Event::Eof => return Ok(Node::Eof),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn start(&mut self, tag: BytesStart<'a>, self_closing: bool) -> Result<Node<'a>, XmlError> {
        if self.depth == 0 && self.seen_root {
            return Err(malformed(self.reader.buffer_position(), &"a second root element"));
        }
        self.seen_root = true;
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(limit("elements", self.limits.elements.into()));
        }
        if self.depth >= self.limits.depth {
            return Err(limit("levels of nesting", self.limits.depth.into()));
        }
        self.depth += 1;
        self.pending_end = self_closing;
        let name_limit = usize::from(self.limits.name);
        if tag.name().into_inner().len() > name_limit {
            return Err(limit("bytes in a name", self.limits.name.into()));
        }
        self.nil = false;
        // quick-xml compares every attribute with all earlier ones, so they are counted before
        // that check can become expensive.
        for (count, attribute) in tag.attributes().with_checks(false).enumerate() {
            if count >= usize::from(self.limits.attributes) {
                return Err(limit("attributes on an element", self.limits.attributes.into()));
            }
            let attribute = attribute.map_err(|e| malformed(self.reader.buffer_position(), &e))?;
            let name = attribute.key.into_inner();
            if name.len() > name_limit {
                return Err(limit("bytes in a name", self.limits.name.into()));
            }
            if name.ends_with(":nil") && matches!(attribute.value.trim(), "1" | "true") {
                let (resolved, _) = self.reader.resolver().resolve_attribute(attribute.key);
                self.nil |= matches!(resolved, ResolveResult::Bound(ns) if ns.into_inner() == XSI);
            }
        }
        let (resolved, _) = self.reader.resolver().resolve_element(tag.name());
        let namespace = match resolved {
            ResolveResult::Bound(namespace) => namespace.into_inner(),
            ResolveResult::Unbound => "",
            ResolveResult::Unknown(prefix) => {
                let reason = format!("prefix '{prefix}' is not declared");
                return Err(malformed(self.reader.buffer_position(), &reason));
            }
        };
        // Neighbours nearly always share a namespace: one comparison instead of an allocation.
        if *namespace != *self.last_namespace {
            self.last_namespace = Arc::from(namespace);
        }
        let namespace = Arc::clone(&self.last_namespace);
        Ok(Node::Start(Element { tag, namespace, self_closing }))
    }

    /// Text inside the root is a node; white space around it is nothing; other text is an error.
    fn text(&self, text: Cow<'a, str>) -> Result<Option<Node<'a>>, XmlError> {
        check_characters(&text)?;
        if self.depth > 0 {
            return Ok(Some(Node::Text(text)));
        }
        if text.trim().is_empty() {
            return Ok(None);
        }
        Err(malformed(self.reader.buffer_position(), &"text outside the root element"))
    }
}

fn resolve<'a>(reference: &quick_xml::events::BytesRef<'a>) -> Result<Cow<'a, str>, XmlError> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| malformed(0, &error))? {
        return Ok(Cow::Owned(character.to_string()));
    }
    match &**reference {
        "amp" => Ok(Cow::Borrowed("&")),
        "lt" => Ok(Cow::Borrowed("<")),
        "gt" => Ok(Cow::Borrowed(">")),
        "quot" => Ok(Cow::Borrowed("\"")),
        "apos" => Ok(Cow::Borrowed("'")),
        other => Err(XmlError::Entity(other.chars().take(64).collect())),
    }
}

/// XML 1.0 section 2.11: `\r\n` and a lone `\r` read as `\n`.
fn normalize_line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// XML 1.0 section 2.2 `Char`. Surrogates cannot occur in a `str`.
fn check_characters(text: &str) -> Result<(), XmlError> {
    let illegal = |c: &char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    // Control characters are single bytes and the two non-characters start with 0xEF, so plain
    // text is passed over bytewise.
    if !text.bytes().any(|byte| byte < 0x20 && !matches!(byte, 9 | 10 | 13) || byte == 0xef) {
        return Ok(());
    }
    match text.chars().find(illegal) {
        Some(character) => Err(XmlError::Character(character.into())),
        None => Ok(()),
    }
}

fn limit(what: &'static str, limit: u64) -> XmlError {
    XmlError::Limit { what, limit }
}

fn malformed(position: u64, reason: &dyn std::fmt::Display) -> XmlError {
    XmlError::Malformed { position, reason: reason.to_string().chars().take(200).collect() }
}
