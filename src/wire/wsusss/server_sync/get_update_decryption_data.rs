//! GetUpdateDecryptionData ([MS-WSUSSS] 3.1.4.18): the keys of encrypted files.

use crate::wire::soap::codec::{Base64, List, Nested};
use crate::wire::soap::{message_structure, operation};
use crate::wire::types::UpdateIdentity;
use crate::wire::wsusss::types::{Identity, identities};
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct GetUpdateDecryptionDataRequest {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Nested,
        /// The revisions, at most `MaxUpdatesPerRequestInGetUpdateDecryptionData` of them.
        update_ids: Vec<UpdateIdentity> = "updateIds" => identities(limits::ASKED_REVISIONS),
    }
}

message_structure! {
    /// The response.
    pub struct GetUpdateDecryptionDataResponse {
        /// The keys.
        result: ServerDecryptionData = "GetUpdateDecryptionDataResult" => Nested,
    }
}

message_structure! {
    /// The keys ([MS-WSUSSS] 3.1.4.18.3.1).
    pub struct ServerDecryptionData {
        /// By revision.
        update_file_decryption_data: Vec<ServerSyncUpdateFileDecryption> =
            "UpdateFileDecryptionData" =>
                List("ServerSyncUpdateFileDecryption", limits::ASKED_REVISIONS, Nested),
    }
}

message_structure! {
    /// The keys of a revision's files ([MS-WSUSSS] 3.1.4.18.3.3).
    pub struct ServerSyncUpdateFileDecryption {
        /// The revision.
        update_id: UpdateIdentity = "UpdateId" => Identity,
        /// The keys.
        file_decryption_data: Vec<ServerSyncFileDecryption> = "FileDecryptionData" =>
            List("ServerSyncFileDecryption", limits::LISTED_FILES, Nested),
    }
}

message_structure! {
    /// The key of a file ([MS-WSUSSS] 3.1.4.18.3.5).
    pub struct ServerSyncFileDecryption {
        /// SHA-1 of the file.
        file_digest: Vec<u8> = "FileDigest" => Base64(limits::FILE_DIGEST),
        /// The key; absent when the file is not encrypted.
        decryption_key: Vec<u8> = "DecryptionKey" => Base64(limits::DECRYPTION_KEY),
    }
}

operation! {
    GetUpdateDecryptionData(GetUpdateDecryptionDataRequest) -> GetUpdateDecryptionDataResponse
}
