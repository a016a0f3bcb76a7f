//! Any file is an update document or refused, and what is sent on of one is well-formed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::metadata::{fragments, parse, text};
use weir::wire::xml::{Events, Limits, Node};

const LIMIT: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = text::decode_document(data, LIMIT) else { return };
    let parsed = parse::parse(&document);
    let Ok(fragments) = fragments::derive(&document) else { return };
    if parsed.is_err() {
        return;
    }
    assert_well_formed(&fragments.core);
    assert_well_formed(&fragments.extended);
    for (_, xml) in &fragments.localized {
        assert_well_formed(xml);
    }
    for eula in &fragments.eula {
        assert_well_formed(&eula.xml);
    }
});

/// A fragment is a run of elements.
fn assert_well_formed(fragment: &str) {
    let document = format!("<Xml>{fragment}</Xml>");
    let mut events = Events::new(&document, Limits::DOCUMENT);
    loop {
        match events.advance() {
            Ok(Node::Eof) => return,
            Ok(_) => {}
            Err(error) => panic!("{error}: {fragment}"),
        }
    }
}
