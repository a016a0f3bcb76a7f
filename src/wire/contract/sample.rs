//! Messages that have everything their contract allows, made from the contract.

use roxmltree::{Document, Node};

use crate::wire::operation::Operation;
use crate::wire::soap::SoapVersion;

/// The request of `operation` in an envelope: every element given, every list twice as long as
/// its contract shows.
pub(crate) fn request(operation: Operation, version: SoapVersion) -> String {
    message(operation, operation.name(), version)
}

/// The response of `operation` in an envelope, likewise.
pub(crate) fn response(operation: Operation, version: SoapVersion) -> String {
    message(operation, &format!("{}Response", operation.name()), version)
}

fn message(operation: Operation, name: &str, version: SoapVersion) -> String {
    let contract = Contract::parse(super::text(operation.service()));
    let schema = Schema::new(&contract.0, operation.namespace());
    let content = schema.content(schema.element(name));
    let (envelope, namespace) = (version.namespace(), operation.namespace());
    format!(
        "<e:Envelope xmlns:e=\"{envelope}\"><e:Header/><e:Body>\
         <{name} xmlns=\"{namespace}\">{content}</{name}></e:Body></e:Envelope>"
    )
}

/// A parsed contract, which its [`Schema`] borrows.
pub(crate) struct Contract(pub(crate) Document<'static>);

impl Contract {
    pub(crate) fn parse(text: &'static str) -> Self {
        Self(Document::parse(text).expect("a contract is XML"))
    }
}

/// The types of a service's messages.
pub(crate) struct Schema<'c> {
    root: Node<'c, 'static>,
}

/// An element or attribute of a complex type.
pub(crate) struct Field<'c> {
    pub(crate) name: &'c str,
    pub(crate) kind: &'c str,
    pub(crate) required: bool,
    pub(crate) repeats: bool,
}

impl<'c> Schema<'c> {
    pub(crate) fn new(contract: &'c Document<'static>, namespace: &str) -> Self {
        let root = contract
            .descendants()
            .find(|node| {
                node.has_tag_name("schema") && node.attribute("targetNamespace") == Some(namespace)
            })
            .expect("a contract has its service's schema");
        Self { root }
    }

    /// The type of the message element `name`.
    pub(crate) fn element(&self, name: &str) -> Node<'c, 'static> {
        self.global("element", name).expect("every operation is in its contract")
    }

    /// The elements of a complex type, in order.
    pub(crate) fn fields(&self, of: Node<'c, 'static>) -> Vec<Field<'c>> {
        let fields = of.descendants().filter(|node| *node != of && node.has_tag_name("element"));
        fields
            .map(|node| Field {
                name: node.attribute("name").expect("an element has a name"),
                kind: node.attribute("type").expect("an element has a type"),
                required: node.attribute("minOccurs") != Some("0"),
                repeats: node.attribute("maxOccurs") == Some("unbounded"),
            })
            .collect()
    }

    /// The attributes of a complex type, in order.
    pub(crate) fn attributes(&self, of: Node<'c, 'static>) -> Vec<Field<'c>> {
        of.children()
            .filter(|node| node.has_tag_name("attribute"))
            .map(|node| Field {
                name: node.attribute("name").expect("an attribute has a name"),
                kind: node.attribute("type").expect("an attribute has a type"),
                required: node.attribute("use") == Some("required"),
                repeats: false,
            })
            .collect()
    }

    /// The complex type that `kind` names.
    pub(crate) fn complex(&self, kind: &str) -> Option<Node<'c, 'static>> {
        self.global("complexType", own_name(kind)?)
    }

    /// The values that the enumeration `kind` allows.
    pub(crate) fn enumeration(&self, kind: &str) -> Option<Vec<&'c str>> {
        let simple = self.global("simpleType", own_name(kind)?)?;
        Some(simple.descendants().filter_map(|node| node.attribute("value")).collect())
    }

    fn global(&self, tag: &str, name: &str) -> Option<Node<'c, 'static>> {
        let named = |node: &Node<'_, '_>| {
            node.tag_name().name() == tag && node.attribute("name") == Some(name)
        };
        self.root.children().find(named)
    }

    fn content(&self, of: Node<'c, 'static>) -> String {
        let mut content = String::new();
        for field in self.fields(of) {
            let name = field.name;
            let (attributes, value) = match self.complex(field.kind) {
                Some(complex) => (self.attribute_list(complex), self.content(complex)),
                None => (String::new(), self.value(field.kind).to_owned()),
            };
            for _ in 0..=usize::from(field.repeats) {
                content.push_str(&format!("<{name}{attributes}>{value}</{name}>"));
            }
        }
        content
    }

    fn attribute_list(&self, of: Node<'c, 'static>) -> String {
        let attributes = self.attributes(of);
        attributes.iter().map(|it| format!(" {}=\"{}\"", it.name, self.value(it.kind))).collect()
    }

    fn value(&self, kind: &str) -> &'c str {
        match kind {
            "xs:string" => "some text",
            "xs:boolean" => "true",
            "xs:int" | "xs:short" | "xs:long" | "xs:unsignedByte" => "7",
            "xs:dateTime" => "2026-10-04T13:17:07.59Z",
            "xs:base64Binary" => "AAECAw==",
            "types:guid" => "56309036-4c77-4dd9-951a-99ee9c246a94",
            other => self
                .enumeration(other)
                .and_then(|values| values.first().copied())
                .unwrap_or_else(|| panic!("{other} is not a type of the contract")),
        }
    }
}

/// The name of a type of the messages' own schema.
fn own_name(kind: &str) -> Option<&str> {
    kind.strip_prefix("tns:").or_else(|| kind.strip_prefix("mon:"))
}
