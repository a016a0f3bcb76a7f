//! Any text is read to its end or refused, within the limits and with every element closed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::wire::xml::{Events, Limits, Node};

const LIMITS: Limits = Limits { depth: 20, attributes: 10, elements: 500, name: 40 };

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut events = Events::new(text, LIMITS);
    let mut open = 0u16;
    let mut elements = 0;
    while let Ok(node) = events.advance() {
        match node {
            Node::Start(element) => {
                open += 1;
                elements += 1;
                assert!(open <= LIMITS.depth && elements <= LIMITS.elements);
                assert!(!element.local().is_empty() && element.local().len() <= 40);
                let attributes = element.attributes().take_while(Result::is_ok);
                assert!(attributes.count() <= usize::from(LIMITS.attributes));
            }
            Node::End => open -= 1,
            Node::Text(_) => assert!(open > 0),
            Node::Eof => {
                assert!(open == 0 && elements > 0);
                return;
            }
        }
        assert_eq!(events.depth(), open);
    }
});
