//! The DSS Authorization web service ([MS-WSUSSS] 3.1.4.2): GetAuthorizationCookie, with which a
//! downstream server says who it is.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Guid, List, Nested, Text};
use crate::wire::soap::{message_structure, operation};

use super::{AuthorizationCookie, limits};

message_structure! {
    /// The request ([MS-WSUSSS] 3.1.4.2.2.1).
    pub struct GetAuthorizationCookieRequest<'a> {
        /// The downstream server's full DNS name.
        account_name: Cow<'a, str> = "accountName" => Text,
        /// The downstream server's id, a GUID in a text.
        account_guid: Cow<'a, str> = "accountGuid" => Text,
        /// Reserved; absent.
        program_keys: Vec<Uuid> = "programKeys" => List("guid", limits::PROGRAM_KEYS, Guid),
    }
}

message_structure! {
    /// The response ([MS-WSUSSS] 3.1.4.2.2.2).
    pub struct GetAuthorizationCookieResponse<'a> {
        /// Of the plug-in `DssTargeting`.
        result: AuthorizationCookie<'a> = "GetAuthorizationCookieResult" => Nested,
    }
}

operation! {
    DssAuthGetAuthorizationCookie(GetAuthorizationCookieRequest<'_>)
        -> GetAuthorizationCookieResponse<'a>
}
