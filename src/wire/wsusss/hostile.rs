//! Messages that mean harm, or are broken: each gets a clear error, and none a panic.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use crate::wire::body::Prepared;
use crate::wire::cabinet::CabinetError;
use crate::wire::contract::sample;
use crate::wire::operation::Operation;
use crate::wire::request::Request;
use crate::wire::soap::codec::Content;
use crate::wire::soap::read::{Problem, RequestError};
use crate::wire::soap::{AnswerError, SoapError, SoapVersion, answer, open, respond};
use crate::wire::types::UpdateIdentity;
use crate::wire::xml::{Limits, XmlError};

use super::both_ways::{flatten, rewrite_response};
use super::limits;
use super::server_sync::*;

/// An envelope around the element `name` of `operation` with `content`.
fn message(operation: Operation, name: &str, content: &str) -> String {
    let (envelope, namespace) = (SoapVersion::V11.namespace(), operation.namespace());
    format!(
        "<e:Envelope xmlns:e=\"{envelope}\"><e:Body>\
         <{name} xmlns=\"{namespace}\">{content}</{name}></e:Body></e:Envelope>"
    )
}

fn request_error(operation: Operation, content: &str) -> RequestError {
    let text = message(operation, operation.name(), content);
    let envelope = open(&text, operation.service(), Some(operation)).expect("an envelope");
    Request::read(envelope).expect_err("it is over a limit")
}

fn parameter(parameter: &str, problem: Problem) -> RequestError {
    RequestError::Parameter { parameter: parameter.to_owned(), problem }
}

#[test]
fn the_lists_of_requests_end_at_their_caps() {
    let identity = "<UpdateIdentity><UpdateID>6964aab4-c5b5-43bd-a17d-ffb4346a8e1d</UpdateID>\
                    <RevisionNumber>1</RevisionNumber></UpdateIdentity>";
    for (operation, list, item, cap) in [
        (Operation::GetUpdateData, "updateIds", identity, limits::ASKED_REVISIONS),
        (Operation::GetUpdateDecryptionData, "updateIds", identity, limits::ASKED_REVISIONS),
        (Operation::DownloadFiles, "fileDigestList", "<base64Binary/>", limits::ASKED_FILES),
        (
            Operation::RollupComputers,
            "computers",
            "<ComputerRollupInfo/>",
            limits::ROLLUP_COMPUTERS,
        ),
        (
            Operation::RollupComputerStatus,
            "computers",
            "<ComputerStatusRollupInfo/>",
            limits::ROLLUP_COMPUTERS,
        ),
        (
            Operation::RollupDownstreamServers,
            "downstreamServers",
            "<DownstreamServerRollupInfo/>",
            limits::ROLLUP_SERVERS,
        ),
        (
            Operation::GetOutOfSyncComputers,
            "lastRollupNumbers",
            "<ComputerLastRollupNumber/>",
            limits::ROLLUP_NAMES,
        ),
    ] {
        let content = format!("<{list}>{}</{list}>", item.repeat(cap + 1));
        assert_eq!(request_error(operation, &content), parameter(list, Problem::TooMany(cap)));
    }
    let delta = "<IdAndDelta/>".repeat(limits::FILTER_ENTRIES + 1);
    let content = format!("<filter><Categories>{delta}</Categories></filter>");
    assert_eq!(
        request_error(Operation::GetRevisionIdList, &content),
        parameter("filter.Categories", Problem::TooMany(limits::FILTER_ENTRIES))
    );
}

/// A body of nothing but states has more elements than other requests may.
#[test]
fn a_full_rollup_is_within_the_limits_of_its_document() {
    let text = sample::request(Operation::RollupComputerStatus, SoapVersion::V11);
    let (start, end) =
        ("<ComputerStatusRollupUpdateStatus>", "</ComputerStatusRollupUpdateStatus>");
    let at = |tag| text.find(tag).expect("a state");
    let state = &text[at(start)..at(end) + end.len()];
    let states = Operation::RollupComputerStatus.body_limit() / state.len();
    let elements = u32::try_from(4 * states).expect("a number of elements");
    assert!(elements > Limits::REQUEST.elements);
    assert!(elements < Operation::RollupComputerStatus.service().limits().elements);
}

#[test]
fn a_value_is_given_once() {
    let twice = "<filter><GetConfig>true</GetConfig><GetConfig>false</GetConfig></filter>";
    assert_eq!(
        request_error(Operation::GetRevisionIdList, twice),
        parameter("filter.GetConfig", Problem::Duplicate)
    );
    let half = "<updateIds><UpdateIdentity><RevisionNumber>1</RevisionNumber></UpdateIdentity></updateIds>";
    assert_eq!(
        request_error(Operation::GetUpdateData, half),
        parameter("updateIds.UpdateID", Problem::Missing)
    );
}

#[test]
fn a_revision_has_one_document() {
    let document = |content: &str| {
        let content = format!(
            "<GetUpdateDataResult><updates><ServerSyncUpdateData>{content}</ServerSyncUpdateData>\
             </updates></GetUpdateDataResult>"
        );
        let text = message(Operation::GetUpdateData, "GetUpdateDataResponse", &content);
        let response: GetUpdateDataResponse<'_> = answer(&text).expect("a response");
        let updates = response.result.and_then(|it| it.updates).expect("updates");
        updates[0].document(1024).map(Cow::into_owned)
    };
    assert_eq!(document(""), Err(BlobError::Absent));
    assert_eq!(document("<XmlUpdateBlob>&lt;x/&gt;</XmlUpdateBlob>"), Ok(b"<x/>".to_vec()));
    let packed = "<XmlUpdateBlobCompressed>AAAA</XmlUpdateBlobCompressed>";
    assert!(matches!(document(packed), Err(BlobError::Cabinet(CabinetError::NotACabinet))));
    assert_eq!(document(&format!("<XmlUpdateBlob/>{packed}")), Err(BlobError::Twice));
}

#[test]
fn what_is_no_answer_says_what_it_is() {
    let error = |text: &str| answer::<GetCookieResponse>(text).expect_err(text);
    let page = "<html><body>Bad Gateway</body></html>";
    assert_eq!(error(page), SoapError::NotAnEnvelope("html".to_owned()).into());
    assert_eq!(error(page).to_string(), "'html' is not a SOAP envelope");
    assert_eq!(error(""), SoapError::Xml(XmlError::Truncated).into());
    let other = message(Operation::ServerSyncGetCookie, "GetConfigDataResponse", "");
    assert_eq!(
        error(&other).to_string(),
        "the answer is 'GetConfigDataResponse' instead of 'GetCookieResponse'"
    );
    let foreign = message(Operation::DssAuthGetAuthorizationCookie, "GetCookieResponse", "");
    assert!(matches!(error(&foreign), AnswerError::Unexpected { .. }));
    let empty = other.replace("<GetConfigDataResponse", "<!--").replace("</Get", "--><!--");
    let empty = empty.replace("Response></e:Body>", "--></e:Body>");
    assert_eq!(error(&empty), SoapError::Empty.into());
}

/// What was written once for everybody is sent as it is.
#[test]
fn prepared_content_is_the_same_as_its_value() {
    let id = UpdateIdentity { update_id: Uuid::from_u128(7), revision_number: 200 };
    let list = |new_revisions| {
        let result = RevisionIdList { anchor: None, new_revisions: Some(new_revisions) };
        flatten(respond(SoapVersion::V11, &GetRevisionIdListResponse { result: Some(result) }))
    };
    let written = list(Content::Value(vec![id; 100]));
    let (_, content) = written.split_once("<NewRevisions>").expect("a list");
    let (content, _) = content.split_once("</NewRevisions>").expect("a list");
    let escaped = Bytes::copy_from_slice(content.as_bytes());
    let prepared = Content::Prepared(Prepared::Escaped(escaped));
    assert_eq!(list(prepared), written);
}

/// A full answer to each of the servers' operations.
static ANSWERS: LazyLock<BTreeMap<Operation, String>> = LazyLock::new(|| {
    let of_servers = |it: &&Operation| rewrite_response(**it, "").is_some();
    let operations = Operation::ALL.iter().filter(of_servers);
    operations.map(|it| (*it, sample::response(*it, SoapVersion::V11))).collect()
});

fn any_answer() -> impl Strategy<Value = Operation> {
    proptest::sample::select(ANSWERS.keys().copied().collect::<Vec<_>>())
}

/// Texts with everything that has to be escaped, and nothing that XML forbids.
fn any_text() -> impl Strategy<Value = String> {
    "[ -~\t\r\n\u{85}\u{a0}-\u{d7ff}\u{10000}-\u{10ffff}]{0,40}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_part_of_an_answer_is_never_taken_for_the_whole(
        operation in any_answer(),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = &ANSWERS[&operation];
        let part = &text[..cut.index(text.len())];
        prop_assert!(rewrite_response(operation, part).expect("a server's operation").is_err());
    }

    #[test]
    fn no_damage_to_an_answer_makes_it_panic(
        operation in any_answer(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut body = ANSWERS[&operation].clone().into_bytes();
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Ok(text) = String::from_utf8(body) {
            let _ = rewrite_response(operation, &text);
        }
    }

    #[test]
    fn no_content_of_a_fault_makes_it_panic(
        content in "(<(detail|ErrorCode|Message|a:b|Reason)>|</(detail|ErrorCode|Reason)>|[ -~]){0,20}",
    ) {
        let namespace = SoapVersion::V11.namespace();
        let text = format!(
            "<a:Envelope xmlns:a=\"{namespace}\"><a:Body><a:Fault>{content}</a:Fault></a:Body></a:Envelope>"
        );
        prop_assert!(answer::<GetCookieResponse>(&text).is_err());
    }

    #[test]
    fn what_is_written_is_read(
        texts in proptest::collection::vec(any_text(), 4),
        blob in proptest::collection::vec(any::<u8>(), 0..100),
        identity in (any::<u128>(), 0..i32::MAX as u32),
    ) {
        let text = |at: usize| Some(Cow::Borrowed(&*texts[at]));
        let (update_id, revision_number) = (Uuid::from_u128(identity.0), identity.1);
        let update = ServerSyncUpdateData {
            id: Some(UpdateIdentity { update_id, revision_number }),
            xml_update_blob: text(0).map(Content::Value),
            file_digest_list: Some(vec![blob[..blob.len().min(20)].to_vec(), Vec::new()]),
            xml_update_blob_compressed: Some(Content::Value(blob)),
        };
        let url = ServerSyncUrlData { mu_url: text(1), uss_url: text(2), ..Default::default() };
        let result = ServerUpdateData { updates: Some(vec![update]), file_urls: Some(vec![url]) };
        let response = GetUpdateDataResponse { result: Some(result) };
        for version in [SoapVersion::V11, SoapVersion::V12] {
            let written = flatten(respond(version, &response));
            let read = answer::<GetUpdateDataResponse<'_>>(&written);
            prop_assert_eq!(read.as_ref(), Ok(&response));
        }
    }
}
