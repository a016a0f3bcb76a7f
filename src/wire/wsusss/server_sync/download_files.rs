//! DownloadFiles ([MS-WSUSSS] 3.1.4.11): asks the upstream server to fetch files that it did not
//! need itself so far.

use crate::wire::soap::codec::Nested;
use crate::wire::soap::{message_structure, operation};
use crate::wire::wsusss::types::digests;
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct DownloadFilesRequest {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Nested,
        /// SHA-1 of each file, 1 to 100 of them.
        file_digest_list: Vec<Vec<u8>> = "fileDigestList" => digests(limits::ASKED_FILES),
    }
}

message_structure! {
    /// The response; it has no content.
    pub struct DownloadFilesResponse {}
}

operation!(DownloadFiles(DownloadFilesRequest) -> DownloadFilesResponse);
