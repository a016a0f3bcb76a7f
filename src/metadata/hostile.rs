//! Whatever bytes arrive, a document is read or refused, and what is derived is sound.

use proptest::prelude::*;

use super::fragments::{Fragments, derive};
use super::parse::{parse, parse_and_derive};
use super::text::decode_document;

/// Uses everything the readers look at.
const DOCUMENT: &str = "<u:Update xmlns:u='http://schemas.microsoft.com/msus/2002/12/Update' \
    xmlns:b='http://schemas.microsoft.com/msus/2002/12/BaseApplicabilityRules' \
    xmlns:d='http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/WindowsDriver' \
    xmlns:x='http://www.w3.org/2001/XMLSchema-instance'>\n\
    <u:UpdateIdentity UpdateID='266f6222-c89d-43f2-9f8a-69340271e677' RevisionNumber='2'/>\
    <u:Properties UpdateType='Driver' EulaID='266f6222-c89d-43f2-9f8a-69340271e677' \
    CreationDate='2026-10-04T12:00:58.287Z'><u:KBArticleID>1</u:KBArticleID></u:Properties>\
    <u:LocalizedPropertiesCollection><u:LocalizedProperties><u:Language>en</u:Language>\
    <u:Title>a &amp; b</u:Title></u:LocalizedProperties><u:EulaFile Language='en' Size='1' \
    FileName='e' Digest='hlQslyYcRtWzeaQ+yJX5fq9Am6I='/></u:LocalizedPropertiesCollection>\
    <u:Relationships><u:Prerequisites><u:AtLeastOne IsCategory='true'><u:UpdateIdentity \
    UpdateID='266f6222-c89d-43f2-9f8a-69340271e677'/></u:AtLeastOne></u:Prerequisites>\
    <u:BundledUpdates><u:UpdateIdentity UpdateID='266f6222-c89d-43f2-9f8a-69340271e677' \
    RevisionNumber='1'/></u:BundledUpdates></u:Relationships><u:ApplicabilityRules>\
    <u:IsInstalled><b:RegSz Data=\"'&gt;&quot;\"/></u:IsInstalled><u:Metadata>\
    <d:WindowsDriverMetaData HardwareID='h' DriverVerVersion='1.2.3.4'><d:FeatureScore \
    OperatingSystem='amd64.10.0' FeatureScore='1'/></d:WindowsDriverMetaData>\
    <assembly xmlns='urn:x' x:y='1'><![CDATA[<]]></assembly></u:Metadata></u:ApplicabilityRules>\
    <u:Files><u:File FileName='f' Size='1' Digest='hlQslyYcRtWzeaQ+yJX5fq9Am6I='/></u:Files>\
    <u:HandlerSpecificData x:type='d:WindowsDriver'/></u:Update>";

/// One way to spoil a text: a span replaced by another text or by a copy of another span.
fn spoiled() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(String::new()),
        "[ -~]{1,6}",
        "\\PC{1,4}",
        prop::sample::select(vec![
            "<",
            ">",
            "/>",
            "&",
            "&#0;",
            "&#xd;",
            ":",
            "'",
            "\"",
            " ",
            "<a:b/>",
            "xmlns='urn:y' ",
            "xmlns:u='urn:z' ",
            "x:type='q' ",
            "<!--",
            "]]>",
            "<![CDATA[",
            "<?p?>",
            "\0",
            "\u{fffe}",
        ])
        .prop_map(str::to_owned),
        (0..DOCUMENT.len(), 0..80_usize)
            .prop_map(|(from, length)| { DOCUMENT[from..].chars().take(length).collect() }),
    ];
    let edit = (0..=DOCUMENT.len(), 0..12_usize, piece);
    prop::collection::vec(edit, 1..4).prop_map(|edits| {
        let mut text = DOCUMENT.to_owned();
        for (at, length, piece) in edits {
            let inside = |at: usize| {
                let at = at.min(text.len());
                (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
            };
            let (from, to) = (inside(at), inside(at + length));
            text.replace_range(from..to, &piece);
        }
        text
    })
}

/// Every fragment is a run of well-formed elements without prefixes.
fn check(fragments: &Fragments) {
    let localized = fragments.localized.iter().map(|(_, xml)| xml);
    let eulas = fragments.eula.iter().map(|eula| &eula.xml);
    for fragment in [&fragments.core, &fragments.extended].into_iter().chain(localized).chain(eulas)
    {
        let wrapped = format!("<r>{fragment}</r>");
        let tree = roxmltree::Document::parse(&wrapped)
            .unwrap_or_else(|error| panic!("{error}: {fragment}"));
        for node in tree.descendants().filter(|node| node.is_element()) {
            assert!(node.attributes().all(|attribute| attribute.namespace().is_none()));
            assert!(node.namespaces().all(|ns| ns.name().is_none_or(|name| name == "xml")));
        }
    }
}

#[test]
fn the_document_itself_is_sound() {
    parse(DOCUMENT).unwrap();
    check(&derive(DOCUMENT).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn spoiled_documents_are_read_or_refused(document in spoiled()) {
        // Neither implies the other: each looks at attributes that the other passes over.
        let (metadata, fragments) = (parse(&document), derive(&document));
        if let Ok(fragments) = &fragments {
            check(fragments);
        }
        // And both at once are the same, of errors that of the metadata first.
        prop_assert_eq!(parse_and_derive(&document), metadata.and_then(|it| Ok((it, fragments?))));
    }

    #[test]
    fn bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(text) = decode_document(&bytes, 300) {
            prop_assert!(parse(&text).is_err());
            prop_assert!(derive(&text).is_err());
        }
    }
}
