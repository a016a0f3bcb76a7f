//! GetAuthConfig ([MS-WSUSSS] 3.1.4.1): where a downstream server authenticates.

use std::borrow::Cow;

use crate::wire::soap::codec::{Int, List, Nested, Text, Time};
use crate::wire::soap::{message_structure, operation};
use crate::wire::time::DateTime;
use crate::wire::wsusss::limits;

message_structure! {
    /// The request; it has no content.
    pub struct GetAuthConfigRequest {}
}

message_structure! {
    /// The response.
    pub struct GetAuthConfigResponse<'a> {
        /// The configuration.
        result: ServerAuthConfig<'a> = "GetAuthConfigResult" => Nested,
    }
}

message_structure! {
    /// How the upstream server authorizes ([MS-WSUSSS] 3.1.4.1.3.1).
    pub struct ServerAuthConfig<'a> {
        /// When it last changed; to be ignored.
        last_change: DateTime = "LastChange" => Time,
        /// The authorization plug-ins: exactly one.
        auth_info: Vec<AuthPlugInInfo<'a>> = "AuthInfo" =>
            List("AuthPlugInInfo", limits::AUTHORIZATION_INFO, Nested),
        /// Never written, to be ignored.
        allowed_event_ids: Vec<i32> = "AllowedEventIds" =>
            List("int", limits::AUTHORIZATION_INFO, Int),
    }
}

message_structure! {
    /// One authorization plug-in ([MS-WSUSSS] 3.1.4.1.3.3).
    pub struct AuthPlugInInfo<'a> {
        /// Its name: `DssTargeting`.
        plug_in_id: Cow<'a, str> = "PlugInID" => Text,
        /// Its service's address, relative to the server's root without a leading slash.
        service_url: Cow<'a, str> = "ServiceUrl" => Text,
        /// Empty. The specification wants it absent, the real server writes it empty.
        parameter: Cow<'a, str> = "Parameter" => Text,
    }
}

operation!(GetAuthConfig(GetAuthConfigRequest) -> GetAuthConfigResponse<'a>);
