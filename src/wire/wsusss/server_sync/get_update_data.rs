//! GetUpdateData ([MS-WSUSSS] 3.1.4.6): the documents of revisions, and where their files are.

use std::borrow::Cow;

use crate::wire::cabinet::{self, CabinetError};
use crate::wire::soap::codec::{Base64, Content, List, LongText, Nested, OrPrepared, Text};
use crate::wire::soap::{message_structure, operation};
use crate::wire::types::UpdateIdentity;
use crate::wire::wsusss::types::{Identity, digests, identities};
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct GetUpdateDataRequest {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Nested,
        /// The revisions, at most `MaxNumberOfUpdatesPerRequest` of them.
        update_ids: Vec<UpdateIdentity> = "updateIds" => identities(limits::ASKED_REVISIONS),
    }
}

message_structure! {
    /// The response.
    pub struct GetUpdateDataResponse<'a> {
        /// What is known of the revisions.
        result: ServerUpdateData<'a> = "GetUpdateDataResult" => Nested,
    }
}

message_structure! {
    /// What is known of the revisions ([MS-WSUSSS] 3.1.4.6.3.1).
    ///
    /// Real servers end an answer at about 2 MB: it may have fewer revisions than were asked for,
    /// and the others have to be asked for again.
    pub struct ServerUpdateData<'a> {
        /// The revisions.
        updates: Vec<ServerSyncUpdateData<'a>> = "updates" =>
            List("ServerSyncUpdateData", limits::ASKED_REVISIONS, Nested),
        /// The files of all of them. Written even when empty.
        file_urls: Vec<ServerSyncUrlData<'a>> = "fileUrls" =>
            List("ServerSyncUrlData", limits::LISTED_FILES, Nested),
    }
}

message_structure! {
    /// A revision ([MS-WSUSSS] 3.1.4.6.3.3), its document in one of two forms.
    pub struct ServerSyncUpdateData<'a> {
        /// The revision.
        id: UpdateIdentity = "Id" => Identity,
        /// The document as text; real servers send it so up to 5,120 bytes of UTF-16.
        xml_update_blob: Content<Cow<'a, str>> = "XmlUpdateBlob" =>
            OrPrepared(LongText(limits::DOCUMENT)),
        /// SHA-1 of each of its files; absent when it has none.
        file_digest_list: Vec<Vec<u8>> = "FileDigestList" => digests(limits::LISTED_FILES),
        /// The document in a cabinet: one file, UTF-16 without a byte order mark, compressed with
        /// LZX and a window of 2 MiB.
        xml_update_blob_compressed: Content<Vec<u8>> = "XmlUpdateBlobCompressed" =>
            OrPrepared(Base64(limits::CABINET)),
    }
}

message_structure! {
    /// A file's address ([MS-WSUSSS] 3.1.4.6.3.5).
    pub struct ServerSyncUrlData<'a> {
        /// SHA-1 of the file.
        file_digest: Vec<u8> = "FileDigest" => Base64(limits::FILE_DIGEST),
        /// Where Microsoft has it; absent when it does not.
        mu_url: Cow<'a, str> = "MUUrl" => Text,
        /// Unused. The specification wants it absent, the real server writes it empty.
        uss_url: Cow<'a, str> = "UssUrl" => Text,
        /// The key of an encrypted file; in the contract only.
        decryption_key: Vec<u8> = "DecryptionKey" => Base64(limits::DECRYPTION_KEY),
    }
}

operation!(GetUpdateData(GetUpdateDataRequest) -> GetUpdateDataResponse<'a>);

/// Why a revision has no document. Always the upstream server's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is neither form.
    #[error("the revision has no XmlUpdateBlob")]
    Absent,
    /// There are both forms, and they might differ.
    #[error("the revision has both an XmlUpdateBlob and an XmlUpdateBlobCompressed")]
    Twice,
    /// The cabinet cannot be unpacked.
    #[error("XmlUpdateBlobCompressed: {0}")]
    Cabinet(#[from] CabinetError),
}

impl ServerSyncUpdateData<'_> {
    /// The bytes of the document that was received, of at most `limit` bytes when it has to be
    /// unpacked: UTF-8 as text, UTF-16 from a cabinet.
    pub fn document(&self, limit: usize) -> Result<Cow<'_, [u8]>, BlobError> {
        match (&self.xml_update_blob, &self.xml_update_blob_compressed) {
            (Some(Content::Value(text)), None) => Ok(Cow::Borrowed(text.as_bytes())),
            (None, Some(Content::Value(blob))) => {
                Ok(Cow::Owned(cabinet::unpack_blob(blob, limit)?))
            }
            (Some(_), Some(_)) => Err(BlobError::Twice),
            _ => Err(BlobError::Absent),
        }
    }
}
