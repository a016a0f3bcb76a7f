//! The reader against another one (roxmltree), over generated documents and damaged ones.

use proptest::prelude::*;

use super::{LIMITS, trace};
use crate::wire::xml::{Limits, XmlError};

/// What [`trace`] shows, as another reader sees it.
fn other_trace(text: &str) -> Result<Vec<String>, roxmltree::Error> {
    fn walk(node: roxmltree::Node<'_, '_>, trace: &mut Vec<String>) {
        let mut in_text = false;
        for child in node.children() {
            if child.is_comment() || child.is_pi() {
                continue;
            }
            let was_in_text = std::mem::replace(&mut in_text, child.is_text());
            if let Some(text) = child.text().filter(|_| child.is_text()) {
                match trace.last_mut() {
                    Some(line) if was_in_text => line.push_str(text),
                    _ => trace.push(format!("'{text}")),
                }
            } else if child.is_element() {
                let name = child.tag_name();
                trace.push(format!("{{{}}}{}", name.namespace().unwrap_or(""), name.name()));
                trace.extend(child.attributes().map(|it| format!("@{}={}", it.name(), it.value())));
                walk(child, trace);
                trace.push("/".to_owned());
            }
        }
    }
    let document = roxmltree::Document::parse(text)?;
    let mut trace = Vec::new();
    walk(document.root(), &mut trace);
    trace.retain(|line| line != "'");
    Ok(trace)
}

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            "[a-z ]{0,8}",
            Just("&amp;".to_owned()),
            Just("&#x41;".to_owned()),
            Just("\r\n".to_owned()),
            Just("\u{e9}\u{1f600}".to_owned()),
        ],
        0..4,
    )
    .prop_map(|parts| parts.concat())
}

/// The name of an element and its start tag without the end, with all prefixes declared.
fn any_tag() -> impl Strategy<Value = (&'static str, String)> {
    let name = prop_oneof![Just("a"), Just("p:b"), Just("q:c.d-1"), Just("_\u{e9}")];
    let attributes = prop::sample::subsequence(vec!["x", "p:x", "q:x", "y"], 0..=4);
    let declared = prop::option::of(prop_oneof![Just("urn:1"), Just(""), Just("urn:2")]);
    (name, attributes, any_text(), declared).prop_map(|(name, attributes, value, declared)| {
        let mut tag = format!("<{name} xmlns:p='urn:p' xmlns:q=\"urn:q\"");
        tag.extend(declared.map(|namespace| format!("\n xmlns='{namespace}'")));
        tag.extend(attributes.iter().map(|attribute| format!(" {attribute} = '{value}'")));
        (name, tag)
    })
}

/// A well-formed element.
fn any_element() -> impl Strategy<Value = String> {
    let leaf = (any_tag(), any_text()).prop_map(|((name, tag), text)| match &*text {
        "" => format!("{tag}/>"),
        text => format!("{tag}>{text}</{name} >"),
    });
    leaf.prop_recursive(5, 40, 4, |inner| {
        let filler = prop_oneof![
            any_text(),
            Just("<!-- - -->".to_owned()),
            Just("<![CDATA[<x>&]]>".to_owned()),
            Just("<?pi data?>".to_owned()),
        ];
        let content = prop::collection::vec(prop_oneof![inner, filler], 0..5);
        (any_tag(), content)
            .prop_map(|((name, tag), content)| format!("{tag}>{}</{name}>", content.concat()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_another_reader(element in any_element()) {
        let text = format!("<?xml version='1.0' encoding='utf-8'?>\n{element}\n");
        prop_assert_eq!(trace(&text, Limits::REQUEST).unwrap(), other_trace(&text).unwrap());
    }

    /// What this reader accepts, the other does, and understands the same.
    #[test]
    fn is_no_laxer_than_another_reader(
        element in any_element(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[<>&;/'\"=: a\\-\\]!?x\n\u{1}]"), 1..4),
    ) {
        let mut text: Vec<char> = element.chars().collect();
        for (at, with) in changes {
            *at.get_mut(&mut text) = with.chars().next().unwrap();
        }
        let text: String = text.into_iter().collect();
        if let Ok(trace) = trace(&text, Limits::REQUEST) {
            prop_assert_eq!(trace, other_trace(&text).unwrap(), "{}", text);
        }
    }

    #[test]
    fn never_panics(text in "[<>&;/'\"=:a\\-\\]\\[!?xC-D#0\u{e9}\u{1} ]{0,60}") {
        let _ = trace(&text, LIMITS);
    }

    #[test]
    fn escaped_text_reads_back(value in any::<String>()) {
        let mut tag = String::from("<a b=\"");
        crate::wire::xml::escape_attribute(&mut tag, &value);
        let text = format!("{tag}\">{}</a>", crate::wire::xml::escape_text(&value));
        let expected = if value.is_empty() {
            vec!["{}a".to_owned(), "@b=".to_owned(), "/".to_owned()]
        } else {
            vec!["{}a".to_owned(), format!("@b={value}"), format!("'{value}"), "/".to_owned()]
        };
        match trace(&text, LIMITS) {
            Ok(trace) => prop_assert_eq!(trace, expected),
            // A character that no XML can carry.
            Err(error) => prop_assert!(matches!(error, XmlError::Character(_)), "{}", error),
        }
    }
}
