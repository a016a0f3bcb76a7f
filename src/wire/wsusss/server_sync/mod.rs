//! The Server Sync web service ([MS-WSUSSS] 3.1.4).

mod download_files;
mod get_auth_config;
mod get_config_data;
mod get_cookie;
mod get_deployments;
mod get_driver_id_list;
mod get_driver_set_data;
mod get_related_revisions_for_updates;
mod get_revision_id_list;
mod get_update_data;
mod get_update_decryption_data;

pub use download_files::{DownloadFilesRequest, DownloadFilesResponse};
pub use get_auth_config::{
    AuthPlugInInfo, GetAuthConfigRequest, GetAuthConfigResponse, ServerAuthConfig,
};
pub use get_config_data::{
    GetConfigDataRequest, GetConfigDataResponse, ServerSyncConfigData, ServerSyncLanguageData,
};
pub use get_cookie::{GetCookieRequest, GetCookieResponse};
pub use get_deployments::{
    GetDeploymentsRequest, GetDeploymentsResponse, ServerSyncDeployment,
    ServerSyncDeploymentResult, ServerSyncTargetGroup,
};
pub use get_driver_id_list::{
    DriverSetAndRevisionIdList, GetDriverIdListRequest, GetDriverIdListResponse,
    HardwareIdAndDelta, ServerSyncDriverFilter,
};
pub use get_driver_set_data::{
    GetDriverSetDataRequest, GetDriverSetDataResponse, ServerDriverSetData, ServerSyncDriverSetData,
};
pub use get_related_revisions_for_updates::{
    GetRelatedRevisionsForUpdatesRequest, GetRelatedRevisionsForUpdatesResponse,
};
pub use get_revision_id_list::{
    GetRevisionIdListRequest, GetRevisionIdListResponse, IdAndDelta, LanguageAndDelta,
    RevisionIdList, ServerSyncFilter, Version,
};
pub use get_update_data::{
    BlobError, GetUpdateDataRequest, GetUpdateDataResponse, ServerSyncUpdateData,
    ServerSyncUrlData, ServerUpdateData,
};
pub use get_update_decryption_data::{
    GetUpdateDecryptionDataRequest, GetUpdateDecryptionDataResponse, ServerDecryptionData,
    ServerSyncFileDecryption, ServerSyncUpdateFileDecryption,
};
