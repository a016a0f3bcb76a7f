//! SyncUpdates ([MS-WUSP] 2.2.2.2.4): the scan.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{
    RequestError, Structure, boolean, guid, list, request_structure, required, text,
};
use crate::wire::soap::write::Writer;
use crate::wire::types::RevisionId;
use crate::wire::wusp::limits;
use crate::wire::wusp::types::{Cookie, revision_ids};
use crate::wire::xml::Cursor;

use super::{Device, SyncInfo};

request_structure! {
    /// The request.
    pub struct SyncUpdatesRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
        /// What the client has.
        parameters: SyncUpdateParameters<'a> = "parameters" => SyncUpdateParameters::read,
    }
}

request_structure! {
    /// What the client has and wants.
    pub struct SyncUpdateParameters<'a> {
        /// Must be ignored, says the specification.
        express_query: bool = "ExpressQuery" => boolean,
        /// Cached revisions that the client found installed and that others depend on.
        installed_non_leaf_update_ids: Vec<RevisionId> = "InstalledNonLeafUpdateIDs" =>
            revision_ids(limits::CACHED_REVISIONS),
        /// All other cached revisions.
        other_cached_update_ids: Vec<RevisionId> = "OtherCachedUpdateIDs" =>
            revision_ids(limits::CACHED_REVISIONS),
        /// The devices, in a driver scan.
        system_spec: Vec<Device<'a>> = "SystemSpec" =>
            list(&["Device"], limits::DEVICES, Device::read),
        /// Cached driver revisions.
        cached_driver_ids: Vec<RevisionId> = "CachedDriverIDs" =>
            revision_ids(limits::CACHED_REVISIONS),
        /// True for a driver scan, false for a software scan.
        skip_software_sync: bool = "SkipSoftwareSync" => boolean,
        /// The categories to which the scan is limited.
        filter_category_ids: Vec<Uuid> = "FilterCategoryIds" =>
            list(&["CategoryIdentifier"], limits::CATEGORIES, category_identifier),
        /// Whether revisions that are only out of the filter's scope are to be listed apart.
        need_two_group_out_of_scope_updates: bool = "NeedTwoGroupOutOfScopeUpdates" => boolean,
        /// Sent by agents, named by no specification: a whole scan follows a filtered one.
        also_perform_regular_sync: bool = "AlsoPerformRegularSync" => boolean,
        /// The computer's own hardware ids, in a driver scan.
        computer_spec: ComputerHardwareSpecification =
            "ComputerSpec" => ComputerHardwareSpecification::read,
        /// Architecture and OS version (`AMD64.10.0`) for feature scores of drivers.
        feature_score_matching_key: Cow<'a, str> = "FeatureScoreMatchingKey" => text,
        /// Sent by agents, named by no specification.
        products_parameters: ProductsParameters<'a> =
            "ProductsParameters" => ProductsParameters::read,
    }
}

request_structure! {
    /// Hardware ids of the computer as a whole.
    pub struct ComputerHardwareSpecification {
        /// The ids, the most specific first.
        hardware_ids: Vec<Uuid> = "HardwareIDs" => list(&["guid"], limits::HARDWARE_IDS, guid),
    }
}

request_structure! {
    /// What a current agent says of its computer with every scan. Its `Products` child, which names
    /// what is installed for a service that knows products, is passed over.
    pub struct ProductsParameters<'a> {
        /// False in all recordings.
        sync_current_version_only: bool = "SyncCurrentVersionOnly" => boolean,
        /// `Name=Value;` pairs describing the computer.
        device_attributes: Cow<'a, str> = "DeviceAttributes" => text,
        /// `Name=Value;` pairs describing who asked for the scan.
        caller_attributes: Cow<'a, str> = "CallerAttributes" => text,
    }
}

request_structure! {
    /// A category's id in its wrapper.
    struct CategoryIdentifier {
        /// The category.
        id: Uuid = "Id" => guid,
    }
}

fn category_identifier(cursor: &mut Cursor<'_>) -> Result<Uuid, RequestError> {
    required(CategoryIdentifier::read(cursor)?.id, "Id")
}

/// The response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncUpdatesResponse<'r>(pub SyncInfo<'r>);

impl Response for SyncUpdatesResponse<'_> {
    const OPERATION: Operation = Operation::SyncUpdates;

    fn write(&self, out: &mut Writer<'_>) {
        self.0.write(out, "SyncUpdatesResult");
    }
}
