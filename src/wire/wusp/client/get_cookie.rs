//! GetCookie ([MS-WUSP] 2.2.2.2.2): authorization cookies in, the session's cookie out.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{date_time, list, request_structure, text};
use crate::wire::soap::write::Writer;
use crate::wire::time::DateTime;
use crate::wire::wusp::limits;
use crate::wire::wusp::types::{AuthorizationCookie, Cookie, IssuedCookie};

request_structure! {
    /// The request.
    pub struct GetCookieRequest<'a> {
        /// One per authorization plug-in.
        auth_cookies: Vec<AuthorizationCookie<'a>> = "authCookies" => list(
            &["AuthorizationCookie"], limits::AUTHORIZATION_COOKIES, AuthorizationCookie::read),
        /// The cookie to renew. An agent's first call has one with nothing but an expiry.
        old_cookie: Cookie = "oldCookie" => Cookie::read,
        /// `LastChange` of the GetConfig answer that the client goes by.
        last_change: DateTime = "lastChange" => date_time,
        /// The client's clock.
        current_time: DateTime = "currentTime" => date_time,
        /// The client's protocol version; later calls do not repeat it.
        protocol_version: Cow<'a, str> = "protocolVersion" => text,
    }
}

/// The response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetCookieResponse<'r>(pub IssuedCookie<'r>);

impl Response for GetCookieResponse<'_> {
    const OPERATION: Operation = Operation::GetCookie;

    fn write(&self, out: &mut Writer<'_>) {
        self.0.write(out, "GetCookieResult");
    }
}
