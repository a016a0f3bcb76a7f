//! GetRequiredInventoryType: which inventory the server wants. In the contract only.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{guid, request_structure, text};
use crate::wire::soap::write::Writer;
use crate::wire::wusp::types::Cookie;

request_structure! {
    /// The request.
    pub struct GetRequiredInventoryTypeRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
        /// The inventory rules that the client has.
        rules_id: Uuid = "rulesId" => guid,
        /// Their version.
        rules_version: Cow<'a, str> = "rulesVersion" => text,
    }
}

/// The response: the kind of inventory wanted, 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetRequiredInventoryTypeResponse(pub i32);

impl Response for GetRequiredInventoryTypeResponse {
    const OPERATION: Operation = Operation::GetRequiredInventoryType;

    fn write(&self, out: &mut Writer<'_>) {
        out.display("GetRequiredInventoryTypeResult", self.0);
    }
}
