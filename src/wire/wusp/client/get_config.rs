//! GetConfig ([MS-WUSP] 2.2.2.2.1): what a client must know before it authenticates.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{request_structure, text};
use crate::wire::soap::write::Writer;
use crate::wire::time::DateTime;

request_structure! {
    /// The request.
    pub struct GetConfigRequest<'a> {
        /// The client's protocol version, `2.90` for a current agent.
        protocol_version: Cow<'a, str> = "protocolVersion" => text,
    }
}

/// The server's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config<'r> {
    /// When it last changed; the client echoes it in GetCookie.
    pub last_change: DateTime,
    /// Whether clients have to call RegisterComputer.
    pub is_registration_required: bool,
    /// The authorization plug-ins.
    pub auth_info: &'r [AuthPlugInInfo<'r>],
    /// The events that may be reported; `None`, which is never written, for all.
    pub allowed_event_ids: Option<&'r [i32]>,
    /// Named settings, in the order written.
    pub properties: &'r [ConfigurationProperty<'r>],
}

/// One authorization plug-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthPlugInInfo<'r> {
    /// Its name: `SimpleTargeting`.
    pub plug_in_id: &'r str,
    /// Its service's address, relative to the server's root without a leading slash.
    pub service_url: &'r str,
    /// Empty. The specification wants it absent, the real server writes it empty.
    pub parameter: &'r str,
}

/// One named setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationProperty<'r> {
    /// The name.
    pub name: &'r str,
    /// The value.
    pub value: Cow<'r, str>,
}

/// The response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetConfigResponse<'r>(pub Config<'r>);

impl Response for GetConfigResponse<'_> {
    const OPERATION: Operation = Operation::GetConfig;

    fn write(&self, out: &mut Writer<'_>) {
        self.0.write(out, "GetConfigResult");
    }
}

impl Config<'_> {
    pub(super) fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.element(name, |out| {
            out.display("LastChange", self.last_change);
            out.display("IsRegistrationRequired", self.is_registration_required);
            out.list("AuthInfo", self.auth_info, |out, plug_in| {
                out.element("AuthPlugInInfo", |out| {
                    out.text("PlugInID", plug_in.plug_in_id);
                    out.text("ServiceUrl", plug_in.service_url);
                    out.text("Parameter", plug_in.parameter);
                });
            });
            if let Some(ids) = self.allowed_event_ids {
                out.element("AllowedEventIds", |out| {
                    ids.iter().for_each(|id| out.display("int", id));
                });
            }
            out.list("Properties", self.properties, |out, property| {
                out.element("ConfigurationProperty", |out| {
                    out.text("Name", property.name);
                    out.text("Value", &property.value);
                });
            });
        });
    }
}
