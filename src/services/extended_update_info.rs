//! GetExtendedUpdateInfo and GetExtendedUpdateInfo2 ([MS-WUSP] 3.1.5.9).

use std::borrow::Cow;
use std::sync::Arc;

use crate::catalog::RevisionIndex;
use crate::metadata::prepared::{FragmentType, PreparedFragment, PreparedFragments};
use crate::services::call::Outcome;
use crate::services::{Peer, ServiceError, Services};
use crate::state::Published;
use crate::wire::body::BodyWriter;
use crate::wire::soap::{self, SoapVersion};
use crate::wire::types::RevisionId;
use crate::wire::wusp::client::{
    ExtendedUpdateInfo, GetExtendedUpdateInfo2Request, GetExtendedUpdateInfo2Response,
    GetExtendedUpdateInfoRequest, GetExtendedUpdateInfoResponse, UpdateData,
};
use crate::wire::wusp::types::XmlUpdateFragmentType;

/// What is asked, whichever form asks.
struct Question<'a> {
    info_types: Vec<XmlUpdateFragmentType>,
    locales: Vec<Cow<'a, str>>,
    geo_id: Option<Cow<'a, str>>,
    /// `SHA1` for the second form, whose locations say so.
    algorithm: Option<&'static str>,
}

/// A revision asked for, with its fragments.
struct Found {
    id: RevisionId,
    index: RevisionIndex,
    fragments: Arc<PreparedFragments>,
}

impl Services {
    pub(super) fn extended_update_info(
        &self,
        request: GetExtendedUpdateInfoRequest<'_>,
        version: SoapVersion,
        peer: &Peer,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        self.session(request.cookie.as_ref(), outcome)?;
        let ids =
            request.revision_ids.filter(|ids| ids.len() <= self.settings.max_extended_updates);
        let ids = ids.ok_or_else(|| ServiceError::parameter("revisionIDs"))?;
        let question = question(request.info_types, request.locales, request.geo_id, None)?;
        let published = self.state.published();
        let mut found = Vec::with_capacity(ids.len());
        let mut out_of_scope = Vec::new();
        for id in ids {
            match self.find(&published, published.catalog.by_id(id))? {
                Some(revision) => found.push(revision),
                None => out_of_scope.push(id),
            }
        }
        let updates = fragments(&question, &found);
        let files = self.files(&published, &question, &found, peer);
        let info = ExtendedUpdateInfo {
            updates: &updates,
            file_locations: &files,
            out_of_scope_revision_ids: &out_of_scope,
        };
        Ok(soap::respond(version, &GetExtendedUpdateInfoResponse(info)))
    }

    pub(super) fn extended_update_info2(
        &self,
        request: GetExtendedUpdateInfo2Request<'_>,
        version: SoapVersion,
        peer: &Peer,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        self.session(request.cookie.as_ref(), outcome)?;
        let ids = request.update_ids.filter(|ids| ids.len() <= self.settings.max_extended_updates);
        let ids = ids.ok_or_else(|| ServiceError::parameter("updateIDs"))?;
        let question = question(request.info_types, request.locales, None, Some("SHA1"))?;
        let published = self.state.published();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.find(&published, published.catalog.by_identity(&id))?);
        }
        let updates = fragments(&question, &found);
        let files = self.files(&published, &question, &found, peer);
        let info = ExtendedUpdateInfo {
            updates: &updates,
            file_locations: &files,
            out_of_scope_revision_ids: &[],
        };
        Ok(soap::respond(version, &GetExtendedUpdateInfo2Response(info)))
    }

    /// A revision that is deployed to anyone, approved or not: agents ask for applicable updates
    /// that nobody approved, to show them.
    fn find(
        &self,
        published: &Published,
        index: Option<RevisionIndex>,
    ) -> Result<Option<Found>, ServiceError> {
        let index = index.filter(|index| published.scope.in_scope.contains(*index));
        let Some(record) = index.and_then(|index| published.record(index)) else {
            return Ok(None);
        };
        let fragments = self.fragments(record)?;
        Ok(index.map(|index| Found { id: record.id, index, fragments }))
    }

    /// Locations come with Extended fragments, as recorded, and when asked for by name.
    fn files(
        &self,
        published: &Published,
        question: &Question<'_>,
        found: &[Found],
        peer: &Peer,
    ) -> Vec<crate::wire::wusp::types::FileLocation<'static>> {
        let asks = |kind| question.info_types.contains(&kind);
        let content = asks(XmlUpdateFragmentType::Extended) || asks(XmlUpdateFragmentType::FileUrl);
        let licences = asks(XmlUpdateFragmentType::Eula);
        let files = found
            .iter()
            .filter_map(|found| published.catalog.revision(found.index))
            .flat_map(|revision| {
                let files = revision.metadata.files.iter().filter(|_| content);
                let eulas = revision.metadata.eulas.iter().filter(|_| licences);
                files.chain(eulas.map(|eula| &eula.file))
            });
        self.file_locations(files, peer, question.algorithm)
    }
}

fn question<'a>(
    info_types: Option<Vec<XmlUpdateFragmentType>>,
    locales: Option<Vec<Cow<'a, str>>>,
    geo_id: Option<Cow<'a, str>>,
    algorithm: Option<&'static str>,
) -> Result<Question<'a>, ServiceError> {
    let info_types = info_types.ok_or_else(|| ServiceError::parameter("infoTypes"))?;
    let localized = |kind: &XmlUpdateFragmentType| {
        matches!(kind, XmlUpdateFragmentType::Eula | XmlUpdateFragmentType::LocalizedProperties)
    };
    if locales.is_none() && info_types.iter().any(localized) {
        return Err(ServiceError::parameter("locales"));
    }
    Ok(Question { info_types, locales: locales.unwrap_or_default(), geo_id, algorithm })
}

/// All fragments of one kind before the next, as the real server sends them.
fn fragments<'f>(question: &Question<'_>, found: &'f [Found]) -> Vec<UpdateData<'f>> {
    let mut updates = Vec::new();
    let mut answered = Vec::new();
    for wanted in &question.info_types {
        // Published is the whole document and never given to clients; this server has no
        // verification rules and no keys.
        let kind = match wanted {
            XmlUpdateFragmentType::Core => FragmentType::Core,
            XmlUpdateFragmentType::Extended => FragmentType::Extended,
            XmlUpdateFragmentType::LocalizedProperties => FragmentType::LocalizedProperties,
            XmlUpdateFragmentType::Eula => FragmentType::Eula,
            _ => continue,
        };
        if answered.contains(&kind) {
            continue;
        }
        answered.push(kind);
        for revision in found {
            let all = revision.fragments.of(kind);
            let chosen = all.filter(|fragment| is_wanted(question, fragment));
            updates.extend(chosen.map(|f| UpdateData { id: revision.id, xml: &f.body }));
        }
    }
    updates
}

/// A fragment without a language is for everyone. Of the others the requested languages and
/// English, which "the service SHOULD always return": an agent without a text shows nothing.
fn is_wanted(question: &Question<'_>, fragment: &PreparedFragment) -> bool {
    if let (Some(region), Some(asked)) = (&fragment.geo_id, &question.geo_id)
        && !region.is_empty()
        && !region.eq_ignore_ascii_case(asked)
    {
        return false;
    }
    let language = &fragment.language;
    language.is_empty()
        || language.eq_ignore_ascii_case("en")
        || question.locales.iter().any(|locale| speaks(locale, language))
}

/// `de-AT` asks for `de-AT` and for `de`.
fn speaks(locale: &str, language: &str) -> bool {
    let neutral = locale.split(['-', '_']).next().unwrap_or_default();
    locale.eq_ignore_ascii_case(language) || neutral.eq_ignore_ascii_case(language)
}
