//! A SOAP body as a small tree, and replacing text in it without touching any other byte.
//!
//! Comparison needs the whole message at hand, in the terms in which a peer understands it:
//! (namespace, local name), attributes in any order, white space between elements ignored. A
//! request that is sent again must keep the bytes of its recording, so what is carried over is
//! spliced in by byte range instead of being written anew.

use std::ops::Range;

use crate::wire::xml::{Element, Events, Limits, Node, XmlError, escape_text};

/// One element with what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Namespace URI, empty when unbound.
    pub namespace: String,
    /// Name without its prefix.
    pub local: String,
    /// Attributes but for namespace declarations, as (`{namespace}local`, value), sorted.
    pub attributes: Vec<(String, String)>,
    /// Character data directly in the element, references resolved.
    pub text: String,
    /// Child elements in document order.
    pub children: Vec<Tree>,
    content: Range<usize>,
    replaceable: bool,
}

impl Tree {
    /// Reads one document.
    pub fn parse(text: &str) -> Result<Self, XmlError> {
        let bare = text.trim_start_matches('\u{feff}');
        let shift = text.len() - bare.len();
        let mut events = Events::new(bare, Limits::DOCUMENT);
        let mut scope = Scope::default();
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        loop {
            let before = events.position();
            match events.advance()? {
                Node::Start(element) => {
                    scope.enter(&element, open.len())?;
                    let mut tree = Self::start(&element, &scope)?;
                    tree.content = shift + events.position()..shift + events.position();
                    open.push(tree);
                }
                Node::Text(run) => {
                    if let Some(parent) = open.last_mut() {
                        parent.text.push_str(&run);
                    }
                }
                Node::End => {
                    let Some(mut tree) = open.pop() else { return Err(XmlError::Truncated) };
                    scope.leave(open.len());
                    if tree.replaceable {
                        tree.content.end = shift + before;
                    }
                    match open.last_mut() {
                        Some(parent) => parent.children.push(tree),
                        None => root = Some(tree),
                    }
                }
                Node::Eof => return root.ok_or(XmlError::Truncated),
            }
        }
    }

    /// Reads a fragment: a run of sibling elements without a root, as in an `Xml` element.
    pub fn parse_fragment(text: &str) -> Result<Vec<Self>, XmlError> {
        Ok(Self::parse(&format!("<Fragment>{text}</Fragment>"))?.children)
    }

    /// The first child called `local`, in any namespace.
    pub fn child(&self, local: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.local == local)
    }

    /// The text of the first child called `local`, without white space around it.
    pub fn child_text(&self, local: &str) -> Option<&str> {
        self.child(local).map(|child| child.text.trim())
    }

    /// The value of the attribute `local` in no namespace.
    pub fn attribute(&self, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name == local);
        found.map(|(_, value)| value.as_str())
    }

    fn start(element: &Element<'_>, scope: &Scope) -> Result<Self, XmlError> {
        let mut attributes = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute?;
            if attribute.is_declaration() {
                continue;
            }
            let name = match attribute.prefix() {
                Some(prefix) => format!("{{{}}}{}", scope.resolve(prefix), attribute.local()),
                None => attribute.local().to_owned(),
            };
            attributes.push((name, attribute.value.into_owned()));
        }
        attributes.sort_unstable();
        Ok(Self {
            namespace: element.namespace().to_owned(),
            local: element.local().to_owned(),
            attributes,
            text: String::new(),
            children: Vec::new(),
            content: 0..0,
            replaceable: !element.self_closing(),
        })
    }
}

/// Prefixes in scope, for attribute names: the reader resolves those of elements only.
#[derive(Default)]
struct Scope {
    bindings: Vec<(usize, String, String)>,
}

impl Scope {
    fn enter(&mut self, element: &Element<'_>, depth: usize) -> Result<(), XmlError> {
        for attribute in element.attributes() {
            let attribute = attribute?;
            if let Some(prefix) = attribute.name.strip_prefix("xmlns:") {
                let namespace = attribute.value.clone().into_owned();
                self.bindings.push((depth, prefix.to_owned(), namespace));
            }
        }
        Ok(())
    }

    fn leave(&mut self, depth: usize) {
        let kept = self.bindings.iter().take_while(|(level, ..)| *level < depth).count();
        self.bindings.truncate(kept);
    }

    /// The reader refuses undeclared prefixes; `xml` needs no declaration and stands for itself.
    fn resolve<'a>(&'a self, prefix: &'a str) -> &'a str {
        let bound = self.bindings.iter().rev().find(|(_, own, _)| own == prefix);
        bound.map_or(prefix, |(.., namespace)| namespace)
    }
}

/// Texts to put in place of others, collected in document order.
#[derive(Debug, Default)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Has the content of `element` replaced by `text`. `<x/>` has no content and stays.
    pub fn replace(&mut self, element: &Tree, text: &str) {
        if element.replaceable {
            self.0.push((element.content.clone(), escape_text(text).into_owned()));
        }
    }

    /// The document with the replacements made. `text` must be what the elements were read from.
    pub fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(text.len());
        let mut rest = 0;
        for (range, replacement) in self.0 {
            out.push_str(text.get(rest..range.start).unwrap_or_default());
            out.push_str(&replacement);
            rest = range.end.max(rest);
        }
        out.push_str(text.get(rest..).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_attributes_are_known_by_namespace_not_by_prefix() {
        let one = Tree::parse(r#"<a:x xmlns:a="urn:a"><a:y a:n="1" m="2"/></a:x>"#).unwrap();
        let two = r#"<x xmlns="urn:a"><y xmlns:q="urn:a" m="2" q:n="1"></y></x>"#;
        let two = Tree::parse(two).unwrap();
        assert_eq!(one.namespace, "urn:a");
        assert_eq!(one.children[0].attributes, two.children[0].attributes);
        assert_eq!(one.children[0].attributes[1], ("{urn:a}n".into(), "1".into()));
    }

    #[test]
    fn a_prefix_ends_with_the_element_that_declared_it() {
        let text = r#"<x xmlns:a="urn:1"><y xmlns:a="urn:2"><z a:n=""/></y><z a:n=""/></x>"#;
        let tree = Tree::parse(text).unwrap();
        assert_eq!(tree.children[0].children[0].attributes[0].0, "{urn:2}n");
        assert_eq!(tree.children[1].attributes[0].0, "{urn:1}n");
    }

    #[test]
    fn only_the_replaced_text_changes() {
        let text =
            "\u{feff}<?xml version='1.0'?><a  b='1'><c>old &amp; x</c><!-- c --><d/><e></e>\n</a>";
        let tree = Tree::parse(text).unwrap();
        let mut edits = Edits::default();
        edits.replace(tree.child("c").unwrap(), "new < \u{e9}");
        edits.replace(tree.child("d").unwrap(), "lost");
        edits.replace(tree.child("e").unwrap(), "5");
        let expected =
            text.replace("old &amp; x", "new &lt; \u{e9}").replace("<e></e>", "<e>5</e>");
        assert_eq!(edits.apply(text), expected);
    }

    #[test]
    fn a_fragment_is_a_run_of_elements() {
        let fragment = Tree::parse_fragment("<A I=\"1\" /><b.B /><C xml:y=\"1\" />").unwrap();
        let names: Vec<&str> = fragment.iter().map(|tree| tree.local.as_str()).collect();
        assert_eq!(names, ["A", "b.B", "C"]);
        assert_eq!(fragment[2].attributes[0].0, "{xml}y");
        assert!(Tree::parse_fragment("</Fragment><Fragment>").is_err());
    }
}
