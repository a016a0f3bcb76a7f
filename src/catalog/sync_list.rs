//! Which revisions a downstream server wants ([MS-WSUSSS] 3.1.4.5).
//!
//! It asks by category, classification and language, and of each says whether it has what there was
//! of it before: only then may something be left out because it is old. What an update bundles
//! comes with it, since members name no classification, and a bundle is of no use without them.

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::revision::{RevisionIndex, UpdateIndex};
use super::snapshot::Catalog;
use crate::metadata::model::{Evaluated, UpdateType};
use crate::wire::types::RevisionId;

/// What a downstream server was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Since {
    /// The newest revision that there was.
    pub newest: RevisionId,
    /// Unix seconds. Revisions that came later are new whatever their number: the server may have
    /// been restored from a backup since, and given the same numbers again.
    pub at: i64,
}

/// A category, classification or language that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wanted<T> {
    /// Which.
    pub id: T,
    /// Whether only what is new is wanted of it.
    pub delta: bool,
}

/// Which updates a downstream server wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct UpdateFilter {
    /// An update has to be in one of these and in one of the classifications. When only one of the
    /// lists has anything in it nothing matches; when neither has, everything does.
    pub categories: Vec<Wanted<Uuid>>,
    /// As above.
    pub classifications: Vec<Wanted<Uuid>>,
    /// Languages in lower case, as documents name them. What names languages has to name one of
    /// these; none for all languages.
    pub languages: Option<Vec<Wanted<String>>>,
}

/// Which drivers a downstream server wants ([MS-WSUSSS] 3.1.4.7.3.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriverFilter {
    /// Ids of devices, in lower case; a driver has to be for one of them.
    pub devices: Vec<Wanted<String>>,
    /// Categories, in one of which a driver has to be; none for any.
    pub categories: Vec<Wanted<Uuid>>,
}

impl Catalog {
    /// The revisions of categories and detectoids, all that there are of each, that are new since
    /// `since`. A real server tells older revisions of them too, against the specification.
    pub fn sync_configuration(&self, since: Option<Since>) -> RoaringBitmap {
        let wanted = self.revisions().filter(|(_, revision)| {
            is_configuration(&revision.metadata) && is_new(since, revision.id, revision.imported)
        });
        wanted.map(|(index, _)| index).collect()
    }

    /// The revisions of updates that match `filter`: the latest of each update, and exactly those
    /// that these bundle. Of what a filter says it has already, only what is new since `since`, and
    /// what that bundles, new or not: it may never have been told.
    pub fn sync_updates(&self, filter: &UpdateFilter, since: Option<Since>) -> RoaringBitmap {
        let spoken = |index| self.is_spoken(index, filter.languages.as_deref());
        let latest: RoaringBitmap = (0..)
            .take(self.update_count())
            .filter_map(|update: UpdateIndex| self.latest(update))
            .filter(|&index| self.is_update(index) && spoken(index))
            .collect();
        let (matched, whole) = match (&filter.categories[..], &filter.classifications[..]) {
            ([], []) => (latest, RoaringBitmap::new()),
            ([], _) | (_, []) => return RoaringBitmap::new(),
            (categories, classifications) => {
                let matched = latest
                    & self.filed_as_wanted(categories)
                    & self.filed_as_wanted(classifications);
                let added = self.added(categories, since) | self.added(classifications, since);
                let whole = &matched & added;
                (matched, whole)
            }
        };
        let reached = self.with_members(matched, &spoken);
        let Some(since) = since else { return reached };
        let speaks_what_was_added = |index: RevisionIndex| {
            let mut added = filter.languages.iter().flatten().filter(|it| !it.delta);
            let own = self.revision(index).map_or(&[][..], |it| &it.languages[..]);
            added.any(|wanted| own.contains(&wanted.id))
        };
        let news: RoaringBitmap = reached
            .iter()
            .filter(|&index| self.is_new(index, since) || speaks_what_was_added(index))
            .collect();
        self.with_members(news | whole, &spoken)
    }

    /// The latest revisions of drivers that match `filter`. Of what it says the other server has
    /// already, only what is new since `since`.
    pub fn sync_drivers(&self, filter: &DriverFilter, since: Option<Since>) -> RoaringBitmap {
        let of = |counts: &dyn Fn(&Wanted<String>) -> bool| {
            let devices = filter.devices.iter().filter(|device| counts(device));
            let drivers = devices.flat_map(|device| self.drivers_for(&device.id));
            let is_latest = |index: &RevisionIndex| {
                let update = self.update_of(*index);
                update.and_then(|update| self.latest(update)) == Some(*index)
            };
            drivers.filter(is_latest).collect::<RoaringBitmap>()
        };
        let mut matched = of(&|_| true);
        if !filter.categories.is_empty() {
            matched &= self.filed_as_wanted(&filter.categories);
        }
        let Some(since) = since else { return matched };
        let whole = of(&|device| !device.delta) | self.added(&filter.categories, Some(since));
        let is_wanted = |index: &u32| whole.contains(*index) || self.is_new(*index, since);
        matched.iter().filter(is_wanted).collect()
    }

    /// These revisions and what they bundle, as far as it is in a wanted language.
    fn with_members(
        &self,
        revisions: RoaringBitmap,
        spoken: &impl Fn(RevisionIndex) -> bool,
    ) -> RoaringBitmap {
        let mut open: Vec<RevisionIndex> = revisions.iter().collect();
        let mut reached = revisions;
        while let Some(revision) = open.pop() {
            let members = self.members(revision).iter().copied();
            open.extend(members.filter(|&member| spoken(member) && reached.insert(member)));
        }
        reached
    }

    /// What of these categories a server cannot have: what is filed under those of which it has
    /// nothing, and what is filed under the others by a category that came since.
    fn added(&self, wanted: &[Wanted<Uuid>], since: Option<Since>) -> RoaringBitmap {
        let Some(since) = since else { return RoaringBitmap::new() };
        let whole = self.filed_by(wanted.iter().filter(|it| !it.delta), |_| true);
        let known = self.filed_by(wanted.iter(), |category| !self.is_new(category, since));
        whole | (self.filed_as_wanted(wanted) - known)
    }

    /// The revisions that belong to one of these categories ([`Catalog::categories`]).
    fn filed_as_wanted(&self, wanted: &[Wanted<Uuid>]) -> RoaringBitmap {
        self.filed_by(wanted.iter(), |_| true)
    }

    /// The same, by no other categories than those whose latest revision `counts`. Seen from the
    /// categories, of which there are few.
    fn filed_by<'w>(
        &self,
        wanted: impl Iterator<Item = &'w Wanted<Uuid>>,
        counts: impl Fn(RevisionIndex) -> bool,
    ) -> RoaringBitmap {
        let is_category = |update: UpdateIndex| {
            self.category_type(update).is_some() && self.latest(update).is_some_and(&counts)
        };
        let known = wanted.filter_map(|it| self.update(&it.id));
        let mut open: Vec<UpdateIndex> = known.filter(|&update| is_category(update)).collect();
        let mut categories: RoaringBitmap = open.iter().copied().collect();
        let mut filed = RoaringBitmap::new();
        while let Some(category) = open.pop() {
            let naming = self.prerequisites.naming(category);
            for revision in &naming {
                let Some(update) = self.update_of(revision) else { continue };
                let is_latest = self.latest(update) == Some(revision);
                if is_latest && is_category(update) && categories.insert(update) {
                    open.push(update);
                }
            }
            filed |= naming;
        }
        filed
    }

    fn is_new(&self, index: RevisionIndex, since: Since) -> bool {
        self.revision(index).is_some_and(|it| is_new(Some(since), it.id, it.imported))
    }

    fn is_update(&self, index: RevisionIndex) -> bool {
        self.revision(index).is_some_and(|it| !is_configuration(&it.metadata))
    }

    fn is_spoken(&self, index: RevisionIndex, languages: Option<&[Wanted<String>]>) -> bool {
        let Some(languages) = languages else { return true };
        let own = self.revision(index).map_or(&[][..], |it| &it.languages[..]);
        own.is_empty() || languages.iter().any(|wanted| own.contains(&wanted.id))
    }
}

fn is_configuration(metadata: &Evaluated) -> bool {
    matches!(metadata.update_type, UpdateType::Category | UpdateType::Detectoid)
}

fn is_new(since: Option<Since>, id: RevisionId, imported: i64) -> bool {
    since.is_none_or(|since| id > since.newest || imported > since.at)
}

#[cfg(test)]
mod tests;
