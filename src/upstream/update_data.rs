//! GetUpdateData ([MS-WSUSSS] 3.1.4.6) and GetUpdateDecryptionData (3.1.4.18): documents, made ready
//! to be stored.
//!
//! What comes is judged document by document. One that cannot be read is reported with its reason,
//! and the others of the answer are none the worse for it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::SyncError;
use super::records;
use super::session::Connection;
use crate::metadata::text::decode_document;
use crate::panics::contained;
use crate::state::Importable;
use crate::state::records::FileOrigin;
use crate::wire::types::{Sha1, UpdateIdentity};
use crate::wire::wsusss::limits;
use crate::wire::wsusss::server_sync::{
    GetUpdateDataRequest, GetUpdateDecryptionDataRequest, ServerSyncUpdateData, ServerUpdateData,
};

/// What a document says when there are keys to its files ([MS-WSUSSS] 3.1.1.1, `FragmentType`).
const HAS_KEYS: &str = "FileDecryption";

/// What was answered.
pub(super) struct Received {
    /// The revisions, ready or with the reason why not.
    pub(super) revisions: Vec<(UpdateIdentity, Result<Importable, String>)>,
    /// Where their files come from.
    pub(super) origins: HashMap<Sha1, FileOrigin>,
    /// The revisions whose files have keys.
    pub(super) encrypted: Vec<UpdateIdentity>,
}

/// Asks for the documents of `revisions`. The answer may have fewer of them, and never others.
pub(super) async fn update_data(
    connection: &mut Connection,
    revisions: &[UpdateIdentity],
) -> Result<Received, SyncError> {
    let asked = revisions.to_vec();
    let request = {
        let asked = asked.clone();
        move |cookie| GetUpdateDataRequest { cookie: Some(cookie), update_ids: Some(asked.clone()) }
    };
    let received = connection.call(request, |answer| answer.result.map(receive)).await?;
    let mut received = received.ok_or(SyncError::Incomplete {
        operation: crate::wire::operation::Operation::GetUpdateData,
        missing: "GetUpdateDataResult",
    })?;
    received.revisions.retain(|(identity, _)| asked.contains(identity));
    Ok(received)
}

/// Asks for the keys of the encrypted files of `revisions`, and adds them to `origins`.
pub(super) async fn decryption_data(
    connection: &mut Connection,
    revisions: &[UpdateIdentity],
    origins: &mut HashMap<Sha1, FileOrigin>,
) -> Result<(), SyncError> {
    let asked = revisions.to_vec();
    let request = move |cookie| GetUpdateDecryptionDataRequest {
        cookie: Some(cookie),
        update_ids: Some(asked.clone()),
    };
    let keys = connection.call(request, |answer| {
        let result = answer.result.unwrap_or_default();
        let revisions = result.update_file_decryption_data.unwrap_or_default();
        let files =
            revisions.into_iter().flat_map(|it| it.file_decryption_data.unwrap_or_default());
        let key = |file: crate::wire::wsusss::server_sync::ServerSyncFileDecryption| {
            Some((sha1(&file.file_digest?)?, file.decryption_key?))
        };
        files.filter_map(key).collect::<Vec<_>>()
    });
    for (sha1, key) in keys.await? {
        origins.entry(sha1).or_default().decryption_key = Some(key);
    }
    Ok(())
}

fn receive(data: ServerUpdateData<'_>) -> Received {
    let mut received =
        Received { revisions: Vec::new(), origins: HashMap::new(), encrypted: Vec::new() };
    for update in data.updates.unwrap_or_default() {
        let Some(identity) = update.id else { continue };
        // Unpacking is foreign code in part, which a damaged blob must not make end a server.
        let document = contained(|| document(identity, &update));
        let document = document.unwrap_or_else(|panicked| Err(panicked.to_string()));
        if document.as_ref().is_ok_and(|(_, has_keys)| *has_keys) {
            received.encrypted.push(identity);
        }
        received.revisions.push((identity, document.map(|(document, _)| document)));
    }
    for file in data.file_urls.unwrap_or_default() {
        let Some(sha1) = file.file_digest.as_deref().and_then(sha1) else { continue };
        let origin = received.origins.entry(sha1).or_default();
        let url = file.mu_url.map(Cow::into_owned).filter(|url| !url.is_empty());
        origin.mu_url = url.or(origin.mu_url.take());
        origin.decryption_key = file.decryption_key.or(origin.decryption_key.take());
    }
    received
}

/// The document ready to be stored, and whether there are keys to its files.
fn document(
    asked: UpdateIdentity,
    update: &ServerSyncUpdateData<'_>,
) -> Result<(Importable, bool), String> {
    let bytes = update.document(limits::DOCUMENT).map_err(|error| records::reason(&error))?;
    let text =
        decode_document(&bytes, limits::DOCUMENT).map_err(|error| records::reason(&error))?;
    drop(bytes);
    let has_keys = text.contains(HAS_KEYS);
    let document = Importable::new(text).map_err(|error| records::reason(&error))?;
    match document.identity() {
        identity if identity == asked => Ok((document, has_keys)),
        other => Err(format!("the document sent for it is that of {other}")),
    }
}

fn sha1(digest: &[u8]) -> Option<Sha1> {
    digest.try_into().ok().map(Sha1)
}
