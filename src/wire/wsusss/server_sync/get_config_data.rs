//! GetConfigData ([MS-WSUSSS] 3.1.4.4): what the upstream server is and allows.

use std::borrow::Cow;

use crate::wire::soap::codec::{Boolean, Int, List, Nested, Text};
use crate::wire::soap::{message_structure, operation};
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct GetConfigDataRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Nested,
        /// `NewConfigAnchor` of the last answer; absent at first.
        config_anchor: Cow<'a, str> = "configAnchor" => Text,
    }
}

message_structure! {
    /// The response.
    pub struct GetConfigDataResponse<'a> {
        /// The configuration.
        result: ServerSyncConfigData<'a> = "GetConfigDataResult" => Nested,
    }
}

message_structure! {
    /// The upstream server's configuration ([MS-WSUSSS] 3.1.4.4.3.1), in the order in which the
    /// real server writes it; the specification's prose has another.
    pub struct ServerSyncConfigData<'a> {
        /// Whether it has no content files to download, only addresses.
        catalog_only_sync: bool = "CatalogOnlySync" => Boolean,
        /// Whether it downloads content only when somebody needs it.
        lazy_sync: bool = "LazySync" => Boolean,
        /// Whether it has express files too.
        server_hosts_psf_files: bool = "ServerHostsPsfFiles" => Boolean,
        /// Most `ComputerIds` in a GetDriverIdList.
        max_number_of_computer_ids_in_request: i32 = "MaxNumberOfComputerIdsInRequest" => Int,
        /// Most driver sets in a GetDriverSetData.
        max_number_of_driver_sets_per_request: i32 = "MaxNumberOfDriverSetsPerRequest" => Int,
        /// Most `PnpHardwareIds` in a GetDriverIdList.
        max_number_of_pnp_hardware_ids_in_request: i32 =
            "MaxNumberOfPnpHardwareIdsInRequest" => Int,
        /// Most revisions in a GetUpdateData: 100.
        max_number_of_updates_per_request: i32 = "MaxNumberOfUpdatesPerRequest" => Int,
        /// When this answer was given; opaque to the downstream server.
        new_config_anchor: Cow<'a, str> = "NewConfigAnchor" => Text,
        /// The upstream server's protocol version: `1.20`.
        protocol_version: Cow<'a, str> = "ProtocolVersion" => Text,
        /// The languages that changed since the request's anchor; first the entry 0, `all`.
        language_update_list: Vec<ServerSyncLanguageData<'a>> = "LanguageUpdateList" =>
            List("ServerSyncLanguageData", limits::LANGUAGES, Nested),
        /// Most revisions in a GetUpdateDecryptionData. Servers before 2012 do not have it.
        max_updates_per_request_in_get_update_decryption_data: i32 =
            "MaxUpdatesPerRequestInGetUpdateDecryptionData" => Int,
    }
}

message_structure! {
    /// One language ([MS-WSUSSS] 3.1.4.4.3.3).
    pub struct ServerSyncLanguageData<'a> {
        /// Its LCID, or 0 for all languages.
        language_id: i32 = "LanguageID" => Int,
        /// Its tag in lower case: `zh-cn`.
        short_language: Cow<'a, str> = "ShortLanguage" => Text,
        /// Its English name.
        long_language: Cow<'a, str> = "LongLanguage" => Text,
        /// Whether the upstream server has updates in it.
        enabled: bool = "Enabled" => Boolean,
    }
}

operation!(GetConfigData(GetConfigDataRequest<'_>) -> GetConfigDataResponse<'a>);
