//! GetExtendedUpdateInfo and GetExtendedUpdateInfo2 ([MS-WUSP] 3.1.5.9).

use std::borrow::Cow;
use std::sync::Arc;

use crate::catalog::RevisionIndex;
use crate::computers::inventory::Inventory;
use crate::metadata::model::UpdateMetadata;
use crate::metadata::prepared::{FragmentType, PreparedFragment, PreparedFragments};
use crate::services::call::Outcome;
use crate::services::call::SoapCall;
use crate::services::session::{Session, remembered};
use crate::services::{ServiceError, Services};
use crate::state::Published;
use crate::wire::body::BodyWriter;
use crate::wire::soap::{self, SoapVersion};
use crate::wire::types::RevisionId;
use crate::wire::wusp::client::{
    ExtendedUpdateInfo, GetExtendedUpdateInfo2Request, GetExtendedUpdateInfo2Response,
    GetExtendedUpdateInfoRequest, GetExtendedUpdateInfoResponse, UpdateData,
};
use crate::wire::wusp::types::{FileLocation, XmlUpdateFragmentType};

/// What is asked, whichever form asks.
struct Question<'a> {
    info_types: Vec<XmlUpdateFragmentType>,
    locales: Vec<Cow<'a, str>>,
    geo_id: Option<Cow<'a, str>>,
    /// `SHA1` for the second form, whose locations say so.
    algorithm: Option<&'static str>,
}

/// A revision asked for, with the fragments that an answer may need.
struct Found {
    id: RevisionId,
    metadata: Arc<UpdateMetadata>,
    others: Arc<PreparedFragments>,
    core: Option<Arc<PreparedFragments>>,
}

impl Found {
    fn of(&self, kind: FragmentType) -> impl Iterator<Item = &PreparedFragment> {
        let file = if kind == FragmentType::Core { self.core.as_ref() } else { Some(&self.others) };
        file.into_iter().flat_map(move |file| file.of(kind))
    }
}

impl Services {
    pub(super) fn extended_update_info(
        &self,
        request: GetExtendedUpdateInfoRequest<'_>,
        version: SoapVersion,
        call: &SoapCall,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        let session = self.session(request.cookie.as_ref(), outcome)?;
        self.note_inventory(&session, request.device_attributes.as_deref());
        let ids =
            request.revision_ids.filter(|ids| ids.len() <= self.settings.max_extended_updates);
        let ids = ids.ok_or_else(|| ServiceError::parameter("revisionIDs"))?;
        let question = question(request.info_types, request.locales, request.geo_id, None)?;
        let published = self.state.published();
        remembered(&session.state, &published)?;
        let mut found = Vec::with_capacity(ids.len());
        let mut out_of_scope = Vec::new();
        for id in ids {
            match self.find(&question, &published, published.catalog.by_id(id))? {
                Some(revision) => found.push(revision),
                None => out_of_scope.push(id),
            }
        }
        let updates = fragments(&question, &found);
        let files = self.files(&question, &found, call);
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
        call: &SoapCall,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        self.session(request.cookie.as_ref(), outcome)?;
        let ids = request.update_ids.filter(|ids| ids.len() <= self.settings.max_extended_updates);
        let ids = ids.ok_or_else(|| ServiceError::parameter("updateIDs"))?;
        let question = question(request.info_types, request.locales, None, Some("SHA1"))?;
        let published = self.state.published();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.find(&question, &published, published.catalog.by_identity(&id))?);
        }
        let updates = fragments(&question, &found);
        let files = self.files(&question, &found, call);
        let info = ExtendedUpdateInfo {
            updates: &updates,
            file_locations: &files,
            out_of_scope_revision_ids: &[],
        };
        Ok(soap::respond(version, &GetExtendedUpdateInfo2Response(info)))
    }

    /// A revision that is deployed to anyone, approved or not: agents ask for applicable updates
    /// that nobody approved, to show them.
    /// What a computer says of itself is taken from here: every one asks for details at its first scan
    /// and after every Patch Tuesday, while scans come by the thousand.
    fn note_inventory(&self, session: &Session, attributes: Option<&str>) {
        let inventory = attributes.and_then(|text| Inventory::read(text, self.now()));
        let tracked = self.state.computers().find(&session.state.client_id);
        if let (Some(inventory), Some(tracked)) = (inventory, tracked) {
            self.state.note_inventory(&tracked, inventory);
        }
    }

    fn find(
        &self,
        question: &Question<'_>,
        published: &Published,
        index: Option<RevisionIndex>,
    ) -> Result<Option<Found>, ServiceError> {
        let deployed = index.filter(|index| published.scope.in_scope.contains(*index));
        let found = deployed.and_then(|index| {
            Some((published.catalog.revision(index)?.id, published.places(index)?))
        });
        let Some((id, places)) = found else { return Ok(None) };
        let metadata = self.state.metadata(places)?;
        let others = self.state.fragments(places.others)?;
        let asks_core = question.info_types.contains(&XmlUpdateFragmentType::Core);
        let core = asks_core.then(|| self.state.fragments(places.core)).transpose()?;
        Ok(Some(Found { id, metadata, others, core }))
    }

    /// Locations come with Extended fragments, as recorded, and when asked for by name.
    fn files(
        &self,
        question: &Question<'_>,
        found: &[Found],
        call: &SoapCall,
    ) -> Vec<FileLocation<'static>> {
        let asks = |kind| question.info_types.contains(&kind);
        let content = asks(XmlUpdateFragmentType::Extended) || asks(XmlUpdateFragmentType::FileUrl);
        let licences = asks(XmlUpdateFragmentType::Eula);
        let files = found.iter().flat_map(|found| {
            let metadata = &found.metadata;
            let files = metadata.files.iter().filter(|_| content);
            let eulas = metadata.eulas.iter().filter(|_| licences);
            files.chain(eulas.map(|eula| &eula.file))
        });
        self.file_locations(files, call, question.algorithm)
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
        for found in found {
            let id = found.id;
            let chosen = choose(question, found, kind);
            updates.extend(chosen.into_iter().map(|chosen| UpdateData { id, xml: &chosen.body }));
        }
    }
    updates
}

/// A fragment without a language is for everyone. Of the others the requested languages and
/// English, which "the service SHOULD always return". An update that has none of these gives its
/// default language: an agent without a text shows nothing.
fn choose<'f>(
    question: &Question<'_>,
    found: &'f Found,
    kind: FragmentType,
) -> Vec<&'f PreparedFragment> {
    let for_region = |fragment: &&PreparedFragment| is_for_region(question, found, fragment);
    let all: Vec<_> = found.of(kind).filter(for_region).collect();
    let asked = all.iter().copied().filter(|fragment| {
        let language = &fragment.language;
        language.is_empty()
            || language.eq_ignore_ascii_case("en")
            || question.locales.iter().any(|locale| speaks(locale, language))
    });
    let asked: Vec<_> = asked.collect();
    if !asked.is_empty() {
        return asked;
    }
    let default = &found.metadata.default_language;
    let in_default = |fragment: &&PreparedFragment| fragment.language.eq_ignore_ascii_case(default);
    all.into_iter().filter(in_default).collect()
}

/// A licence for another region than the client's is not for it, and a general one gives way to
/// that of its region: a client keeps one fragment of a kind for each language.
fn is_for_region(question: &Question<'_>, found: &Found, fragment: &PreparedFragment) -> bool {
    let is_asked = |fragment: &PreparedFragment| match (&fragment.geo_id, &question.geo_id) {
        (Some(region), Some(asked)) => region.eq_ignore_ascii_case(asked),
        _ => false,
    };
    let is_general = fragment.geo_id.as_ref().is_none_or(String::is_empty);
    let mut siblings = found.of(fragment.kind);
    is_asked(fragment)
        || is_general
            && !siblings.any(|other| is_asked(other) && other.language == fragment.language)
}

/// `de-AT` asks for `de-AT` and for `de`.
fn speaks(locale: &str, language: &str) -> bool {
    let neutral = locale.split(['-', '_']).next().unwrap_or_default();
    locale.eq_ignore_ascii_case(language) || neutral.eq_ignore_ascii_case(language)
}
