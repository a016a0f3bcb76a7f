//! GetUpdateData: the documents of revisions, and where their files are ([MS-WSUSSS] 3.1.4.6).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::metadata::model::UpdateFile;
use crate::services::call::Outcome;
use crate::services::{ServiceError, Services};
use crate::state::records::{DocumentRecord, FileOrigin};
use crate::state::{Places, State, StateError, SyncDocument};
use crate::wire::body::Prepared;
use crate::wire::fault::ErrorCode;
use crate::wire::soap::codec::Content;
use crate::wire::types::{Sha1, UpdateIdentity};
use crate::wire::wsusss::server_sync::{
    GetUpdateDataRequest, GetUpdateDataResponse, ServerSyncUpdateData, ServerSyncUrlData,
    ServerUpdateData,
};
use crate::wire::xml::escape_text;
use crate::wire::xpress;

use super::budget::Budget;
use super::{MAX_UPDATES, ServerSync};

/// A document as it goes over the wire.
#[derive(Debug, Clone)]
pub(super) struct PreparedDocument {
    /// Whether it is a cabinet in base64, or escaped text.
    packed: bool,
    pub(super) body: Prepared,
}

/// Why a document could not be prepared.
enum Failure {
    State(StateError),
    /// Too much is being sent at this moment.
    Busy,
}

impl Services {
    /// GetUpdateData.
    pub(super) async fn update_data(
        &self,
        request: &GetUpdateDataRequest,
        outcome: &mut Outcome,
    ) -> Result<GetUpdateDataResponse<'static>, ServiceError> {
        self.server_session(request.cookie.as_ref(), outcome)?;
        let asked = self.asked_places(request.update_ids.as_deref())?;
        // Each may hold the largest document there is, several times over, while it is packed.
        let gate = self.server_sync.gate.acquire().await;
        let (state, sync) = (Arc::clone(&self.state), Arc::clone(&self.server_sync));
        let enough = self.settings.max_update_data;
        let gathered = self.blocking(move || {
            let asked = read(&state, asked).map_err(Failure::State)?;
            gather(&state, &sync, &asked, enough)
        });
        let gathered = gathered.await?;
        drop(gate);
        let documents = gathered.map_err(|failure| match failure {
            Failure::State(error) => ServiceError::State(error),
            Failure::Busy => {
                self.server_sync.forget();
                ServiceError::code(ErrorCode::ServerBusy)
            }
        })?;
        let files: Vec<Sha1> = distinct_files(&documents).map(|file| file.sha1).collect();
        let origins = self.state.origins(files).await?;
        let file_urls = distinct_files(&documents).map(|file| url(file, &origins)).collect();
        let updates = documents.into_iter().map(|(record, document)| update(&record, document));
        let result =
            ServerUpdateData { updates: Some(updates.collect()), file_urls: Some(file_urls) };
        Ok(GetUpdateDataResponse { result: Some(result) })
    }

    /// Where the revisions that a request names are stored.
    ///
    /// # Errors
    /// InvalidParameters for no list, and for one that is too long. InternalServerError when any of
    /// them is not here, as on a real server.
    fn asked_places(&self, asked: Option<&[UpdateIdentity]>) -> Result<Vec<Places>, ServiceError> {
        let asked = asked.filter(|asked| asked.len() <= MAX_UPDATES);
        let asked = asked.ok_or_else(|| ServiceError::parameter("updateIds"))?;
        let published = self.state.published();
        let places = |identity| published.places(published.catalog.by_identity(identity)?);
        let places: Option<Vec<_>> = asked.iter().map(places).collect();
        places.ok_or(ServiceError::NotHere("a revision"))
    }

    /// The records of the revisions that a request names.
    ///
    /// # Errors
    /// InvalidParameters for no list, and for one that is too long. InternalServerError when any of
    /// them is not here, as on a real server.
    pub(super) async fn asked_revisions(
        &self,
        asked: Option<&[UpdateIdentity]>,
    ) -> Result<Vec<Arc<Asked>>, ServiceError> {
        let (places, state) = (self.asked_places(asked)?, Arc::clone(&self.state));
        Ok(self.blocking(move || read(&state, places)).await??)
    }
}

/// The records at `places` (blocking).
fn read(state: &State, places: Vec<Places>) -> Result<Vec<Arc<Asked>>, StateError> {
    let read = |places| Ok(Arc::new(Asked { places, record: state.record(places)? }));
    places.into_iter().map(read).collect()
}

/// A revision that a request names.
pub(super) struct Asked {
    places: Places,
    record: DocumentRecord,
}

impl Asked {
    /// Which it is.
    pub(super) fn identity(&self) -> UpdateIdentity {
        self.record.metadata.identity
    }

    /// What it needs of content: its files, and its licences.
    pub(super) fn files(&self) -> impl Iterator<Item = &UpdateFile> {
        self.record.metadata.files()
    }
}

type Documents = Vec<(Arc<Asked>, PreparedDocument)>;

/// As many documents from the front as make an answer of `enough` bytes, and one at least
/// (blocking).
fn gather(
    state: &State,
    sync: &ServerSync,
    asked: &[Arc<Asked>],
    enough: usize,
) -> Result<Documents, Failure> {
    let mut documents = Vec::with_capacity(asked.len());
    let mut bytes = 0;
    for revision in asked {
        let document = sync.documents.get_or_insert_with(&revision.record.digest, || {
            prepare(state, revision, &sync.budget)
        })?;
        bytes += document.body.len();
        if bytes > enough && !documents.is_empty() {
            break;
        }
        documents.push((Arc::clone(revision), document));
    }
    Ok(documents)
}

fn prepare(state: &State, asked: &Asked, budget: &Budget) -> Result<PreparedDocument, Failure> {
    let hold = |bytes| budget.hold(bytes).map_err(|_| Failure::Busy);
    match state.sync_document(asked.places, asked.record.digest).map_err(Failure::State)? {
        SyncDocument::Plain(text) => {
            let escaped = hold(escape_text(&text).into_owned().into_bytes())?;
            Ok(PreparedDocument { packed: false, body: Prepared::Escaped(escaped) })
        }
        SyncDocument::Packed(cabinet) => {
            let text = STANDARD.encode(cabinet);
            // It repeats nothing, so compressing the answer is spared the search.
            let mut blocks = Vec::with_capacity(text.len() + 64);
            xpress::store(text.as_bytes(), &mut blocks);
            let body = Prepared::Blocks { bytes: hold(blocks)?, length: text.len() };
            Ok(PreparedDocument { packed: true, body })
        }
    }
}

fn update(asked: &Asked, document: PreparedDocument) -> ServerSyncUpdateData<'static> {
    let PreparedDocument { packed, body } = document;
    let digests: Vec<Vec<u8>> = asked.files().map(|file| file.sha1.0.to_vec()).collect();
    ServerSyncUpdateData {
        id: Some(asked.identity()),
        xml_update_blob: (!packed).then(|| Content::Prepared(body.clone())),
        file_digest_list: (!digests.is_empty()).then_some(digests),
        xml_update_blob_compressed: packed.then_some(Content::Prepared(body)),
    }
}

/// A file's address. `UssUrl` is unused, and empty on a real server.
fn url(file: &UpdateFile, origins: &HashMap<Sha1, FileOrigin>) -> ServerSyncUrlData<'static> {
    let origin = origins.get(&file.sha1);
    ServerSyncUrlData {
        file_digest: Some(file.sha1.0.to_vec()),
        mu_url: origin.and_then(|origin| origin.mu_url.clone()).map(Cow::Owned),
        uss_url: Some(Cow::Borrowed("")),
        decryption_key: None,
    }
}

/// The files of all of them, each once.
fn distinct_files(documents: &Documents) -> impl Iterator<Item = &UpdateFile> {
    let mut seen = HashSet::new();
    documents.iter().flat_map(|(asked, _)| asked.files()).filter(move |it| seen.insert(it.sha1))
}
