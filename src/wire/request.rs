//! A request of any operation, for who dispatches on the operation.

use crate::wire::operation::Operation;
use crate::wire::soap::Envelope;
use crate::wire::soap::read::RequestError;
use crate::wire::wsusss::ping::PingRequest;
use crate::wire::wsusss::{dss_auth, rollup, server_sync};
use crate::wire::wusp::client::{
    GetConfig2Request, GetConfigRequest, GetCookieRequest, GetExtendedUpdateInfo2Request,
    GetExtendedUpdateInfoRequest, GetFileLocationsRequest, GetTimestampsRequest,
    RefreshCacheRequest, RegisterComputerRequest, StartCategoryScanRequest,
    SyncPrinterCatalogRequest, SyncUpdatesRequest,
};
use crate::wire::wusp::reporting::{
    GetRequiredInventoryTypeRequest, ReportEventBatch2Request, ReportEventBatchRequest,
    ReportInventoryRequest,
};
use crate::wire::wusp::simple_auth::GetAuthorizationCookieRequest;

macro_rules! requests {
    ($($(#[$doc:meta])* $role:ident in $name:ident { $($operation:ident($type:ty),)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub enum $name<'a> {
                $(
                    #[doc = concat!("Calls ", stringify!($operation), ".")]
                    $operation($type),
                )*
            }
        )*

        /// A request, by who makes it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(clippy::large_enum_variant, reason = "each is taken apart as soon as it is read")]
        pub enum Request<'a> {
            $( $(#[$doc])* $role($name<'a>), )*
        }

        impl<'a> Request<'a> {
            /// Reads the request of the operation that `envelope` calls.
            pub fn read(envelope: Envelope<'a>) -> Result<Self, RequestError> {
                match envelope.operation {
                    $($(
                        Operation::$operation => {
                            Ok(Self::$role($name::$operation(envelope.read()?)))
                        }
                    )*)*
                }
            }
        }
    };
}

requests! {
    /// A request of one of the operations that agents use ([MS-WUSP]).
    Agent in AgentRequest {
        GetConfig(GetConfigRequest<'a>),
        GetConfig2(GetConfig2Request<'a>),
        GetCookie(GetCookieRequest<'a>),
        RegisterComputer(RegisterComputerRequest<'a>),
        StartCategoryScan(StartCategoryScanRequest),
        SyncUpdates(SyncUpdatesRequest<'a>),
        RefreshCache(RefreshCacheRequest<'a>),
        GetExtendedUpdateInfo(GetExtendedUpdateInfoRequest<'a>),
        GetExtendedUpdateInfo2(GetExtendedUpdateInfo2Request<'a>),
        GetFileLocations(GetFileLocationsRequest),
        SyncPrinterCatalog(SyncPrinterCatalogRequest<'a>),
        GetTimestamps(GetTimestampsRequest),
        GetAuthorizationCookie(GetAuthorizationCookieRequest<'a>),
        ReportEventBatch(ReportEventBatchRequest<'a>),
        ReportEventBatch2(ReportEventBatch2Request<'a>),
        GetRequiredInventoryType(GetRequiredInventoryTypeRequest<'a>),
        ReportInventory(ReportInventoryRequest<'a>),
    }

    /// A request of one of the operations that downstream servers use ([MS-WSUSSS]).
    Server in ServerRequest {
        GetAuthConfig(server_sync::GetAuthConfigRequest),
        DssAuthGetAuthorizationCookie(dss_auth::GetAuthorizationCookieRequest<'a>),
        ServerSyncGetCookie(server_sync::GetCookieRequest<'a>),
        GetConfigData(server_sync::GetConfigDataRequest<'a>),
        GetRevisionIdList(server_sync::GetRevisionIdListRequest<'a>),
        GetUpdateData(server_sync::GetUpdateDataRequest),
        GetUpdateDecryptionData(server_sync::GetUpdateDecryptionDataRequest),
        GetDriverIdList(server_sync::GetDriverIdListRequest<'a>),
        GetDriverSetData(server_sync::GetDriverSetDataRequest),
        GetRelatedRevisionsForUpdates(server_sync::GetRelatedRevisionsForUpdatesRequest),
        GetDeployments(server_sync::GetDeploymentsRequest<'a>),
        DownloadFiles(server_sync::DownloadFilesRequest),
        ServerSyncPing(PingRequest),
        DssAuthPing(PingRequest),
        ReportingPing(PingRequest),
        GetRollupConfiguration(rollup::GetRollupConfigurationRequest),
        RollupDownstreamServers(rollup::RollupDownstreamServersRequest<'a>),
        RollupComputers(rollup::RollupComputersRequest<'a>),
        GetOutOfSyncComputers(rollup::GetOutOfSyncComputersRequest<'a>),
        RollupComputerStatus(rollup::RollupComputerStatusRequest<'a>),
    }
}
