//! The Reporting web service ([MS-WUSP] 2.2.2.3), as far as agents use it.

mod event;
mod get_required_inventory_type;
mod report_event_batch;
mod report_event_batch2;
mod report_inventory;

pub use event::{
    BasicData, ComputerTargetIdentifier, DetailedVersion, ExtendedData, PrivateData, ReportingEvent,
};
pub use get_required_inventory_type::{
    GetRequiredInventoryTypeRequest, GetRequiredInventoryTypeResponse,
};
pub use report_event_batch::{ReportEventBatchRequest, ReportEventBatchResponse};
pub use report_event_batch2::{ReportEventBatch2Request, ReportEventBatch2Response};
pub use report_inventory::{ReportInventoryRequest, ReportInventoryResponse, ReportingInventory};
