//! GetRevisionIdList ([MS-WSUSSS] 3.1.4.5): which revisions there are since last time.
//!
//! What makes a list short is the anchor, and `Delta` beside each entry of the filter says for
//! which of them it counts: what was in the filter last time wants only what is newer, and what was
//! added wants everything. Without an anchor nothing is newer, so no entry is marked.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::Hash;

use super::error::SyncError;
use super::records::SelectionRecord;
use super::session::Connection;
use crate::wire::operation::Operation;
use crate::wire::soap::codec::Content;
use crate::wire::types::UpdateIdentity;
use crate::wire::wsusss::server_sync::{
    GetRevisionIdListRequest, IdAndDelta, LanguageAndDelta, ServerSyncFilter,
};

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Categories and detectoids, or else updates.
    pub(super) configuration: bool,
    /// Of the last answer to the same question.
    pub(super) anchor: Option<String>,
    /// Products, and whether only what is newer is wanted.
    pub(super) products: Vec<(uuid::Uuid, bool)>,
    /// Classifications, likewise.
    pub(super) classifications: Vec<(uuid::Uuid, bool)>,
    /// LCIDs, likewise.
    pub(super) languages: Vec<(i32, bool)>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// When it was given; opaque.
    pub(super) anchor: Option<String>,
    /// The revisions, some perhaps twice.
    pub(super) revisions: Vec<UpdateIdentity>,
}

impl Filter {
    /// For categories, classifications and detectoids.
    pub(super) fn configuration(anchor: Option<String>) -> Self {
        Self { configuration: true, anchor, ..Self::default() }
    }

    /// For the updates of `wanted`, when the anchor holds for those of `before`. None when nothing
    /// is selected: a real server takes a filter with one empty list for one that nothing passes,
    /// and a filter with two for one that everything passes.
    pub(super) fn updates(
        wanted: &SelectionRecord,
        before: &SelectionRecord,
        anchor: Option<String>,
    ) -> Option<Self> {
        if wanted.everything {
            // An anchor of a part says nothing of the rest.
            let anchor = anchor.filter(|_| before.everything);
            let languages = marked(&wanted.languages, &before.languages, anchor.is_some());
            return Some(Self { anchor, languages, ..Self::default() });
        }
        if wanted.products.is_empty() || wanted.classifications.is_empty() {
            return None;
        }
        let has_anchor = anchor.is_some() && !before.everything;
        // All languages before, and fewer now: every one of them was there.
        let had_all_languages = before.languages.is_empty();
        let languages = match had_all_languages {
            true => wanted.languages.iter().map(|id| (*id, has_anchor)).collect(),
            false => marked(&wanted.languages, &before.languages, has_anchor),
        };
        // Fewer languages before, and all now: their list has no entry that could say so.
        let anchor = anchor.filter(|_| had_all_languages || !wanted.languages.is_empty());
        let has_anchor = has_anchor && anchor.is_some();
        Some(Self {
            configuration: false,
            products: marked(&wanted.products, &before.products, has_anchor),
            classifications: marked(&wanted.classifications, &before.classifications, has_anchor),
            languages,
            anchor: anchor.filter(|_| has_anchor),
        })
    }

    /// The same question, as it is asked for the first time.
    pub(super) fn for_the_first_time(mut self) -> Self {
        self.anchor = None;
        self.products.iter_mut().for_each(|(_, delta)| *delta = false);
        self.classifications.iter_mut().for_each(|(_, delta)| *delta = false);
        self.languages.iter_mut().for_each(|(_, delta)| *delta = false);
        self
    }

    fn request(&self) -> ServerSyncFilter<'static> {
        let ids = |list: &[(uuid::Uuid, bool)]| {
            let entry = |(id, delta): &(uuid::Uuid, bool)| IdAndDelta {
                id: Some(*id),
                delta: Some(*delta),
            };
            (!list.is_empty()).then(|| list.iter().map(entry).collect::<Vec<_>>())
        };
        let language =
            |(id, delta): &(i32, bool)| LanguageAndDelta { id: Some(*id), delta: Some(*delta) };
        ServerSyncFilter {
            dss_protocol_version: None,
            anchor: self.anchor.clone().map(Cow::Owned),
            get_config: Some(self.configuration),
            get63_language_only: Some(false),
            categories: ids(&self.products),
            classifications: ids(&self.classifications),
            languages: (!self.languages.is_empty())
                .then(|| self.languages.iter().map(language).collect()),
        }
    }
}

/// Each entry of `wanted` with whether it was there before.
fn marked<T: Copy + Eq + Hash>(wanted: &[T], before: &[T], has_anchor: bool) -> Vec<(T, bool)> {
    let before: HashSet<T> = before.iter().copied().collect();
    wanted.iter().map(|entry| (*entry, has_anchor && before.contains(entry))).collect()
}

/// Asks for the revisions of `filter`.
pub(super) async fn list(
    connection: &mut Connection,
    filter: &Filter,
) -> Result<Listed, SyncError> {
    let filter = filter.request();
    let request = move |cookie| GetRevisionIdListRequest {
        cookie: Some(cookie),
        filter: Some(filter.clone()),
    };
    let listed = connection.call(request, |answer| {
        let result = answer.result?;
        let revisions = match result.new_revisions {
            Some(Content::Value(revisions)) => revisions,
            _ => Vec::new(),
        };
        Some(Listed { anchor: result.anchor.map(Cow::into_owned), revisions })
    });
    listed.await?.ok_or(SyncError::Incomplete {
        operation: Operation::GetRevisionIdList,
        missing: "GetRevisionIdListResult",
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn selection(
        products: &[u128],
        classifications: &[u128],
        languages: &[i32],
    ) -> SelectionRecord {
        let ids = |list: &[u128]| list.iter().map(|id| Uuid::from_u128(*id)).collect();
        SelectionRecord {
            everything: false,
            products: ids(products),
            classifications: ids(classifications),
            languages: languages.to_vec(),
        }
    }

    fn anchor() -> Option<String> {
        Some("9438,2026-10-04 16:33:26.671".into())
    }

    fn deltas<T: Copy>(list: &[(T, bool)]) -> Vec<bool> {
        list.iter().map(|(_, delta)| *delta).collect()
    }

    #[test]
    fn only_what_was_added_is_fetched_from_its_beginning() {
        let before = selection(&[1, 2], &[7], &[]);
        let wanted = selection(&[1, 2, 3], &[7], &[]);
        let filter = Filter::updates(&wanted, &before, anchor()).unwrap();
        assert_eq!(filter.anchor, anchor());
        assert_eq!(deltas(&filter.products), [true, true, false]);
        assert_eq!(deltas(&filter.classifications), [true]);
        let first = Filter::updates(&wanted, &before, None).unwrap();
        assert_eq!(deltas(&first.products), [false, false, false]);
    }

    #[test]
    fn nothing_selected_is_not_everything() {
        for wanted in
            [selection(&[1], &[], &[]), selection(&[], &[7], &[]), selection(&[], &[], &[])]
        {
            assert_eq!(Filter::updates(&wanted, &wanted, None), None);
        }
        let everything = SelectionRecord { everything: true, ..SelectionRecord::default() };
        let filter = Filter::updates(&everything, &everything, anchor()).unwrap();
        assert_eq!((filter.anchor, filter.products.len()), (anchor(), 0));
        let before = selection(&[1], &[7], &[]);
        assert_eq!(Filter::updates(&everything, &before, anchor()).unwrap().anchor, None);
        assert_eq!(Filter::updates(&before, &everything, anchor()).unwrap().anchor, None);
    }

    #[test]
    fn languages_are_added_and_taken_away() {
        let (all, one, two) = (
            selection(&[1], &[7], &[]),
            selection(&[1], &[7], &[1033]),
            selection(&[1], &[7], &[1033, 1031]),
        );
        let filter = |wanted, before| Filter::updates(wanted, before, anchor()).unwrap();
        assert_eq!(deltas(&filter(&two, &one).languages), [true, false]);
        assert_eq!(deltas(&filter(&one, &all).languages), [true]);
        let more = filter(&all, &one);
        assert_eq!((more.anchor, deltas(&more.products)), (None, vec![false]));
    }
}
