//! GetFileLocations ([MS-WUSP] 2.2.2.2.7): where files are now.

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{RequestError, base64, list, request_structure};
use crate::wire::soap::write::Writer;
use crate::wire::wusp::limits;
use crate::wire::wusp::types::{Cookie, FileLocation, IssuedCookie};
use crate::wire::xml::Cursor;

request_structure! {
    /// The request.
    pub struct GetFileLocationsRequest {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
        /// SHA-1 digests of the files; that they have 20 bytes is for the operation to check.
        file_digests: Vec<Vec<u8>> = "fileDigests" =>
            list(&["base64Binary"], limits::FILE_DIGESTS, file_digest),
    }
}

fn file_digest(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, RequestError> {
    base64(cursor, limits::FILE_DIGEST)
}

/// The response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetFileLocationsResponse<'r> {
    /// One per digest.
    pub file_locations: &'r [FileLocation<'r>],
    /// The cookie for the next call.
    pub new_cookie: IssuedCookie<'r>,
}

impl Response for GetFileLocationsResponse<'_> {
    const OPERATION: Operation = Operation::GetFileLocations;

    fn write(&self, out: &mut Writer<'_>) {
        out.element("GetFileLocationsResult", |out| {
            out.list("FileLocations", self.file_locations, |out, location| location.write(out));
            self.new_cookie.write(out, "NewCookie");
        });
    }
}
