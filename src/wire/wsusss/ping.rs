//! Ping ([MS-WSUSSS] 3.1.4.12): in the contract of three services, and unused.
//!
//! Its messages are the same in all three, down to the namespace, so there is one structure for
//! them.

use std::borrow::Cow;

use crate::wire::soap::codec::{Boolean, Int, Nested, Text, Time};
use crate::wire::soap::{message_structure, operation};
use crate::wire::time::DateTime;

message_structure! {
    /// The request.
    pub struct PingRequest {
        /// How much the answer shall say.
        ping_level: i32 = "pingLevel" => Int,
    }
}

message_structure! {
    /// The response.
    pub struct PingResponse<'a> {
        /// How the service does.
        result: MonitoredServicesResponse<'a> = "PingResult" => Nested,
    }
}

message_structure! {
    /// How a service does.
    pub struct MonitoredServicesResponse<'a> {
        /// Whether it works.
        success_flag: bool = "SuccessFlag" => Boolean,
        /// Its clock.
        services_time: DateTime = "ServicesTime" => Time,
        /// Its name.
        services_name: Cow<'a, str> = "ServicesName" => Text,
        /// Its computer.
        services_machine: Cow<'a, str> = "ServicesMachine" => Text,
        /// Whether it was asked over HTTPS.
        is_https: bool = "IsHttps" => Boolean,
        /// The request's Content-Type.
        request_content_type: Cow<'a, str> = "RequestContentType" => Text,
        /// The configuration's path.
        config_file_path: Cow<'a, str> = "ConfigFilePath" => Text,
        /// The configuration's project.
        config_file_project_name: Cow<'a, str> = "ConfigFileProjectName" => Text,
        /// The configuration's environment.
        config_file_environment_name: Cow<'a, str> = "ConfigFileEnvironmentName" => Text,
        /// When the configuration last changed.
        config_file_last_modified_time: DateTime = "ConfigFileLastModifiedTime" => Time,
        /// The configuration's version.
        config_file_version: Cow<'a, str> = "ConfigFileVersion" => Text,
        /// When the configuration is read again.
        config_file_next_expiration_time: DateTime = "ConfigFileNextExpirationTime" => Time,
        /// How often the configuration is read again.
        config_file_expiration_modulo_in_minutes: i32 = "ConfigFileExpirationModuloInMinutes" => Int,
        /// The database.
        database_info: Cow<'a, str> = "DatabaseInfo" => Text,
        /// Anything else.
        custom_info: Cow<'a, str> = "CustomInfo" => Text,
    }
}

operation!(ServerSyncPing(PingRequest) -> PingResponse<'a>);
