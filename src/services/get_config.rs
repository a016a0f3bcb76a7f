//! GetConfig and GetConfig2 ([MS-WUSP] 3.1.5.2).

use std::borrow::Cow;

use crate::services::cookie::ProtocolVersion;
use crate::services::{ServiceError, Services};
use crate::wire::wusp::client::{AuthPlugInInfo, Config, ConfigurationProperty, GetConfigRequest};

/// The protocol version this server speaks. Below 3.2 agents do without category scans, and some
/// fail ([MS-WUSP] 2.2.2.2.1).
pub const PROTOCOL_VERSION: &str = "3.2";
/// The name of the only authorization plug-in there is.
pub(super) const PLUG_IN: &str = "SimpleTargeting";

const PLUG_INS: &[AuthPlugInInfo<'_>] = &[AuthPlugInInfo {
    plug_in_id: PLUG_IN,
    service_url: "SimpleAuthWebService/SimpleAuth.asmx",
    parameter: "",
}];

/// The version that a client names, if it is a two-part version.
pub(super) fn protocol_version(text: Option<&str>) -> Option<ProtocolVersion> {
    text?.parse().ok()
}

impl Services {
    /// Answers GetConfig.
    pub(super) fn config(
        &self,
        request: &GetConfigRequest<'_>,
    ) -> Result<Config<'_>, ServiceError> {
        match protocol_version(request.protocol_version.as_deref()) {
            Some(_) => Ok(self.configuration()),
            None => Err(ServiceError::parameter("protocolVersion")),
        }
    }

    /// Answers GetConfig2, which has no prose in the specification: its client may leave the
    /// version out.
    pub(super) fn configuration(&self) -> Config<'_> {
        Config {
            last_change: self.last_change,
            is_registration_required: true,
            auth_info: PLUG_INS,
            allowed_event_ids: None,
            properties: &self.properties,
        }
    }

    /// The properties in the real server's order. `PackageServerShare` is left out: there is no
    /// share, and agents do without it.
    pub(super) fn properties(max_extended_updates: usize) -> Vec<ConfigurationProperty<'static>> {
        [
            ("MaxExtendedUpdatesPerRequest", Cow::Owned(max_extended_updates.to_string())),
            ("ProtocolVersion", Cow::Borrowed(PROTOCOL_VERSION)),
            ("IsInventoryRequired", Cow::Borrowed("0")),
            ("ClientReportingLevel", Cow::Borrowed("2")),
        ]
        .map(|(name, value)| ConfigurationProperty { name, value })
        .into()
    }
}
