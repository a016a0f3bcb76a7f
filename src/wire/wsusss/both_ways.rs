//! What is read is written again: the test of either direction by the other.

use std::fmt::Debug;

use crate::wire::body::BodyWriter;
use crate::wire::operation::Operation;
use crate::wire::request::ServerRequest;
use crate::wire::soap::read::Structure;
use crate::wire::soap::{AnswerError, Call, Response, SoapVersion, answer, call, respond};

use super::ping::PingRequest;
use super::{dss_auth, rollup, server_sync};

/// The text of a message.
pub(crate) fn flatten(body: BodyWriter) -> String {
    let bytes: Vec<u8> = body.finish().iter().flat_map(|it| it.bytes().expect("whole")).collect();
    String::from_utf8(bytes).expect("a message is UTF-8")
}

/// Writes a request as this server sends it.
pub(crate) fn rewrite_request(version: SoapVersion, request: &ServerRequest<'_>) -> String {
    flatten(match request {
        ServerRequest::GetAuthConfig(it) => call(version, it),
        ServerRequest::DssAuthGetAuthorizationCookie(it) => call(version, it),
        ServerRequest::ServerSyncGetCookie(it) => call(version, it),
        ServerRequest::GetConfigData(it) => call(version, it),
        ServerRequest::GetRevisionIdList(it) => call(version, it),
        ServerRequest::GetUpdateData(it) => call(version, it),
        ServerRequest::GetUpdateDecryptionData(it) => call(version, it),
        ServerRequest::GetDriverIdList(it) => call(version, it),
        ServerRequest::GetDriverSetData(it) => call(version, it),
        ServerRequest::GetRelatedRevisionsForUpdates(it) => call(version, it),
        ServerRequest::GetDeployments(it) => call(version, it),
        ServerRequest::DownloadFiles(it) => call(version, it),
        ServerRequest::ServerSyncPing(it)
        | ServerRequest::DssAuthPing(it)
        | ServerRequest::ReportingPing(it) => call(version, it),
        ServerRequest::GetRollupConfiguration(it) => call(version, it),
        ServerRequest::RollupDownstreamServers(it) => call(version, it),
        ServerRequest::RollupComputers(it) => call(version, it),
        ServerRequest::GetOutOfSyncComputers(it) => call(version, it),
        ServerRequest::RollupComputerStatus(it) => call(version, it),
    })
}

/// A response that was read.
pub(crate) struct Reread {
    /// What was read, for people.
    pub(crate) debug: String,
    /// What is written of it.
    pub(crate) text: String,
}

/// Reads the answer to a server's operation and writes it again; `None` for an agent's operation.
pub(crate) fn rewrite_response(
    operation: Operation,
    text: &str,
) -> Option<Result<Reread, AnswerError>> {
    Some(match operation {
        Operation::GetAuthConfig => answer_to::<server_sync::GetAuthConfigRequest>(text),
        Operation::DssAuthGetAuthorizationCookie => {
            answer_to::<dss_auth::GetAuthorizationCookieRequest<'_>>(text)
        }
        Operation::ServerSyncGetCookie => answer_to::<server_sync::GetCookieRequest<'_>>(text),
        Operation::GetConfigData => answer_to::<server_sync::GetConfigDataRequest<'_>>(text),
        Operation::GetRevisionIdList => {
            answer_to::<server_sync::GetRevisionIdListRequest<'_>>(text)
        }
        Operation::GetUpdateData => answer_to::<server_sync::GetUpdateDataRequest>(text),
        Operation::GetUpdateDecryptionData => {
            answer_to::<server_sync::GetUpdateDecryptionDataRequest>(text)
        }
        Operation::GetDriverIdList => answer_to::<server_sync::GetDriverIdListRequest<'_>>(text),
        Operation::GetDriverSetData => answer_to::<server_sync::GetDriverSetDataRequest>(text),
        Operation::GetRelatedRevisionsForUpdates => {
            answer_to::<server_sync::GetRelatedRevisionsForUpdatesRequest>(text)
        }
        Operation::GetDeployments => answer_to::<server_sync::GetDeploymentsRequest<'_>>(text),
        Operation::DownloadFiles => answer_to::<server_sync::DownloadFilesRequest>(text),
        Operation::ServerSyncPing | Operation::DssAuthPing | Operation::ReportingPing => {
            answer_to::<PingRequest>(text)
        }
        Operation::GetRollupConfiguration => {
            answer_to::<rollup::GetRollupConfigurationRequest>(text)
        }
        Operation::RollupDownstreamServers => {
            answer_to::<rollup::RollupDownstreamServersRequest<'_>>(text)
        }
        Operation::RollupComputers => answer_to::<rollup::RollupComputersRequest<'_>>(text),
        Operation::GetOutOfSyncComputers => {
            answer_to::<rollup::GetOutOfSyncComputersRequest<'_>>(text)
        }
        Operation::RollupComputerStatus => {
            answer_to::<rollup::RollupComputerStatusRequest<'_>>(text)
        }
        _ => return None,
    })
}

fn answer_to<'a, C>(text: &'a str) -> Result<Reread, AnswerError>
where
    C: Call,
    C::Answer<'a>: Response + Structure<'a> + Debug,
{
    let response: C::Answer<'a> = answer(text)?;
    let debug = format!("{response:?}");
    Ok(Reread { debug, text: flatten(respond(SoapVersion::V11, &response)) })
}
