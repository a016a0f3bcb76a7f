//! What downstream servers and a real upstream server sent, read and written.

use uuid::Uuid;

use crate::corpus;
use crate::wire::fault::ErrorCode;
use crate::wire::operation::Operation;
use crate::wire::recorded::{Recorded, all};
use crate::wire::request::{Request, ServerRequest};
use crate::wire::soap::codec::Content;
use crate::wire::soap::{AnswerError, answer, open};
use crate::wire::types::UpdateIdentity;

use super::both_ways::{rewrite_request, rewrite_response};
use super::server_sync::*;

/// The recorded request, given to `check`; nothing without recordings.
fn with(name: &str, check: impl FnOnce(ServerRequest<'_>)) {
    let Some(corpus) = corpus::path() else { return };
    let recorded = Recorded::load(&corpus.join(name));
    let service = recorded.service().expect("a service");
    let envelope = open(&recorded.body, service, None).expect("an envelope");
    match Request::read(envelope) {
        Ok(Request::Server(request)) => check(request),
        other => panic!("{other:?}"),
    }
}

fn response(number: u32) -> Option<String> {
    let path = corpus::path()?.join(format!("server-sync/{number:06}/response.body"));
    Some(std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

fn guid(text: &str) -> Uuid {
    Uuid::parse_str(text).expect("a GUID")
}

#[test]
fn a_downstream_server_authenticates() {
    with("server-sync/000001", |request| {
        assert_eq!(request, ServerRequest::GetAuthConfig(GetAuthConfigRequest {}));
    });
    for (name, account, id) in [
        ("server-sync/000002", "probe.lab.invalid", "6f1c2f6e-3f0b-4d3a-9b1e-0d2f6a1c5e12"),
        (
            "other-stacks/asmx/002_GetAuthorizationCookie.http",
            "asmx",
            "cd4d63d6-07dd-47e3-a2e7-c07bdea85c65",
        ),
        (
            "other-stacks/zeep/013_GetAuthorizationCookie.http",
            "zeep-dss",
            "c8ea2e26-51ee-4f74-a409-3a310659d510",
        ),
    ] {
        with(name, |request| {
            let ServerRequest::DssAuthGetAuthorizationCookie(request) = request else {
                panic!("{request:?}")
            };
            assert_eq!(request.account_name.as_deref(), Some(account));
            assert_eq!(request.account_guid.as_deref(), Some(id));
            assert_eq!(request.program_keys, None);
        });
    }
    for (name, length) in [
        ("server-sync/000003", 432),
        ("other-stacks/asmx/003_GetCookie.http", 5),
        ("other-stacks/zeep/014_GetCookie.http", 5),
    ] {
        with(name, |request| {
            let ServerRequest::ServerSyncGetCookie(request) = request else {
                panic!("{request:?}")
            };
            let cookies = request.auth_cookies.expect("authorization cookies");
            assert_eq!(cookies.len(), 1);
            assert_eq!(cookies[0].plug_in_id.as_deref(), Some("DssTargeting"));
            assert_eq!(cookies[0].cookie_data.as_ref().map(Vec::len), Some(length));
            assert_eq!(request.old_cookie, None);
            assert_eq!(request.protocol_version.as_deref(), Some("1.20"));
        });
    }
}

#[test]
fn a_downstream_server_filters() {
    let filter_of = |name: &str, check: fn(ServerSyncFilter<'_>)| {
        with(name, |request| {
            let ServerRequest::GetRevisionIdList(request) = request else { panic!("{request:?}") };
            check(request.filter.expect("a filter"));
        });
    };
    filter_of("server-sync/000006", |filter| {
        let expected = ServerSyncFilter { get_config: Some(true), ..Default::default() };
        assert_eq!(filter, expected);
    });
    filter_of("server-sync/000011", |filter| {
        assert_eq!(filter.anchor.as_deref(), Some("9438,2026-10-04 16:09:27.371"));
        assert_eq!(filter.get_config, Some(false));
        let one = |id| Some(vec![IdAndDelta { id: Some(guid(id)), delta: Some(true) }]);
        assert_eq!(filter.categories, one("8c3fcc84-7410-4a95-8b89-a166a0190486"));
        assert_eq!(filter.classifications, one("e0789628-ce08-4437-be74-2495b842f43b"));
        assert_eq!(filter.languages, None);
    });
    filter_of("other-stacks/zeep/040_GetRevisionIdList.http", |filter| {
        assert_eq!((filter.get_config, filter.get63_language_only), (Some(false), Some(false)));
    });
    with("server-sync/000019", |request| {
        let ServerRequest::GetRevisionIdList(request) = request else { panic!("{request:?}") };
        assert_eq!(request.cookie, None);
    });
    with("server-sync/000004", |request| {
        let ServerRequest::GetConfigData(request) = request else { panic!("{request:?}") };
        assert_eq!(request.config_anchor.as_deref(), Some("9438,2026-10-04 16:09:27.167"));
        let cookie = request.cookie.expect("a cookie");
        let expiration = cookie.expiration.map(|it| it.to_string());
        assert_eq!(expiration.as_deref(), Some("2026-10-04T20:33:26.65455Z"));
        assert_eq!(cookie.encrypted_data.map(|it| it.len()), Some(208));
    });
}

#[test]
fn a_downstream_server_asks_and_reports() {
    with("server-sync/000013", |request| {
        let ServerRequest::GetUpdateData(request) = request else { panic!("{request:?}") };
        let update_id = guid("a2fef9b0-7951-4c2c-a42b-9e351dd1c1fe");
        let identity = UpdateIdentity { update_id, revision_number: 200 };
        assert_eq!(request.update_ids, Some(vec![identity]));
    });
    with("other-stacks/asmx/007_GetDeployments.http", |request| {
        let ServerRequest::GetDeployments(request) = request else { panic!("{request:?}") };
        assert_eq!((request.deployment_anchor, request.sync_anchor), (None, None));
    });
    with("other-stacks/zeep/022_Ping.http", |request| {
        let ServerRequest::DssAuthPing(request) = request else { panic!("{request:?}") };
        assert_eq!(request.ping_level, Some(1));
    });
    with("other-stacks/zeep/046_GetRollupConfiguration.http", |request| {
        let ServerRequest::GetRollupConfiguration(request) = request else { panic!("{request:?}") };
        let data = request.cookie.and_then(|it| it.encrypted_data);
        assert_eq!(data, Some((0..8).collect()), "a cookie whose xsi:type has a prefix");
    });
    with("other-stacks/asmx/014_RollupDownstreamServers.http", |request| {
        let ServerRequest::RollupDownstreamServers(request) = request else {
            panic!("{request:?}")
        };
        let servers = request.downstream_servers.expect("servers");
        assert_eq!(servers.len(), 1);
        assert_eq!(servers[0].server_id, Some(guid("6b5d41f7-2fa6-4476-ba6a-a38a153fe320")));
        assert_eq!(servers[0].full_domain_name.as_deref(), Some("dss.example.test"));
        assert_eq!(servers[0].parent_server_id, Some(Uuid::nil()));
        assert_eq!((&servers[0].server_summary, servers[0].is_replica), (&None, Some(true)));
    });
}

/// Our requests are, byte for byte, those of .NET; those of other stacks mean the same when this
/// server writes them.
#[test]
fn requests_are_written_as_dot_net_writes_them() {
    let mut count = 0;
    for recorded in all(&["other-stacks/asmx", "other-stacks/zeep", "server-sync"]) {
        let service = recorded.service().expect("a service");
        let envelope = open(&recorded.body, service, None).expect("an envelope");
        let version = envelope.version;
        let Ok(Request::Server(request)) = Request::read(envelope) else { continue };
        let written = rewrite_request(version, &request);
        if recorded.name.contains("asmx/") {
            assert_eq!(written, recorded.body, "{}", recorded.name);
        }
        let envelope = open(&written, service, None).expect("an envelope");
        assert_eq!(Request::read(envelope), Ok(Request::Server(request)), "{}", recorded.name);
        count += 1;
    }
    assert!(count == 0 || count == 53, "{count} requests of servers");
}

#[test]
fn responses_are_written_as_recorded() {
    for (number, operation) in [
        (1, Operation::GetAuthConfig),
        (2, Operation::DssAuthGetAuthorizationCookie),
        (3, Operation::ServerSyncGetCookie),
        (4, Operation::GetConfigData),
        (5, Operation::GetConfigData),
        (6, Operation::GetRevisionIdList),
        (7, Operation::GetRevisionIdList),
        (8, Operation::GetRevisionIdList),
        (9, Operation::GetRevisionIdList),
        (10, Operation::GetRevisionIdList),
        (11, Operation::GetRevisionIdList),
        (12, Operation::GetRevisionIdList),
        (13, Operation::GetUpdateData),
        (14, Operation::GetUpdateData),
        (15, Operation::GetUpdateData),
        (16, Operation::GetUpdateData),
    ] {
        let Some(recorded) = response(number) else { return };
        let reread = rewrite_response(operation, &recorded).expect("a server's operation");
        assert_eq!(reread.expect("a response").text, recorded, "{number}");
    }
}

#[test]
fn an_upstream_server_describes_itself() {
    let Some(text) = response(1) else { return };
    let response_1: GetAuthConfigResponse<'_> = answer(&text).expect("a response");
    let config = response_1.result.expect("a configuration");
    let plug_ins = config.auth_info.expect("plug-ins");
    assert_eq!(
        plug_ins[0].service_url.as_deref(),
        Some("DssAuthWebService/DssAuthWebService.asmx")
    );
    assert_eq!((plug_ins.len(), plug_ins[0].parameter.as_deref()), (1, Some("")));
    assert_eq!(config.allowed_event_ids, None);

    let text = response(3).expect("recorded");
    let cookie = answer::<GetCookieResponse>(&text).expect("a response").result.expect("a cookie");
    assert_eq!(cookie.encrypted_data.map(|it| it.len()), Some(208));

    for (number, languages) in [(4, 0), (5, 39)] {
        let text = response(number).expect("recorded");
        let response: GetConfigDataResponse<'_> = answer(&text).expect("a response");
        let config = response.result.expect("a configuration");
        assert_eq!(config.catalog_only_sync, Some(false));
        assert_eq!(config.max_number_of_updates_per_request, Some(100));
        assert_eq!(config.max_updates_per_request_in_get_update_decryption_data, Some(100));
        assert!(config.new_config_anchor.is_some_and(|it| it.starts_with("9438,2026-10-04 ")));
        let list = config.language_update_list.expect("written even when empty");
        assert_eq!(list.len(), languages);
        let english = list.iter().find(|it| it.language_id == Some(1033));
        assert_eq!(english.and_then(|it| it.short_language.as_deref()), english.map(|_| "en"));
    }
}

#[test]
fn an_upstream_server_lists_revisions() {
    for (number, count) in [(6, 30), (7, 0), (9, 30), (10, 30), (11, 0), (12, 0)] {
        let Some(text) = response(number) else { return };
        let response: GetRevisionIdListResponse<'_> = answer(&text).expect("a response");
        let list = response.result.expect("a list");
        assert!(list.anchor.is_some_and(|it| it.starts_with("9438,2026-10-04 16:33:26.")));
        let Some(Content::Value(revisions)) = list.new_revisions else { panic!("no revisions") };
        assert_eq!(revisions.len(), count, "{number}");
    }
}

#[test]
fn an_upstream_server_sends_documents() {
    for (number, document, files) in [
        (13, Some("a2fef9b0-7951-4c2c-a42b-9e351dd1c1fe-r200"), 0),
        (14, Some("266f6222-c89d-43f2-9f8a-69340271e677-r200"), 1),
        (15, None, 0),
        (16, Some("56309036-4c77-4dd9-951a-99ee9c246a94-r101"), 0),
    ] {
        let Some(text) = response(number) else { return };
        let response: GetUpdateDataResponse<'_> = answer(&text).expect("a response");
        let result = response.result.expect("a result");
        let updates = result.updates.expect("updates");
        assert_eq!(updates.len(), 1);
        let bytes = updates[0].document(1 << 20).expect("a document");
        match document {
            Some(name) => {
                let path = corpus::path().expect("recordings").join("documents").join(name);
                let expected = std::fs::read_to_string(path.with_extension("xml"));
                assert_eq!(utf16(&bytes), expected.expect("a document"));
                let id = updates[0].id.expect("an id");
                assert_eq!(format!("{}-r{}", id.update_id, id.revision_number), name);
            }
            None => assert!(bytes.starts_with(b"<upd:Update xmlns:pub="), "plain, in UTF-8"),
        }
        let urls = result.file_urls.expect("written even when empty");
        assert_eq!(urls.len(), files);
        for url in &urls {
            let digests = updates[0].file_digest_list.as_ref().expect("digests");
            assert_eq!(url.file_digest.as_ref(), digests.first());
            assert!(url.mu_url.as_ref().is_some_and(|it| it.ends_with("2895ddcd.exe")));
            assert_eq!((url.uss_url.as_deref(), &url.decryption_key), (Some(""), &None));
        }
    }
}

fn utf16(bytes: &[u8]) -> String {
    let pairs = bytes.chunks_exact(2);
    assert!(pairs.remainder().is_empty());
    char::decode_utf16(pairs.map(|it| u16::from_le_bytes([it[0], it[1]])))
        .collect::<Result<_, _>>()
        .expect("UTF-16")
}

#[test]
fn an_upstream_server_refuses() {
    for (number, code, message, id) in [
        (17, ErrorCode::InternalServerError, "", "b6114a8d-9939-41e0-ad7f-0d9a72260804"),
        (18, ErrorCode::InvalidParameters, "filter", "94327110-fc7e-4c3c-878d-186ab273d9fd"),
        (19, ErrorCode::InvalidCookie, "", "6ea693bc-a66e-4334-a797-043728561c7d"),
    ] {
        let Some(text) = response(number) else { return };
        let Err(AnswerError::Fault(fault)) = answer::<GetRevisionIdListResponse<'_>>(&text) else {
            panic!("{number} is a fault")
        };
        assert_eq!(fault.code, Some(code));
        assert_eq!((fault.message.as_deref(), fault.id.as_deref()), (Some(message), Some(id)));
        assert!(fault.method.is_some_and(|it| it.starts_with("\"http://www.microsoft.com/")));
        assert_eq!(fault.reason, "Fault occurred");
    }
}
