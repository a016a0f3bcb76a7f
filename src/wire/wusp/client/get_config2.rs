//! GetConfig2: GetConfig with its argument in a structure. Later agents' contract has it; the
//! prose of the specification does not, and no agent was recorded using it against a WSUS.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{request_structure, text};
use crate::wire::soap::write::Writer;

use super::Config;

request_structure! {
    /// The request.
    pub struct GetConfig2Request<'a> {
        /// What the client says of itself.
        client_configuration: ClientConfiguration<'a> =
            "clientConfiguration" => ClientConfiguration::read,
    }
}

request_structure! {
    /// What the client says of itself. Only the one field that the server uses is read.
    pub struct ClientConfiguration<'a> {
        /// The client's protocol version.
        protocol_version: Cow<'a, str> = "protocolVersion" => text,
    }
}

/// The response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetConfig2Response<'r>(pub Config<'r>);

impl Response for GetConfig2Response<'_> {
    const OPERATION: Operation = Operation::GetConfig2;

    fn write(&self, out: &mut Writer<'_>) {
        self.0.write(out, "GetConfig2Result");
    }
}
