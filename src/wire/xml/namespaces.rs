//! The namespaces that prefixes stand for (Namespaces in XML 1.0).
//!
//! Few declarations are in force at a time, so they lie in one list, the innermost last.

/// The namespace of `xml:lang`, bound to its prefix without a declaration.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of declarations, which nothing else may be bound to.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The declarations in force.
#[derive(Debug)]
pub(super) struct Namespaces<'a> {
    declarations: Vec<Declaration<'a>>,
    most: usize,
}

#[derive(Debug, Clone, Copy)]
struct Declaration<'a> {
    prefix: &'a str,
    namespace: &'a str,
    /// How deep the element is that carries it.
    depth: u16,
}

impl<'a> Namespaces<'a> {
    /// None yet, and never more than `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { declarations: Vec::new(), most }
    }

    /// Takes a declaration on an element; the prefix is empty for `xmlns` itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn declare(
        &mut self,
        prefix: &'a str,
        namespace: &'a str,
        depth: u16,
    ) -> Result<(), &'static str> {
        match (prefix, namespace) {
            ("xml", XML) => return Ok(()),
            ("xml" | "xmlns", _) => return Err("a prefix of XML itself is declared"),
            (_, XML | XMLNS) => return Err("a namespace of XML itself has another prefix"),
            _ if self.declarations.len() >= self.most => {
                return Err("too many namespaces are declared");
            }
            _ => {}
        }
        self.declarations.push(Declaration { prefix, namespace, depth });
        Ok(())
    }

    /// Forgets the declarations of the element at `depth`, which ends.
    pub(super) fn end(&mut self, depth: u16) {
        while self.declarations.pop_if(|it| it.depth >= depth).is_some() {}
    }

    /// The namespace of a prefix, or without one, of an element: empty when there is none. Nothing
    /// when the prefix is not declared.
    pub(super) fn of(&self, prefix: &str) -> Option<&'a str> {
        let declared = self.declarations.iter().rev().find(|it| it.prefix == prefix);
        match (declared, prefix) {
            (Some(declared), "") => Some(declared.namespace),
            (Some(declared), _) => Some(declared.namespace).filter(|it| !it.is_empty()),
            (None, "") => Some(""),
            (None, "xml") => Some(XML),
            (None, _) => None,
        }
    }
}
