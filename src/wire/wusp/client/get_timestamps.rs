//! GetTimestamps: known by name from later agents' contract, with an answer whose fields no
//! public text describes. No agent was recorded calling it on a WSUS. A client that calls it is
//! told nothing rather than sent a fault that would end its scan.

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::request_structure;
use crate::wire::soap::write::Writer;
use crate::wire::wusp::types::Cookie;

request_structure! {
    /// The request.
    pub struct GetTimestampsRequest {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
    }
}

/// The response; it has no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetTimestampsResponse;

impl Response for GetTimestampsResponse {
    const OPERATION: Operation = Operation::GetTimestamps;

    fn write(&self, _: &mut Writer<'_>) {}
}
