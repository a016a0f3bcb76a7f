//! This server as upstream server of others ([MS-WSUSSS] 3.1): the Server Sync and DSS Authorization
//! web services, one file an operation or a pair of them.

mod anchor;
mod budget;
mod configuration;
mod decryption_data;
mod deployments;
mod download_files;
mod driver_lists;
mod languages;
mod revision_list;
mod session;
mod update_data;

use std::borrow::Cow;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use crate::services::call::Outcome;
use crate::services::call::SoapCall;
use crate::services::{ServiceError, Services};
use crate::wire::body::{BodyWriter, Prepared};
use crate::wire::request::ServerRequest;
use crate::wire::soap::{self, SoapVersion};
use crate::wire::time::DateTime;
use crate::wire::types::Sha256;
use crate::wire::wsusss::ping::{MonitoredServicesResponse, PingResponse};
use crate::wire::wsusss::server_sync::GetRelatedRevisionsForUpdatesResponse;

use budget::Budget;
use revision_list::ListKey;
use update_data::PreparedDocument;

/// The name of the only authorization plug-in there is.
const PLUG_IN: &str = "DssTargeting";
/// The version of the protocol that this server speaks: the latest.
const PROTOCOL_VERSION: &str = "1.20";
/// Most revisions in one GetUpdateData, and in one GetUpdateDecryptionData: as on a real server.
const MAX_UPDATES: usize = 100;
/// Bytes of all answers to downstream servers that are in memory at a time.
const ANSWERS: usize = 512 << 20;
/// Bytes of them that are kept for whoever asks the same next.
const LISTS_KEPT: u64 = 96 << 20;
const DOCUMENTS_KEPT: u64 = 96 << 20;
/// Requests for documents that are worked on at once.
const GATHERING: usize = 4;

/// What the operations share.
pub(super) struct ServerSync {
    budget: Budget,
    lists: Cache<ListKey, Prepared, ByBytes>,
    /// By the document's digest.
    documents: Cache<Sha256, PreparedDocument, ByBytes>,
    gate: Semaphore,
    /// Since when the languages are what they are, in Unix seconds.
    languages_since: i64,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl<K> Weighter<K, Prepared> for ByBytes {
    fn weight(&self, _: &K, list: &Prepared) -> u64 {
        weight(list)
    }
}

impl<K> Weighter<K, PreparedDocument> for ByBytes {
    fn weight(&self, _: &K, document: &PreparedDocument) -> u64 {
        weight(&document.body)
    }
}

/// The entry itself costs something too.
fn weight(body: &Prepared) -> u64 {
    (body.held() + 512) as u64
}

impl ServerSync {
    pub(super) fn new(languages_since: i64) -> Self {
        Self {
            budget: Budget::new(ANSWERS),
            lists: Cache::with_weighter(16, LISTS_KEPT, ByBytes),
            documents: Cache::with_weighter(16 << 10, DOCUMENTS_KEPT, ByBytes),
            gate: Semaphore::new(GATHERING),
            languages_since,
        }
    }

    /// Gives back what is only kept.
    fn forget(&self) {
        self.lists.clear();
        self.documents.clear();
    }
}

/// Whether `tag` is a language that downstream servers can be told of.
pub fn is_language(tag: &str) -> bool {
    languages::by_tag(tag).is_some()
}

impl Services {
    /// Answers an operation of another server.
    pub(super) async fn run_servers(
        &self,
        request: ServerRequest<'_>,
        version: SoapVersion,
        call: &SoapCall,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        match request {
            ServerRequest::GetAuthConfig(_) => {
                Ok(soap::respond(version, &self.authorization_configuration()))
            }
            ServerRequest::DssAuthGetAuthorizationCookie(request) => {
                let response = self.authorize_server(&request, outcome).await?;
                Ok(soap::respond(version, &response))
            }
            ServerRequest::ServerSyncGetCookie(request) => {
                Ok(soap::respond(version, &self.server_cookie(&request, outcome)?))
            }
            ServerRequest::GetConfigData(request) => {
                Ok(soap::respond(version, &self.sync_configuration(&request, outcome)?))
            }
            ServerRequest::GetRevisionIdList(request) => {
                let response = self.revision_list(&request, outcome).await?;
                Ok(soap::respond(version, &response))
            }
            ServerRequest::GetUpdateData(request) => {
                let response = self.update_data(&request, outcome).await?;
                Ok(soap::respond(version, &response))
            }
            ServerRequest::GetUpdateDecryptionData(request) => {
                let response = self.decryption_data(&request, outcome).await?;
                Ok(soap::respond(version, &response))
            }
            ServerRequest::GetDriverIdList(request) => {
                let response = self.driver_list(&request, outcome).await?;
                Ok(soap::respond(version, &response))
            }
            ServerRequest::GetDriverSetData(request) => {
                Ok(soap::respond(version, &self.driver_sets(&request, outcome)?))
            }
            ServerRequest::GetRelatedRevisionsForUpdates(_) => {
                // "The USS MUST ignore it if called."
                let response = GetRelatedRevisionsForUpdatesResponse { result: Some(Vec::new()) };
                Ok(soap::respond(version, &response))
            }
            ServerRequest::ServerSyncPing(_)
            | ServerRequest::DssAuthPing(_)
            | ServerRequest::ReportingPing(_) => Ok(self.ping(outcome, version, call)),
            ServerRequest::GetDeployments(request) => {
                let response = self.deployments_for_server(&request, outcome).await?;
                Ok(soap::respond(version, &response))
            }
            ServerRequest::DownloadFiles(request) => {
                let response = self.download_files(&request, outcome).await?;
                Ok(soap::respond(version, &response))
            }
            ServerRequest::GetRollupConfiguration(_) => {
                Ok(soap::respond(version, &self.rollup_configuration().await?))
            }
            ServerRequest::RollupDownstreamServers(request) => {
                Ok(soap::respond(version, &self.roll_up_servers(request, outcome).await?))
            }
            ServerRequest::RollupComputers(request) => {
                Ok(soap::respond(version, &self.roll_up_computers(request, outcome).await?))
            }
            ServerRequest::GetOutOfSyncComputers(request) => {
                Ok(soap::respond(version, &self.out_of_sync_computers(request, outcome).await?))
            }
            ServerRequest::RollupComputerStatus(request) => {
                Ok(soap::respond(version, &self.roll_up_computer_status(request, outcome).await?))
            }
        }
    }

    /// Ping of any of three services ([MS-WSUSSS] 3.1.4.12), which nobody uses. It says whether
    /// changes can be made, and nothing of the machine.
    fn ping(&self, outcome: &Outcome, version: SoapVersion, call: &SoapCall) -> BodyWriter {
        let now = DateTime::from_unix(self.now(), 0).unwrap_or(DateTime::MAX);
        let service = outcome.operation.map(|operation| format!("{:?}", operation.service()));
        let result = MonitoredServicesResponse {
            success_flag: Some(self.state.health().is_ok()),
            services_time: Some(now),
            services_name: service.map(Cow::Owned),
            is_https: Some(call.https),
            config_file_last_modified_time: Some(self.last_change),
            config_file_next_expiration_time: Some(DateTime::NEVER),
            config_file_expiration_modulo_in_minutes: Some(0),
            ..MonitoredServicesResponse::default()
        };
        soap::respond(version, &PingResponse { result: Some(result) })
    }
}
