//! ReportInventory: the inventory of a computer. In the contract only.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{
    RequestError, base64, boolean, date_time, request_structure, text_up_to,
};
use crate::wire::soap::write::Writer;
use crate::wire::time::DateTime;
use crate::wire::wusp::limits;
use crate::wire::wusp::types::Cookie;
use crate::wire::xml::Cursor;

request_structure! {
    /// The request.
    pub struct ReportInventoryRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
        /// The client's clock.
        client_time: DateTime = "clientTime" => date_time,
        /// The inventory.
        inventory: ReportingInventory<'a> = "inventory" => ReportingInventory::read,
    }
}

request_structure! {
    /// An inventory document, plain or compressed.
    pub struct ReportingInventory<'a> {
        /// Which of the two forms it has.
        is_compressed: bool = "IsCompressed" => boolean,
        /// The document.
        raw_xml: Cow<'a, str> = "RawXml" => raw_xml,
        /// The compressed document.
        compressed_xml: Vec<u8> = "CompressedXml" => compressed_xml,
    }
}

fn raw_xml<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, RequestError> {
    text_up_to(cursor, limits::INVENTORY)
}

fn compressed_xml(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, RequestError> {
    base64(cursor, limits::INVENTORY)
}

/// The response: whether the inventory was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportInventoryResponse(pub bool);

impl Response for ReportInventoryResponse {
    const OPERATION: Operation = Operation::ReportInventory;

    fn write(&self, out: &mut Writer<'_>) {
        out.display("ReportInventoryResult", self.0);
    }
}
