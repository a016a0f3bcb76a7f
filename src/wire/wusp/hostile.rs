//! Requests that mean harm, or are broken: each gets a clear error, and none a panic.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::limits;
use crate::wire::contract::sample;
use crate::wire::operation::Operation;
use crate::wire::request::{AgentRequest, Request};
use crate::wire::soap::read::{Problem, RequestError};
use crate::wire::soap::{SoapError, SoapVersion, decode, open, repair};
use crate::wire::xml::XmlError;

/// An envelope around a SyncUpdates with `content`.
fn sync_updates(content: &str) -> String {
    let envelope = SoapVersion::V11.namespace();
    let namespace = Operation::SyncUpdates.service().namespace();
    format!(
        "<e:Envelope xmlns:e=\"{envelope}\"><e:Body>\
         <SyncUpdates xmlns=\"{namespace}\">{content}</SyncUpdates></e:Body></e:Envelope>"
    )
}

fn read(text: &str) -> Result<Request<'_>, RequestError> {
    let operation = Operation::SyncUpdates;
    Request::read(open(text, operation.service(), Some(operation)).expect("an envelope"))
}

fn read_error(content: &str) -> RequestError {
    read(&sync_updates(content)).expect_err(content)
}

fn parameter(parameter: &str, problem: Problem) -> RequestError {
    RequestError::Parameter { parameter: parameter.to_owned(), problem }
}

#[test]
fn a_parameter_is_given_once() {
    let twice = "<parameters/>".repeat(2);
    assert_eq!(read_error(&twice), parameter("parameters", Problem::Duplicate));
    let twice =
        "<cookie><Expiration>2026-10-04</Expiration><Expiration>2030-01-01</Expiration></cookie>";
    assert_eq!(read_error(twice), parameter("cookie.Expiration", Problem::Duplicate));
    let nil = r#"<parameters xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="1"/>"#;
    assert!(read(&sync_updates(&format!("{nil}<parameters/>"))).is_ok(), "nil is absent");
}

#[test]
fn a_list_ends_at_its_cap_and_its_declared_length_is_ignored() {
    let categories = |count: usize| {
        let one = "<CategoryIdentifier><Id>{6964AAB4-c5b5-43bd-a17d-ffb4346a8e1d}</Id></CategoryIdentifier>";
        format!(
            "<parameters><FilterCategoryIds xmlns:soapenc=\"http://schemas.xmlsoap.org/soap/encoding/\" \
             soapenc:arrayType=\"CategoryIdentifier[2147483647]\">{}</FilterCategoryIds></parameters>",
            one.repeat(count)
        )
    };
    let text = sync_updates(&categories(limits::CATEGORIES));
    let Ok(Request::Agent(AgentRequest::SyncUpdates(request))) = read(&text) else {
        panic!("refused")
    };
    let filter = request.parameters.and_then(|it| it.filter_category_ids);
    assert_eq!(filter.map(|it| it.len()), Some(limits::CATEGORIES));
    assert_eq!(
        read_error(&categories(limits::CATEGORIES + 1)),
        parameter("parameters.FilterCategoryIds", Problem::TooMany(limits::CATEGORIES))
    );
}

#[test]
fn a_value_that_is_none_names_its_parameter() {
    for (element, value, expected) in [
        ("ExpressQuery", "yes", "boolean"),
        ("InstalledNonLeafUpdateIDs", "<int>1</int><int>2147483648</int>", "int"),
        ("OtherCachedUpdateIDs", "<int>-1</int>", "int"),
        ("CachedDriverIDs", "<int/>", "int"),
    ] {
        let error = read_error(&format!("<parameters><{element}>{value}</{element}></parameters>"));
        let parameter = format!("parameters.{element}");
        assert_eq!(error.parameter(), Some(&*parameter));
        assert!(error.to_string().contains(expected), "{error}");
    }
    for (cookie, expected) in [
        (
            "<Expiration>tomorrow</Expiration>",
            "cookie.Expiration: 'tomorrow' is not a valid dateTime",
        ),
        (
            "<EncryptedData>A</EncryptedData>",
            "cookie.EncryptedData: 'A' is not a valid base64Binary",
        ),
    ] {
        assert_eq!(read_error(&format!("<cookie>{cookie}</cookie>")).to_string(), expected);
    }
}

#[test]
fn long_texts_are_refused_before_they_are_decoded() {
    let encrypted = format!(
        "<cookie><EncryptedData>{}</EncryptedData></cookie>",
        "A".repeat(limits::COOKIE / 3 * 4 + 8)
    );
    assert_eq!(
        read_error(&encrypted),
        parameter("cookie.EncryptedData", Problem::TooLong(limits::COOKIE))
    );
    let key = "x".repeat(64 * 1024 + 1);
    assert_eq!(
        read_error(&format!(
            "<parameters><FeatureScoreMatchingKey>{key}</FeatureScoreMatchingKey></parameters>"
        )),
        parameter("parameters.FeatureScoreMatchingKey", Problem::TooLong(64 * 1024))
    );
}

#[test]
fn bombs_meet_the_limits_of_the_document() {
    let deep = format!("{}{}", "<x>".repeat(1000), "</x>".repeat(1000));
    assert!(matches!(read_error(&deep), RequestError::Xml(XmlError::Limit { .. })));
    let attributes: String = (0..1000).map(|n| format!(" a{n}=\"\"")).collect();
    let wide = format!("<x{attributes}/>");
    assert!(matches!(read_error(&wide), RequestError::Xml(XmlError::Limit { .. })));
    let laughs = r#"<!DOCTYPE e [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><e>&b;</e>"#;
    assert!(matches!(
        open(laughs, Operation::SyncUpdates.service(), None),
        Err(SoapError::Xml(XmlError::Doctype))
    ));
    assert!(matches!(read_error("&b;"), RequestError::Xml(XmlError::Entity(_))));
}

#[test]
fn what_follows_the_request_has_to_be_well_formed() {
    let text = sync_updates("<parameters/>");
    for broken in [format!("{text}<x/>"), format!("{text}x"), text.replace("</e:Body>", "")] {
        assert!(matches!(read(&broken), Err(RequestError::Xml(_))), "{broken}");
    }
    let extra = text.replace("</e:Body>", "<x/></e:Body><x><y/></x>");
    assert!(read(&extra).is_ok(), "more elements are passed over");
}

#[test]
fn an_envelope_has_to_call_the_operation_that_was_named() {
    let service = Operation::SyncUpdates.service();
    let text = sync_updates("");
    let open_error = |text: &str, expected| match open(text, service, expected) {
        Ok(envelope) => panic!("opened for {:?}", envelope.operation),
        Err(error) => error,
    };
    assert!(matches!(
        open_error(&text, Some(Operation::GetConfig)),
        SoapError::ActionMismatch { action: "GetConfig", request: "SyncUpdates" }
    ));
    let foreign = text.replace(service.namespace(), "urn:other");
    assert!(matches!(open_error(&foreign, None), SoapError::UnknownOperation(_)));
    let foreign = text.replace(SoapVersion::V11.namespace(), "urn:other");
    assert!(matches!(open_error(&foreign, None), SoapError::NotAnEnvelope(_)));
    let empty = text.replace("<SyncUpdates", "<!--").replace("</SyncUpdates>", "-->");
    assert!(matches!(open_error(&empty, None), SoapError::Empty));
    assert!(matches!(open_error("", None), SoapError::Xml(XmlError::Truncated)));
}

#[test]
fn a_report_with_forbidden_characters_is_read_at_the_second_try() {
    let operation = Operation::ReportEventBatch;
    let sample = sample::request(operation, SoapVersion::V11);
    let broken = sample.replacen("some text", "a\u{1}b&#x2;c", 1);
    let error = open(&broken, operation.service(), None)
        .map_err(|error| error.is_repairable())
        .and_then(|it| Request::read(it).map_err(|error| error.is_repairable()));
    assert_eq!(error, Err(true));
    let repaired = repair(broken.as_bytes(), None).expect("UTF-8");
    let envelope = open(&repaired, operation.service(), None).expect("an envelope");
    let request = Request::read(envelope).expect("repaired");
    assert!(format!("{request:?}").contains("a\u{fffd}b\u{fffd}c"));
}

fn survive(operation: Operation, body: &[u8]) {
    for content_type in [None, Some("text/xml; charset=utf-16")] {
        if let Ok(text) = decode(body, content_type)
            && let Ok(envelope) = open(&text, operation.service(), Some(operation))
        {
            let _ = Request::read(envelope);
        }
    }
    let _ = repair(body, None);
}

/// A request of each operation; making one parses a contract, which is slow.
static SAMPLES: LazyLock<BTreeMap<Operation, String>> = LazyLock::new(|| {
    Operation::ALL.iter().map(|it| (*it, sample::request(*it, SoapVersion::V12))).collect()
});

fn any_operation() -> impl Strategy<Value = Operation> {
    proptest::sample::select(Operation::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(
        operation in any_operation(),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        survive(operation, &body);
    }

    #[test]
    fn no_damage_to_a_request_makes_it_panic(
        operation in any_operation(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut body = SAMPLES[&operation].clone().into_bytes();
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        survive(operation, &body);
        body.truncate(cut.index(body.len()));
        survive(operation, &body);
    }

    #[test]
    fn no_content_of_an_operation_makes_it_panic(
        operation in any_operation(),
        content in "(<(parameters|cookie|eventBatch|ReportingEvent|SystemSpec|Device|int)>|</(parameters|cookie|Device)>|[ -~]){0,40}",
    ) {
        let name = operation.name();
        let text = sync_updates(&content)
            .replace("SyncUpdates", name)
            .replace(Operation::SyncUpdates.namespace(), operation.namespace());
        survive(operation, text.as_bytes());
    }
}
