//! XML that is made to hurt whoever reads it, and messages that are not what they say.

use std::fmt::Write;

use weir::wire::operation::{Operation, Service};

use super::support::{Agent, Answer, Weir, assert_invalid, call, envelope, post, shared, tag};

const ID: &str = "7d1f0c57-0000-4000-8000-000000000a01";

/// Sends a whole body as a call of the operation.
fn send(weir: &Weir, operation: Operation, body: &[u8]) -> Answer {
    send_as(weir, operation.service(), &tag(operation), body)
}

fn send_as(weir: &Weir, service: Service, headers: &str, body: &[u8]) -> Answer {
    weir.ask(&post(service.path(), headers, body)).into()
}

/// A well-formed call of every service, to be spoiled.
fn calls() -> [(Operation, String); 3] {
    [
        (Operation::GetConfig, "<protocolVersion>2.90</protocolVersion>".to_owned()),
        (
            Operation::GetAuthorizationCookie,
            "<clientId>a</clientId><dnsName>b</dnsName>".to_owned(),
        ),
        (
            Operation::ReportEventBatch2,
            format!(
                "<computerId>{ID}</computerId><clientTime>2026-01-01T00:00:00Z</clientTime>\
                 <eventBatch/>"
            ),
        ),
    ]
}

#[test]
fn a_doctype_is_refused_whatever_it_holds() {
    let weir = shared();
    let laughs: String = (1..30).fold(String::new(), |mut text, at| {
        let _ = write!(text, "<!ENTITY e{at} '&e{};&e{};'>", at - 1, at - 1);
        text
    });
    for doctype in [
        "<!DOCTYPE s>".to_owned(),
        "<!DOCTYPE s SYSTEM 'http://127.0.0.1:9/x.dtd'>".to_owned(),
        "<!DOCTYPE s [<!ENTITY e0 SYSTEM 'file:///etc/passwd'>]>".to_owned(),
        "<!DOCTYPE s [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>".to_owned(),
        format!("<!DOCTYPE s [<!ENTITY e0 'ha'>{laughs}]>"),
        "<!DOCTYPE s [".to_owned(),
    ] {
        for (operation, content) in calls() {
            let body = envelope(operation, &content.replacen("</", "&e0;</", 1));
            let answer = send(&weir, operation, format!("{doctype}{body}").as_bytes());
            assert_invalid(&answer);
            assert!(!answer.text.contains("root:"), "{}", answer.text);
        }
    }
    weir.serves_an_honest_client();
}

#[test]
fn entities_other_than_the_five_are_refused() {
    let weir = shared();
    for reference in
        ["&e0;", "&nbsp;", "&;", "&#;", "&#x110000;", "&#xD800;", "&#0;", "&#99999999999;"]
    {
        let content = format!("<protocolVersion>2.{reference}90</protocolVersion>");
        assert_invalid(&call(&weir, Operation::GetConfig, &content));
    }
    weir.serves_an_honest_client();
}

#[test]
fn what_is_too_deep_too_wide_or_too_many_is_refused_in_constant_memory() {
    let weir = Weir::start();
    let agent = Agent::enrol(&weir, ID);
    let attributes: String = (0..100_000).fold(String::new(), |mut text, at| {
        let _ = write!(text, " a{at}='x'");
        text
    });
    let namespaces = attributes.replace(" a", " xmlns:n");
    let nested_namespaces: String = (0..60).fold(String::new(), |mut text, depth| {
        text.push_str("<a");
        for at in 0..60 {
            let _ = write!(text, " xmlns:n{depth}x{at}='u'");
        }
        text.push('>');
        text
    });
    let long = "x".repeat(1 << 20);
    weir.grows_at_most(96, || {
        for parameters in [
            "<a>".repeat(100_000),
            "<InstalledNonLeafUpdateIDs>".repeat(50_000),
            format!("<a{attributes}/>"),
            format!("<a{namespaces}/>"),
            nested_namespaces,
            format!("<{long}/>"),
            format!("<a {long}='1'/>"),
            format!("<a xmlns='{long}'/>"),
            format!("<{long}:a/>"),
            "<a/>".repeat(1_000_000),
            format!(
                "<OtherCachedUpdateIDs>{}</OtherCachedUpdateIDs>",
                "<int>1</int>".repeat(200_000)
            ),
            format!(
                "<SystemSpec>{}</SystemSpec>",
                "<Device><HardwareIDs/></Device>".repeat(100_000)
            ),
        ] {
            let answer = agent.scan(&parameters);
            assert_invalid(&answer);
            assert!(answer.text.len() < 4096, "the answer repeats the attack");
        }
    });
    weir.serves_an_honest_client();
}

#[test]
fn the_length_that_an_array_announces_is_not_believed() {
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    let parameters = "<OtherCachedUpdateIDs xmlns:e='http://schemas.xmlsoap.org/soap/encoding/' \
         xmlns:x='http://www.w3.org/2001/XMLSchema' e:arrayType='x:int[2147483647]' \
         e:offset='[2147483646]'><int>1</int></OtherCachedUpdateIDs>";
    let answer = weir.grows_at_most(16, || agent.scan(parameters));
    assert_eq!(answer.status, 200, "{}", answer.text);
    weir.serves_an_honest_client();
}

#[test]
fn nil_everywhere_is_absence_everywhere() {
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    let fields = [
        "ExpressQuery",
        "InstalledNonLeafUpdateIDs",
        "OtherCachedUpdateIDs",
        "SkipSoftwareSync",
        "SystemSpec",
        "FilterCategoryIds",
        "ComputerSpec",
    ];
    let nils: String = fields
        .iter()
        .map(|name| format!("<{name} i:nil='1'><deep><er/></deep></{name}>"))
        .collect();
    let body = format!("{}<parameters>{nils}</parameters>", agent.session.element("cookie"));
    let answer = call(&weir, Operation::SyncUpdates, &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = call(
        &weir,
        Operation::SyncUpdates,
        &format!("{}<parameters i:nil='true'/>", agent.session.element("cookie")),
    );
    assert_invalid(&answer);
    assert_eq!(answer.fault().1, "parameters");
    let operation =
        envelope(Operation::GetConfig, "").replace("<GetConfig ", "<GetConfig i:nil='1' ");
    assert_invalid(&send(&weir, Operation::GetConfig, operation.as_bytes()));
    weir.serves_an_honest_client();
}

#[test]
fn two_values_for_one_thing_are_refused() {
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    let cookie = agent.session.element("cookie");
    let answer =
        call(&weir, Operation::SyncUpdates, &format!("{cookie}<parameters/><parameters/>"));
    assert_invalid(&answer);
    assert_eq!(answer.fault().1, "parameters");
    let twice = "<SkipSoftwareSync>true</SkipSoftwareSync>\
                 <SkipSoftwareSync xmlns=''>false</SkipSoftwareSync>";
    assert_invalid(&agent.scan(twice));
    weir.serves_an_honest_client();
}

#[test]
fn what_is_not_well_formed_is_refused_in_every_service() {
    let weir = shared();
    for (operation, content) in calls() {
        let whole = envelope(operation, &content);
        let at = whole.find("</").expect("an end tag");
        let with = |what: &str| [&whole[..at], what, &whole[at..]].concat();
        for (what, body) in [
            ("an undeclared prefix", with("<u:x/>")),
            ("an undeclared prefix of an attribute", with("<x u:y='1'/>")),
            ("two attributes of one name", with("<x y='1' y='2'/>")),
            (
                "two attributes of one expanded name",
                with("<x xmlns:p='u' xmlns:q='u' p:y='1' q:y='2'/>"),
            ),
            ("a prefix bound to xmlns", with("<x xmlns:p='http://www.w3.org/2000/xmlns/'/>")),
            ("the prefix xml bound elsewhere", with("<x xmlns:xml='u'/>")),
            ("tags that cross", with("<x><y></x></y>")),
            ("an end without a start", with("</x>")),
            ("an end tag with a control character", with("</x\u{1}>")),
            ("a lesser-than in an attribute", with("<x y='<'/>")),
            ("an attribute without quotes", with("<x y=1/>")),
            ("an unclosed comment", with("<!-- x")),
            ("two hyphens in a comment", with("<!-- -- -->")),
            ("an unclosed CDATA section", with("<![CDATA[x")),
            ("the end of a CDATA section", with("]]>")),
            ("a late XML declaration", with("<?xml version='1.0'?>")),
            ("a second root", format!("{whole}{whole}")),
            ("text after the root", format!("{whole}text")),
            ("text before the root", format!("text{whole}")),
            ("no element at all", "<!-- nothing -->".to_owned()),
            ("nothing", String::new()),
            ("no body", whole.replace("s:Body", "s:Head")),
            ("an empty body", {
                let (start, end) =
                    (whole.find("<s:Body>").unwrap(), whole.find("</s:Body>").unwrap());
                format!("{}<s:Body>{}", &whole[..start], &whole[end..])
            }),
            ("no envelope", whole.replace("s:Envelope", "s:Letter")),
            ("an envelope of another version", whole.replace("soap/envelope", "soap/envelope2")),
        ] {
            let answer = send(&weir, operation, body.as_bytes());
            assert_eq!(answer.fault().0, "InvalidParameters", "{what}: {}", answer.text);
            assert_eq!(answer.status, 500, "{what}");
        }
        // Cut anywhere, it is not the message that it was.
        for length in (0..whole.len()).step_by(23) {
            assert_invalid(&send(&weir, operation, &whole.as_bytes()[..length]));
        }
    }
    weir.serves_an_honest_client();
}

#[test]
fn characters_that_are_none_are_refused_but_repaired_in_reports() {
    let weir = shared();
    for (operation, content) in calls() {
        let whole = envelope(operation, &content);
        let at = whole.find("</").expect("an end tag");
        for bytes in [
            &b"\xff"[..],
            b"\xc0\xaf",         // overlong
            b"\xed\xa0\x80",     // a surrogate
            b"\xf4\x90\x80\x80", // beyond Unicode
            b"\xe2\x82",         // cut
            b"\0",
            b"\x0b",
            b"\xef\xbf\xbe", // U+FFFE
            b"&#1;",
        ] {
            let body = [&whole.as_bytes()[..at], bytes, &whole.as_bytes()[at..]].concat();
            let answer = send(&weir, operation, &body);
            match operation.service() {
                // What is spoiled here is the id, which then is none.
                Service::Reporting => assert_eq!(answer.fault().1, "computerId"),
                _ => assert_invalid(&answer),
            }
        }
    }
    weir.serves_an_honest_client();
}

#[test]
fn encodings_that_contradict_each_other_are_refused_or_read_one_way() {
    let weir = shared();
    let operation = Operation::GetConfig;
    let whole = envelope(operation, "<protocolVersion>2.90</protocolVersion>");
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let marked = |text: &str| [&b"\xff\xfe"[..], &utf16(text)].concat();
    let declared = |name: &str| format!("<?xml version=\"1.0\" encoding=\"{name}\"?>{whole}");
    let send = |charset: &str, body: &[u8]| {
        let headers = tag(operation).replace("utf-8", charset);
        send_as(&weir, Service::Client, &headers, body)
    };

    // The bytes are stronger than what is said about them, when they say it themselves.
    for (charset, body) in [
        ("utf-8", marked(&whole)),
        ("utf-8", marked(&declared("utf-8"))),
        ("utf-16", utf16(&whole)),
        ("utf-8", declared("utf-16").into_bytes()),
        ("UTF-8", format!("\u{feff}{whole}").into_bytes()),
        // A header that is no text says nothing.
        ("\u{ff}", whole.clone().into_bytes()),
    ] {
        let answer = send(charset, &body);
        assert_eq!(answer.status, 200, "{charset}: {}", answer.text);
    }
    for (charset, body) in [
        ("utf-16", whole.clone().into_bytes()),
        ("utf-8", utf16(&whole)),
        ("utf-16", marked(&whole)[..101].to_vec()),
        ("utf-16", [&b"\xff\xfe"[..], b"\x00\xd8", &utf16(&whole)].concat()),
        ("utf-8", [&b"\xff\xfe\0\0"[..], &utf16(&whole)].concat()),
        ("utf-7", whole.clone().into_bytes()),
        ("utf-32", whole.clone().into_bytes()),
        ("ibm-1047", whole.clone().into_bytes()),
    ] {
        let answer = send(charset, &body);
        assert_eq!(answer.fault().0, "InvalidParameters", "{charset}: {}", answer.text);
    }
    weir.serves_an_honest_client();
}

#[test]
fn padding_buys_nothing() {
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    weir.grows_at_most(64, || {
        for padding in ["<!-- -->", "<?p i?>", "<a/>", "&amp;", "<![CDATA[x]]>", " "] {
            let answer = agent.scan(&padding.repeat(3_000_000 / padding.len()).replace("<a/>", ""));
            assert_eq!(answer.status, 200, "{padding}: {}", answer.text);
        }
    });
    weir.serves_an_honest_client();
}

#[test]
fn operations_are_not_taken_for_each_other() {
    let weir = shared();
    let (config, sync) = (Operation::GetConfig, Operation::SyncUpdates);
    let content = "<protocolVersion>2.90</protocolVersion>";
    let body = envelope(config, content);
    // SOAPAction and body name different operations, or different services.
    assert_invalid(&send(&weir, sync, body.as_bytes()));
    for headers in [
        tag(config).replace("GetConfig", "DropDatabase"),
        tag(config).replace("ClientWebService", "ServerSyncWebService"),
        tag(Operation::ReportEventBatch),
        "Content-Type: text/xml\r\nSOAPAction: ../../GetConfig\r\n".to_owned(),
    ] {
        // The body decides then: an action that is none says nothing.
        let answer = send_as(&weir, Service::Client, &headers, body.as_bytes());
        assert_eq!(answer.status, 200, "{headers}: {}", answer.text);
    }
    for service in [Service::SimpleAuth, Service::Reporting] {
        assert_invalid(&send_as(&weir, service, &tag(config), body.as_bytes()));
    }
    for name in ["DropDatabase", "getconfig", "GetConfigResponse", "_", "GetConfig2000"] {
        let body = body.replace("GetConfig", name);
        let answer = send_as(&weir, Service::Client, "Content-Type: text/xml\r\n", body.as_bytes());
        assert_invalid(&answer);
    }
    let foreign = body.replace("/Server/ClientWebService", "/Server/Other");
    assert_invalid(&send(&weir, config, foreign.as_bytes()));
    weir.serves_an_honest_client();
}

#[test]
fn a_soap_1_2_client_is_refused_in_its_own_form() {
    const NAMESPACE: &str = "http://www.w3.org/2003/05/soap-envelope";
    let weir = shared();
    for (operation, content) in calls() {
        let body = envelope(operation, &content)
            .replace("http://schemas.xmlsoap.org/soap/envelope/", NAMESPACE);
        let headers = format!(
            "Content-Type: application/soap+xml; charset=utf-8; action=\"{}\"\r\n",
            operation.action()
        );
        let send = |body: &str| send_as(&weir, operation.service(), &headers, body.as_bytes());
        let doctype = send(&format!("<!DOCTYPE x>{body}"));
        let mismatch = send(&body.replace(operation.name(), "SyncUpdates"));
        let cut = send(&body[..body.len() - 1]);
        for answer in [doctype, mismatch, cut] {
            assert_invalid(&answer);
            assert_eq!(
                answer.reply.header("content-type"),
                Some("application/soap+xml; charset=utf-8")
            );
            let document = roxmltree::Document::parse(&answer.text).expect("well-formed");
            let named = |name: &'static str| {
                document.descendants().find(|node| node.has_tag_name((NAMESPACE, name)))
            };
            let code = named("Value").and_then(|value| value.text().map(str::to_owned));
            assert!(code.is_some_and(|code| code.ends_with(":Sender")), "{}", answer.text);
            assert!(named("Detail").is_some() && named("Fault").is_some(), "{}", answer.text);
        }
    }
    weir.serves_an_honest_client();
}

#[test]
fn what_a_fault_repeats_of_a_request_cannot_break_it() {
    let weir = shared();
    let body = envelope(Operation::GetConfig, "");
    for action in ["\"<x>&amp;]]>\"", "\"</Method><ErrorCode>\"", "a\tb", "'\"'"] {
        let headers = format!("Content-Type: text/xml\r\nSOAPAction: {action}\r\n");
        assert_invalid(&send_as(&weir, Service::Client, &headers, body.as_bytes()));
    }
    let host = "Content-Type: text/xml\r\nX-Forwarded-Host: a<b\r\n";
    assert_invalid(&send_as(&weir, Service::Reporting, host, body.as_bytes()));
    let name = format!("<{}/>", "é".repeat(100));
    assert_invalid(&send(&weir, Operation::GetConfig, name.as_bytes()));
    weir.serves_an_honest_client();
}
