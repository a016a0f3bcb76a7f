//! The Client web service ([MS-WUSP] 2.2.2.2).

mod around_cookie;
mod extended_update_info;
mod get_config;
mod get_config2;
mod get_cookie;
mod get_extended_update_info;
mod get_extended_update_info2;
mod get_file_locations;
mod get_timestamps;
mod refresh_cache;
mod register_computer;
mod start_category_scan;
mod sync_info;
mod sync_printer_catalog;
mod sync_updates;
mod system_spec;

pub use around_cookie::AroundCookie;
pub use extended_update_info::{ExtendedUpdateInfo, UpdateData};
pub use get_config::{
    AuthPlugInInfo, Config, ConfigurationProperty, GetConfigRequest, GetConfigResponse,
};
pub use get_config2::{ClientConfiguration, GetConfig2Request, GetConfig2Response};
pub use get_cookie::{GetCookieRequest, GetCookieResponse};
pub use get_extended_update_info::{GetExtendedUpdateInfoRequest, GetExtendedUpdateInfoResponse};
pub use get_extended_update_info2::{
    GetExtendedUpdateInfo2Request, GetExtendedUpdateInfo2Response,
};
pub use get_file_locations::{GetFileLocationsRequest, GetFileLocationsResponse};
pub use get_timestamps::{GetTimestampsRequest, GetTimestampsResponse};
pub use refresh_cache::{RefreshCacheRequest, RefreshCacheResponse, RefreshCacheResult};
pub use register_computer::{ComputerInfo, RegisterComputerRequest, RegisterComputerResponse};
pub use start_category_scan::{
    CategoryRelationship, StartCategoryScanRequest, StartCategoryScanResponse,
};
pub use sync_info::{SyncInfo, UpdateInfo};
pub use sync_printer_catalog::{SyncPrinterCatalogRequest, SyncPrinterCatalogResponse};
pub use sync_updates::{
    ComputerHardwareSpecification, ProductsParameters, SyncUpdateParameters, SyncUpdatesRequest,
    SyncUpdatesResponse,
};
pub use system_spec::{Device, ExtensionDriver, InstalledDriver};
