//! A request of any operation, for who dispatches on the operation.

use crate::wire::operation::Operation;
use crate::wire::soap::Envelope;
use crate::wire::soap::read::RequestError;

use super::client::{
    GetConfig2Request, GetConfigRequest, GetCookieRequest, GetExtendedUpdateInfo2Request,
    GetExtendedUpdateInfoRequest, GetFileLocationsRequest, GetTimestampsRequest,
    RefreshCacheRequest, RegisterComputerRequest, StartCategoryScanRequest,
    SyncPrinterCatalogRequest, SyncUpdatesRequest,
};
use super::reporting::{
    GetRequiredInventoryTypeRequest, ReportEventBatch2Request, ReportEventBatchRequest,
    ReportInventoryRequest,
};
use super::simple_auth::GetAuthorizationCookieRequest;

macro_rules! requests {
    ($($operation:ident($type:ty),)*) => {
        /// A request of one of the operations that agents use.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Request<'a> {
            $(
                #[doc = concat!("Calls ", stringify!($operation), ".")]
                $operation($type),
            )*
        }

        impl<'a> Request<'a> {
            /// Reads the request of the operation that `envelope` calls.
            pub fn read(envelope: Envelope<'a>) -> Result<Self, RequestError> {
                match envelope.operation {
                    $(Operation::$operation => Ok(Self::$operation(envelope.read()?)),)*
                }
            }
        }
    };
}

requests! {
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
