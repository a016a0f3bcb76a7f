//! GetCookie ([MS-WSUSSS] 3.1.4.3): the authorization cookie in, the session's cookie out.

use std::borrow::Cow;

use crate::wire::soap::codec::{List, Nested, Text};
use crate::wire::soap::{message_structure, operation};
use crate::wire::wsusss::{AuthorizationCookie, Cookie, limits};

message_structure! {
    /// The request.
    pub struct GetCookieRequest<'a> {
        /// Exactly one.
        auth_cookies: Vec<AuthorizationCookie<'a>> = "authCookies" =>
            List("AuthorizationCookie", limits::AUTHORIZATION_COOKIES, Nested),
        /// The cookie to renew; absent at first.
        old_cookie: Cookie = "oldCookie" => Nested,
        /// The downstream server's protocol version: `1.20`. Later calls do not repeat it.
        protocol_version: Cow<'a, str> = "protocolVersion" => Text,
    }
}

message_structure! {
    /// The response.
    pub struct GetCookieResponse {
        /// The session's cookie, good for 240 minutes on real servers.
        result: Cookie = "GetCookieResult" => Nested,
    }
}

operation!(ServerSyncGetCookie(GetCookieRequest<'_>) -> GetCookieResponse);
