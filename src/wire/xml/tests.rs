//! The reader as an attacker and as a faithful reader of other people's XML would try it.

use super::{Cursor, Events, Limits, Node, XmlError};

mod agreement;

const LIMITS: Limits = Limits { depth: 8, attributes: 4, elements: 20, name: 16 };

/// Everything that a caller can see, one line a step.
fn trace(text: &str, limits: Limits) -> Result<Vec<String>, XmlError> {
    let mut events = Events::new(text, limits);
    let mut trace: Vec<String> = Vec::new();
    let mut in_text = false;
    loop {
        let node = events.advance()?;
        let was_in_text = std::mem::replace(&mut in_text, matches!(node, Node::Text(_)));
        match node {
            Node::Start(element) => {
                trace.push(format!("{{{}}}{}", element.namespace(), element.local()));
                for attribute in element.attributes() {
                    let attribute = attribute?;
                    if !attribute.is_declaration() {
                        trace.push(format!("@{}={}", attribute.local(), attribute.value));
                    }
                }
            }
            Node::End => trace.push("/".to_owned()),
            Node::Text(text) => match trace.last_mut() {
                Some(line) if was_in_text => line.push_str(&text),
                _ => trace.push(format!("'{text}")),
            },
            Node::Eof => {
                // Text that turned out empty is no text.
                trace.retain(|line| line != "'");
                return Ok(trace);
            }
        }
    }
}

fn refused(text: &str) -> XmlError {
    match trace(text, LIMITS) {
        Err(error) => error,
        Ok(trace) => panic!("accepted {text:?} as {trace:?}"),
    }
}

fn is_malformed(text: &str) -> bool {
    matches!(refused(text), XmlError::Malformed { .. })
}

#[test]
fn a_doctype_is_refused_wherever_it_stands() {
    for text in [
        "<!DOCTYPE a><a/>",
        "<!doctype a><a/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<?xml version='1.0'?>\n<!-- c --><!DOCTYPE a><a/>",
        "<a><!DOCTYPE a></a>",
        "<a/><!DOCTYPE a>",
    ] {
        assert_eq!(refused(text), XmlError::Doctype, "{text}");
    }
}

#[test]
fn only_the_five_entities_exist() {
    assert_eq!(
        trace("<a b='&lt;&#x41;&quot;'>&amp;&lt;&gt;&quot;&apos;</a>", LIMITS).unwrap(),
        ["{}a", "@b=<A\"", "'&<>\"'", "/"]
    );
    assert_eq!(refused("<a>&nbsp;</a>"), XmlError::Entity("nbsp".into()));
    assert!(is_malformed("<a b='&nbsp;'/>"));
    for text in ["<a>&</a>", "<a>& b</a>", "<a>&amp</a>", "<a>&;</a>", "<a b='&amp'/>"] {
        assert!(trace(text, LIMITS).is_err(), "{text}");
    }
}

#[test]
fn character_references_name_characters_of_xml() {
    assert_eq!(
        trace("<a>&#65;&#x1F600;&#13;&#x9;</a>", LIMITS).unwrap(),
        ["{}a", "'A\u{1f600}\r\t", "/"]
    );
    for reference in [
        "&#0;",
        "&#x0;",
        "&#8;",
        "&#xFFFE;",
        "&#xD800;",
        "&#x110000;",
        "&#99999999999;",
        "&#;",
        "&#x;",
        "&#-1;",
    ] {
        assert!(trace(&format!("<a>{reference}</a>"), LIMITS).is_err(), "{reference}");
        assert!(trace(&format!("<a b='{reference}'/>"), LIMITS).is_err(), "{reference}");
    }
    assert_eq!(refused("<a>&#1;</a>"), XmlError::Character(1));
}

#[test]
fn characters_outside_xml_are_refused_everywhere() {
    for character in ['\0', '\u{1}', '\u{b}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
        for text in [
            format!("<a>{character}</a>"),
            format!("<a><![CDATA[{character}]]></a>"),
            format!("<a b='{character}'/>"),
            format!("<a><!--{character}--></a>"),
            format!("<a><?b {character}?></a>"),
        ] {
            assert_eq!(refused(&text), XmlError::Character(character.into()), "{text:?}");
        }
        for text in [format!("<a{character}/>"), format!("<a b{character}='c'/>")] {
            assert!(trace(&text, LIMITS).is_err(), "{text:?}");
        }
    }
    assert!(trace("<a>\u{7f}\u{85}\u{fffd}\u{efff}\u{10ffff}</a>", LIMITS).is_ok());
}

#[test]
fn nil_needs_its_namespace_and_a_true_value() {
    let nil = |attribute: &str| {
        let text = format!(
            "<a xmlns:i='http://www.w3.org/2001/XMLSchema-instance' xmlns:o='urn:o'><b {attribute}/><c/></a>"
        );
        let mut cursor = Cursor::new(&text, Limits::REQUEST);
        assert!(cursor.enter_child().unwrap() && cursor.enter_child().unwrap());
        let nil = cursor.is_nil();
        assert!(!cursor.enter_child().unwrap() && cursor.enter_child().unwrap());
        assert!(!cursor.is_nil(), "the next element is not nil");
        nil
    };
    for attribute in ["i:nil='true'", "i:nil='1'", "i:nil=' true '", "o:nil='false' i:nil=\"1\""] {
        assert!(nil(attribute), "{attribute}");
    }
    for attribute in
        ["", "i:nil='false'", "i:nil='0'", "i:nil=''", "nil='1'", "o:nil='1'", "i:nill='1'"]
    {
        assert!(!nil(attribute), "{attribute}");
    }
    assert!(nil("xmlns:j='http://www.w3.org/2001/XMLSchema-instance' j:nil='1'"));
}

#[test]
fn namespaces_are_those_in_force() {
    let text = "<a xmlns='urn:1' xmlns:p='urn:2'><p:b p:x='1'><p:c xmlns:p='urn:3'/><p:d/></p:b>\
                <e xmlns=''><f/></e><g xml:lang='en'/></a>";
    assert_eq!(
        trace(text, LIMITS).unwrap(),
        [
            "{urn:1}a", "{urn:2}b", "@x=1", "{urn:3}c", "/", "{urn:2}d", "/", "/", "{}e", "{}f",
            "/", "/", "{urn:1}g", "@lang=en", "/", "/"
        ]
    );
}

#[test]
fn prefixes_are_declared() {
    for text in [
        "<p:a/>",
        "<a p:b='c'/>",
        "<a><b xmlns:p='urn:1'/><p:c/></a>",
        "<a><b xmlns:p='urn:1'/><c p:d=''/></a>",
        "<a xmlns:p='urn:1'><b xmlns:p='' p:c=''/></a>",
        "<a xmlns:xml='urn:1'/>",
        "<a xmlns:xmlns='urn:1'/>",
    ] {
        assert!(is_malformed(text), "{text}");
    }
}

#[test]
fn an_attribute_occurs_once() {
    assert!(is_malformed("<a b='1' b='2'/>"));
    assert!(is_malformed("<a xmlns='urn:1' xmlns='urn:2'/>"));
    assert!(is_malformed("<a xmlns:p='urn:1' xmlns:q='urn:1' p:b='1' q:b='2'/>"));
    assert!(trace("<a xmlns:p='urn:1' xmlns:q='urn:2' p:b='1' q:b='2'/>", LIMITS).is_ok());
}

#[test]
fn tags_are_well_formed() {
    for text in [
        "<>",
        "< a/>",
        "<1a/>",
        "<a:/>",
        "<:a/>",
        "<a:b:c/>",
        "<-a/>",
        "<a\u{b7}><\u{b7}/></a>",
        "<a,b/>",
        "<a b/>",
        "<a b=c/>",
        "<a b='1'c='2'/>",
        "<a b='<'/>",
        "<a 'b'/>",
        "<a b=''''/>",
        "<a ='1'/>",
        "<a b=\"'/>",
        "<a><b></a></b>",
        "<a></b>",
        "</a>",
        "<a></a b='c'>",
        "<a//>",
        "<a",
        "<a b='c",
        "<a>]]></a>",
        "<a><!-- -- --></a>",
        "<a><!--->",
        "<a><!b></a>",
        "<a><![CDATA[ </a>",
        "<a><?b </a>",
        "<a><??></a>",
        "<a><?;b?></a>",
        "<a/><?xml version='1.0'?>",
        " <?xml version='1.0'?><a/>",
        "<a><?xml version='1.0'?></a>",
    ] {
        assert!(trace(text, LIMITS).is_err(), "{text}");
    }
    let unusual = "<\u{e9}t\u{e9}.1-\u{b7} \n b = '>' \t c=\"'\"  ></\u{e9}t\u{e9}.1-\u{b7} >";
    assert_eq!(trace(unusual, LIMITS).unwrap(), ["{}\u{e9}t\u{e9}.1-\u{b7}", "@b=>", "@c='", "/"]);
}

#[test]
fn what_is_said_of_a_forbidden_character_does_not_hold_it() {
    for text in ["<a></b\u{1}>", "<\0/>", "<a>&\u{b};</a>", "<a \u{ffff}='1'/>"] {
        let reason = refused(text).to_string();
        assert!(!reason.contains(['\0', '\u{1}', '\u{b}', '\u{ffff}']), "{reason:?}");
        assert!(reason.contains('\u{fffd}'), "{reason:?}");
    }
}

#[test]
fn a_document_is_one_element() {
    for text in ["", " ", "<!-- c -->", "<?b c?>", "<?xml version='1.0'?>"] {
        assert_eq!(refused(text), XmlError::Truncated, "{text:?}");
    }
    for text in ["<a>", "<a><b/>", "<a>text", "<a><b></b>"] {
        assert_eq!(refused(text), XmlError::Truncated, "{text:?}");
    }
    for text in [
        "<a/><b/>",
        "<a></a><a></a>",
        "<a/>b",
        "b<a/>",
        "<a/>&#32;",
        "<a/><![CDATA[]]>",
        "&amp;<a/>",
    ] {
        assert!(is_malformed(text), "{text}");
    }
    assert_eq!(trace(" <!-- c --><?b c?>\n<a/>\n<!-- c -->\n", LIMITS).unwrap(), ["{}a", "/"]);
}

#[test]
fn one_byte_order_mark_is_passed_over() {
    assert!(trace("\u{feff}<?xml version='1.0'?><a/>", LIMITS).is_ok());
    assert_eq!(trace("\u{feff}<a>\u{feff}</a>", LIMITS).unwrap(), ["{}a", "'\u{feff}", "/"]);
    assert!(trace("<a/>\u{feff}", LIMITS).is_err());
}

#[test]
fn texts_join_across_references_sections_and_comments() {
    let text = "<a>1&amp;2<![CDATA[<&3]]>4<!-- c -->5<?b c?>6<![CDATA[]]></a>";
    assert_eq!(trace(text, LIMITS).unwrap(), ["{}a", "'1&2<&3456", "/"]);
    let mut cursor = Cursor::new(text, LIMITS);
    assert!(cursor.enter_child().unwrap());
    assert_eq!(cursor.text().unwrap(), "1&2<&3456");
    cursor.finish().unwrap();
}

#[test]
fn line_ends_are_line_feeds_unless_referred_to() {
    let text = "<a b='1\r\n2\t3&#13;'>1\r\n2\r3\n<![CDATA[4\r\n5\r]]>&#13;</a>";
    assert_eq!(trace(text, LIMITS).unwrap(), ["{}a", "@b=1 2 3\r", "'1\n2\n3\n4\n5\n\r", "/"]);
}

#[test]
fn limits_hold_at_their_value() {
    let over = |what, limit| XmlError::Limit { what, limit };
    let nested = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(trace(&nested(8), LIMITS).is_ok());
    assert_eq!(refused(&nested(9)), over("levels of nesting", 8));

    let many = |count| format!("<a>{}</a>", "<b/>".repeat(count));
    assert!(trace(&many(19), LIMITS).is_ok());
    assert_eq!(refused(&many(20)), over("elements", 20));

    let attributes =
        |count| format!("<a{}/>", (0..count).map(|n| format!(" b{n}=''")).collect::<String>());
    assert!(trace(&attributes(4), LIMITS).is_ok());
    assert_eq!(refused(&attributes(5)), over("attributes on an element", 4));

    let name = |length| "n".repeat(length);
    assert!(trace(&format!("<{0} {0}=''/>", name(16)), LIMITS).is_ok());
    assert_eq!(refused(&format!("<{}/>", name(17))), over("bytes in a name", 16));
    assert_eq!(refused(&format!("<a {}=''/>", name(17))), over("bytes in a name", 16));
    assert!(trace(&format!("<a xmlns='{}'/>", name(16)), LIMITS).is_ok());
    assert_eq!(refused(&format!("<a xmlns:b='{}'/>", name(17))), over("bytes in a namespace", 16));
}

#[test]
fn declarations_in_force_are_limited() {
    let level = |n| format!("<a xmlns:a{n}='urn:1' xmlns:b{n}='urn:1' xmlns:c{n}='urn:1'>");
    let text = |depth: usize| {
        let open: String = (0..depth).map(level).collect();
        format!("<r>{open}{}</r>", "</a>".repeat(depth))
    };
    assert!(trace(&text(5), LIMITS).is_ok());
    assert!(is_malformed(&text(6)), "18 declarations, more than four times four");
    let siblings = format!("<r>{}</r>", format!("{}</a>", level(0)).repeat(15));
    assert!(trace(&siblings, LIMITS).is_ok(), "they end with their element");
}

#[test]
fn long_runs_cost_no_more_than_their_length() {
    // Each would take minutes if any step looked at all that came before.
    let hostile = [
        format!("<a>{}</a>", "&amp;".repeat(200_000)),
        format!("<a>{}</a>", "<!---->".repeat(150_000)),
        format!("<a>{}</a>", "<![CDATA[]]>".repeat(100_000)),
        format!("<a b='{}'/>", "&#65;".repeat(200_000)),
        format!("<a {}/>", "b ".repeat(500_000)),
        format!("<a {}/>", "b='' ".repeat(200_000)),
        "<a>".repeat(300_000),
        "<".repeat(1_000_000),
        format!("<a>{}", "]]".repeat(500_000)),
    ];
    let started = std::time::Instant::now();
    for text in &hostile {
        let mut cursor = Cursor::new(text, Limits::DOCUMENT);
        let _ = cursor.enter_child().and_then(|_| cursor.text().map(|_| ()));
    }
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn the_cursor_reads_top_down() {
    let text = "<a>x<b>1</b><skip><b>2</b></skip> <c>3<d>4</d>5</c></a> ";
    let mut cursor = Cursor::new(text, LIMITS);
    assert!(cursor.enter_child().unwrap());
    assert_eq!(cursor.local(), "a");
    assert!(cursor.enter_child().unwrap());
    assert_eq!(cursor.local(), "b");
    assert_eq!(cursor.text().unwrap(), "1");
    assert!(cursor.enter_child().unwrap());
    assert_eq!(cursor.local(), "skip");
    cursor.skip().unwrap();
    assert!(cursor.enter_child().unwrap());
    assert_eq!(cursor.local(), "c");
    assert_eq!(cursor.text().unwrap(), "35");
    assert!(!cursor.enter_child().unwrap());
    cursor.finish().unwrap();
}
