//! What makes an update one of a rule's.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Revision, RevisionIndex};
use crate::metadata::model::{CategoryType, UpdateMetadata};
use crate::policy::placement::matches_pattern;

/// Conditions, all of which have to hold. Of a list one entry has to; an empty list is no condition.
/// Texts are patterns with `*` and `?`, without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criteria {
    /// Titles or ids of products or product families.
    pub products: Vec<String>,
    /// Titles or ids of classifications.
    pub classifications: Vec<String>,
    /// Titles or ids of companies.
    pub vendors: Vec<String>,
    /// Titles of updates.
    pub titles: Vec<String>,
    /// Knowledge base articles, with or without `KB`.
    pub kb_articles: Vec<String>,
    /// Security bulletins.
    pub bulletins: Vec<String>,
    /// `MsrcSeverity`: Critical, Important, Moderate, Low.
    pub severities: Vec<String>,
    /// The document's default language: what the server keeps of an update's languages.
    pub languages: Vec<String>,
    /// `x64`, `x86` or `arm64`, as titles name it; a title that names none is for all.
    pub architectures: Vec<String>,
    /// Tags that administrators gave it.
    pub tags: Vec<String>,
    /// Days since its first revision was made, at most.
    pub released_within: Option<u32>,
    /// Days since its latest revision was made, at most.
    pub revised_within: Option<u32>,
    /// Whether others replace it.
    pub superseded: Option<bool>,
    /// Computers that need it, at least.
    pub required: Option<u64>,
    /// Bytes of its files and those of what it bundles, at least.
    pub min_size: Option<u64>,
    /// Bytes of its files and those of what it bundles, at most.
    pub max_size: Option<u64>,
}

/// An update that may be one of them.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The catalogue.
    pub catalog: &'a Catalog,
    /// Its latest revision.
    pub index: RevisionIndex,
    /// The same.
    pub revision: &'a Revision,
    /// Its tags.
    pub tags: &'a BTreeSet<String>,
    /// Computers that need it.
    pub required: u64,
}

const DAY: i64 = 86_400;

impl Criteria {
    /// Whether there is any condition at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the update fulfils all conditions at `now` (unix seconds).
    pub fn fit(&self, candidate: &Candidate<'_>, now: i64) -> bool {
        let metadata = &*candidate.revision.metadata;
        self.fit_texts(metadata)
            && self.fit_dates(candidate, now)
            && self.superseded.is_none_or(|wanted| wanted == candidate.is_superseded())
            && self.required.is_none_or(|least| candidate.required >= least)
            && any_fits(&self.tags, candidate.tags.iter().map(String::as_str))
            && self.fit_categories(candidate)
            && self.fit_size(candidate)
    }

    fn fit_texts(&self, metadata: &UpdateMetadata) -> bool {
        let titles = metadata.titles.iter().map(|text| text.title.as_str());
        let articles = metadata.kb_article_ids.iter().map(|id| without_kb(id));
        let patterns: Vec<&str> = self.kb_articles.iter().map(|id| without_kb(id)).collect();
        any_fits(&self.titles, titles)
            && any_fits(&patterns, articles)
            && any_fits(&self.bulletins, metadata.security_bulletin_ids.iter().map(String::as_str))
            && any_fits(&self.severities, metadata.msrc_severity.as_deref())
            && any_fits(&self.languages, [metadata.default_language.as_str()])
            && any_fits(&self.architectures, architectures(metadata))
    }

    fn fit_dates(&self, candidate: &Candidate<'_>, now: i64) -> bool {
        let within = |limit: Option<u32>, since: i64| {
            limit.is_none_or(|days| since > now.saturating_sub(i64::from(days) * DAY))
        };
        within(self.released_within, candidate.released())
            && within(self.revised_within, candidate.revision.metadata.creation_date)
    }

    fn fit_categories(&self, candidate: &Candidate<'_>) -> bool {
        let wanted = [
            (&self.products, &[CategoryType::Product, CategoryType::ProductFamily][..]),
            (&self.classifications, &[CategoryType::UpdateClassification]),
            (&self.vendors, &[CategoryType::Company]),
        ];
        // Found once: nearly every rule has several of them.
        let categories = match wanted.iter().any(|(patterns, _)| !patterns.is_empty()) {
            true => candidate.catalog.categories(candidate.index),
            false => RoaringBitmap::new(),
        };
        wanted.iter().all(|(patterns, kinds)| {
            let of_kind = categories.iter().filter(|update| {
                let kind = candidate.catalog.category_type(*update);
                kind.is_some_and(|kind| kinds.contains(&kind))
            });
            let names = of_kind.flat_map(|update| candidate.names(update));
            let names: Vec<String> = names.collect();
            any_fits(patterns, names.iter().map(String::as_str))
        })
    }

    fn fit_size(&self, candidate: &Candidate<'_>) -> bool {
        if self.min_size.is_none() && self.max_size.is_none() {
            return true;
        }
        let size = candidate.size();
        self.min_size.is_none_or(|least| size >= least)
            && self.max_size.is_none_or(|most| size <= most)
    }
}

/// The conditions in words, for the reason in the journal.
impl std::fmt::Display for Criteria {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts = [
            ("product", &self.products),
            ("classification", &self.classifications),
            ("vendor", &self.vendors),
            ("title", &self.titles),
            ("article", &self.kb_articles),
            ("bulletin", &self.bulletins),
            ("severity", &self.severities),
            ("language", &self.languages),
            ("architecture", &self.architectures),
            ("tag", &self.tags),
        ];
        let texts = texts.iter().filter(|(_, patterns)| !patterns.is_empty());
        let texts = texts.map(|(name, patterns)| format!("{name} {}", patterns.join(" or ")));
        let numbers = [
            ("released within days", self.released_within.map(u64::from)),
            ("revised within days", self.revised_within.map(u64::from)),
            ("needed by at least", self.required),
            ("bytes at least", self.min_size),
            ("bytes at most", self.max_size),
        ];
        let numbers = numbers.iter().filter_map(|(name, n)| n.map(|n| format!("{name} {n}")));
        let superseded = self.superseded.map(|it| if it { "superseded" } else { "not superseded" });
        let all: Vec<String> = texts.chain(numbers).chain(superseded.map(str::to_owned)).collect();
        out.write_str(&all.join(", "))
    }
}

impl Candidate<'_> {
    fn is_superseded(&self) -> bool {
        let update = self.catalog.update_of(self.index);
        update.is_some_and(|update| !self.catalog.superseded_by(update).is_empty())
    }

    /// When the first revision that is here was made.
    fn released(&self) -> i64 {
        let history = self.catalog.update_of(self.index).map(|update| self.catalog.history(update));
        let revisions = history.into_iter().flatten().filter_map(|at| self.catalog.revision(*at));
        revisions.map(|revision| revision.metadata.creation_date).min().unwrap_or(0)
    }

    /// What a category goes by.
    fn names(&self, category: u32) -> Vec<String> {
        let latest = self.catalog.latest(category).and_then(|at| self.catalog.revision(at));
        let titles = latest.into_iter().flat_map(|revision| &revision.metadata.titles);
        let id = self.catalog.update_id(category).map(|id| id.to_string());
        titles.map(|text| text.title.clone()).chain(id).collect()
    }

    fn size(&self) -> u64 {
        let mut open = vec![self.index];
        let mut seen = RoaringBitmap::from([self.index]);
        let mut size: u64 = 0;
        while let Some(index) = open.pop() {
            let files = self.catalog.revision(index).into_iter().flat_map(|it| &it.metadata.files);
            size = files.fold(size, |size, file| size.saturating_add(file.size));
            open.extend(self.catalog.members(index).iter().filter(|it| seen.insert(**it)));
        }
        size
    }
}

/// Whether one of the texts fits one of the patterns, or there is none to fit.
fn any_fits<'t>(patterns: &[impl AsRef<str>], texts: impl IntoIterator<Item = &'t str>) -> bool {
    patterns.is_empty()
        || texts
            .into_iter()
            .any(|text| patterns.iter().any(|it| matches_pattern(it.as_ref(), text)))
}

fn without_kb(article: &str) -> &str {
    article.strip_prefix("KB").or_else(|| article.strip_prefix("kb")).unwrap_or(article)
}

/// The architectures that the title names, or all.
fn architectures(metadata: &UpdateMetadata) -> Vec<&'static str> {
    const ALL: [(&str, &str); 3] = [("x64", "x64"), ("x86", "x86"), ("arm64", "arm64")];
    let title = metadata.title("en").to_ascii_lowercase();
    let named = ALL.iter().filter(|(word, _)| title.contains(word)).map(|(_, name)| *name);
    let named: Vec<&'static str> = named.collect();
    if named.is_empty() { ALL.iter().map(|(_, name)| *name).collect() } else { named }
}

#[cfg(test)]
mod tests;
