//! GetRevisionIdList: which revisions a downstream server lacks ([MS-WSUSSS] 3.1.4.5).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::catalog::{Catalog, Since, UpdateFilter, Wanted};
use crate::downstream::{ListKind, Listed};
use crate::services::call::Outcome;
use crate::services::{ServiceError, Services};
use crate::state::Published;
use crate::wire::body::Prepared;
use crate::wire::fault::ErrorCode;
use crate::wire::soap::codec::Content;
use crate::wire::types::RevisionId;
use crate::wire::wsusss::server_sync::{
    GetRevisionIdListRequest, GetRevisionIdListResponse, IdAndDelta, LanguageAndDelta,
    RevisionIdList, ServerSyncFilter,
};
use crate::wire::xpress;

use super::anchor::Anchor;
use super::budget::{Budget, Exhausted};
use super::languages;

/// Bytes of one entry of a list, or a few more.
const ENTRY: usize = 136;
/// From so many bytes on a list is compressed once for all who ask for it.
const COMPRESS_FROM: usize = 256 << 10;

/// What decides a list, within the life of a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ListKey {
    /// The newest revision of the snapshot, and how many there are: what is added has higher numbers,
    /// and what is taken away makes it fewer.
    newest: RevisionId,
    revisions: usize,
    since: Option<Since>,
    /// None for categories and detectoids.
    filter: Option<UpdateFilter>,
}

impl Services {
    /// GetRevisionIdList.
    pub(super) async fn revision_list(
        &self,
        request: &GetRevisionIdListRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<GetRevisionIdListResponse<'static>, ServiceError> {
        let session = self.server_session(request.cookie.as_ref(), outcome)?;
        let invalid = || ServiceError::parameter("filter");
        let filter = request.filter.as_ref().ok_or_else(invalid)?;
        let anchor = Anchor::read(filter.anchor.as_deref(), "filter")?;
        let kind = match filter.get_config.ok_or_else(invalid)? {
            true => ListKind::Configuration,
            false => ListKind::Updates,
        };
        // Of a server that was told nothing here the anchor is another server's, or of a time
        // before it was forgotten: what it has is not known.
        let known = self.state.downstream_server(session.server);
        let since = anchor
            .filter(|_| known.is_some_and(|known| known.told(kind).is_some()))
            .map(|anchor| Since { newest: RevisionId(anchor.number), at: anchor.at });

        let published = self.state.published();
        let newest = published.catalog.newest().unwrap_or(RevisionId(0));
        let revisions = published.catalog.len();
        let at = self.now();
        let filter = match kind {
            ListKind::Configuration => None,
            ListKind::Updates => Some(update_filter(filter)?),
        };
        let new_revisions =
            self.prepared_list(ListKey { newest, revisions, since, filter }, &published).await?;
        self.state.note_listed(session.server, kind, Listed { at, newest }).await?;
        let anchor = Anchor { number: newest.0, at };
        let result = RevisionIdList {
            anchor: Some(Cow::Owned(anchor.to_string())),
            new_revisions: Some(Content::Prepared(new_revisions)),
        };
        Ok(GetRevisionIdListResponse { result: Some(result) })
    }

    async fn prepared_list(
        &self,
        key: ListKey,
        published: &Arc<Published>,
    ) -> Result<Prepared, ServiceError> {
        let sync = Arc::clone(&self.server_sync);
        let published = Arc::clone(published);
        let made = self.blocking(move || {
            sync.lists.get_or_insert_with(&key, || list(&published.catalog, &key, &sync.budget))
        });
        match made.await? {
            Ok(prepared) => Ok(prepared),
            Err(Exhausted) => {
                self.server_sync.forget();
                Err(ServiceError::code(ErrorCode::ServerBusy))
            }
        }
    }
}

/// The revisions of a list, as the content of `NewRevisions`.
fn list(catalog: &Catalog, key: &ListKey, budget: &Budget) -> Result<Prepared, Exhausted> {
    let revisions = match &key.filter {
        None => catalog.sync_configuration(key.since),
        Some(filter) => catalog.sync_updates(filter, key.since),
    };
    let text = identities(catalog, &revisions);
    if text.len() < COMPRESS_FROM {
        return budget.hold(text.into_bytes()).map(Prepared::Escaped);
    }
    let mut blocks = Vec::new();
    xpress::encode(text.as_bytes(), &mut blocks);
    Ok(Prepared::Blocks { bytes: budget.hold(blocks)?, length: text.len() })
}

fn identities(catalog: &Catalog, revisions: &RoaringBitmap) -> String {
    let count = usize::try_from(revisions.len()).unwrap_or(0);
    let mut text = String::with_capacity(count * ENTRY);
    for revision in revisions.iter().filter_map(|index| catalog.revision(index)) {
        let identity = revision.metadata.identity;
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "<UpdateIdentity><UpdateID>{}</UpdateID><RevisionNumber>{}</RevisionNumber></UpdateIdentity>",
            identity.update_id, identity.revision_number
        );
    }
    text
}

/// What a filter means for the catalogue.
fn update_filter(filter: &ServerSyncFilter<'_>) -> Result<UpdateFilter, ServiceError> {
    Ok(UpdateFilter {
        categories: wanted(filter.categories.as_deref())?,
        classifications: wanted(filter.classifications.as_deref())?,
        languages: wanted_languages(filter.languages.as_deref())?,
    })
}

/// In an order of their own, so that equal filters have one answer.
pub(super) fn wanted(list: Option<&[IdAndDelta]>) -> Result<Vec<Wanted<uuid::Uuid>>, ServiceError> {
    let read = |it: &IdAndDelta| {
        let (Some(id), Some(delta)) = (it.id, it.delta) else {
            return Err(ServiceError::parameter("filter"));
        };
        Ok(Wanted { id, delta })
    };
    let mut wanted = list.unwrap_or_default().iter().map(read).collect::<Result<Vec<_>, _>>()?;
    wanted.sort_unstable();
    wanted.dedup();
    Ok(wanted)
}

/// None for all languages: no list, an empty one, or one with the entry 0. Languages that are not
/// known here have no updates.
fn wanted_languages(
    list: Option<&[LanguageAndDelta]>,
) -> Result<Option<Vec<Wanted<String>>>, ServiceError> {
    let list = list.unwrap_or_default();
    let mut wanted = Vec::with_capacity(list.len());
    for it in list {
        let (Some(id), Some(delta)) = (it.id, it.delta) else {
            return Err(ServiceError::parameter("filter"));
        };
        if id == languages::ALL.id {
            return Ok(None);
        }
        let known = languages::by_id(id);
        wanted.extend(known.map(|language| Wanted { id: language.short.to_owned(), delta }));
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok((!list.is_empty()).then_some(wanted))
}
