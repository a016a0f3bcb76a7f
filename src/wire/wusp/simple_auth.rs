//! The SimpleAuth web service ([MS-WUSP] 2.2.2.1): GetAuthorizationCookie, with which a computer
//! says who it is and which group it wants to be in.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{request_structure, text};
use crate::wire::soap::write::Writer;

request_structure! {
    /// The request ([MS-WUSP] 2.2.2.1.1).
    pub struct GetAuthorizationCookieRequest<'a> {
        /// The computer's id, which it made itself: 1 to 255 of `a-z 0-9 -`.
        client_id: Cow<'a, str> = "clientId" => text,
        /// The group it was told to join; absent without that policy.
        target_group_name: Cow<'a, str> = "targetGroupName" => text,
        /// Its DNS name.
        dns_name: Cow<'a, str> = "dnsName" => text,
    }
}

/// The response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetAuthorizationCookieResponse<'r> {
    /// The plug-in: `SimpleTargeting`.
    pub plug_in_id: &'r str,
    /// Opaque to the client.
    pub cookie_data: &'r [u8],
}

impl Response for GetAuthorizationCookieResponse<'_> {
    const OPERATION: Operation = Operation::GetAuthorizationCookie;

    fn write(&self, out: &mut Writer<'_>) {
        out.element("GetAuthorizationCookieResult", |out| {
            out.text("PlugInId", self.plug_in_id);
            out.base64("CookieData", self.cookie_data);
        });
    }
}
