//! What makes an update one of a rule's.
//!
//! Texts and sizes are in documents on disk. So the categories that a rule names are looked up once,
//! before the search, and a document is read only of an update that all else speaks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, RevisionIndex, UpdateIndex};
use crate::metadata::model::{CategoryType, UpdateMetadata};
use crate::policy::placement::matches_pattern;

/// Conditions, all of which have to hold. Of a list one entry has to; an empty list is no condition.
/// Texts are patterns with `*` and `?`, without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
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
    /// Languages of Windows that it is for, for example `en` or `zh-cn`; one that names none is for
    /// all.
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

/// What a document says, by its revision.
pub type Read<'a, E> = &'a dyn Fn(RevisionIndex) -> Result<Arc<UpdateMetadata>, E>;

/// A search for the updates that fulfil criteria. `E` is how reading a document fails.
pub struct Search<'a, E> {
    criteria: &'a Criteria,
    catalog: &'a Catalog,
    read: Read<'a, E>,
    now: i64,
    /// For each condition on categories, those that fulfil it.
    categories: Vec<RoaringBitmap>,
}

/// An update that may be one of them.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its latest revision.
    pub index: RevisionIndex,
    /// Its tags.
    pub tags: &'a BTreeSet<String>,
    /// Computers that need it.
    pub required: u64,
    /// When the first of its revisions was made that are not here any more, in Unix seconds.
    pub released: Option<i64>,
}

const DAY: i64 = 86_400;

impl Criteria {
    /// Whether there is any condition at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The conditions on categories: patterns, and the kinds of categories that they are about.
    fn on_categories(&self) -> impl Iterator<Item = (&[String], &'static [CategoryType])> {
        let all: [(&[String], &'static [CategoryType]); 3] = [
            (&self.products, &[CategoryType::Product, CategoryType::ProductFamily]),
            (&self.classifications, &[CategoryType::UpdateClassification]),
            (&self.vendors, &[CategoryType::Company]),
        ];
        all.into_iter().filter(|(patterns, _)| !patterns.is_empty())
    }

    fn fit_texts(&self, metadata: &UpdateMetadata) -> bool {
        let titles = metadata.titles.iter().map(|text| text.title.as_str());
        let articles = metadata.kb_article_ids.iter().map(|id| without_kb(id));
        let patterns: Vec<&str> = self.kb_articles.iter().map(|id| without_kb(id)).collect();
        any_fits(&self.titles, titles)
            && any_fits(&patterns, articles)
            && any_fits(&self.bulletins, metadata.security_bulletin_ids.iter().map(String::as_str))
            && any_fits(&self.severities, metadata.msrc_severity.as_deref())
            && any_fits(&self.architectures, architectures(metadata))
    }
}

impl<'a, E> Search<'a, E> {
    /// A search in `catalog` at `now` (unix seconds).
    ///
    /// # Errors
    /// When the document of a category cannot be read.
    pub fn new(
        criteria: &'a Criteria,
        catalog: &'a Catalog,
        read: Read<'a, E>,
        now: i64,
    ) -> Result<Self, E> {
        let mut search = Self { criteria, catalog, read, now, categories: Vec::new() };
        for (patterns, kinds) in criteria.on_categories() {
            let mut found = RoaringBitmap::new();
            for update in (0..).take(catalog.update_count()) {
                let kind = catalog.category_type(update);
                if kind.is_some_and(|kind| kinds.contains(&kind)) {
                    let names = search.names(update)?;
                    if any_fits(patterns, names.iter().map(String::as_str)) {
                        found.insert(update);
                    }
                }
            }
            search.categories.push(found);
        }
        Ok(search)
    }

    /// Whether the update fulfils all conditions.
    ///
    /// # Errors
    /// When its document cannot be read.
    pub fn finds(&self, candidate: &Candidate<'_>) -> Result<bool, E> {
        let criteria = self.criteria;
        let fits = criteria.superseded.is_none_or(|wanted| wanted == self.is_superseded(candidate))
            && criteria.required.is_none_or(|least| candidate.required >= least)
            && self.fits_languages(candidate)
            && any_fits(&criteria.tags, candidate.tags.iter().map(String::as_str))
            && self.fits_categories(candidate);
        if !fits {
            return Ok(false);
        }
        let metadata = (self.read)(candidate.index)?;
        Ok(criteria.fit_texts(&metadata)
            && self.is_within(criteria.revised_within, metadata.creation_date)
            && self.fits_release(candidate)?
            && self.fits_size(candidate)?)
    }

    fn fits_categories(&self, candidate: &Candidate<'_>) -> bool {
        if self.categories.is_empty() {
            return true;
        }
        let own = self.catalog.categories(candidate.index);
        self.categories.iter().all(|wanted| !own.is_disjoint(wanted))
    }

    fn fits_languages(&self, candidate: &Candidate<'_>) -> bool {
        let own = self.catalog.revision(candidate.index).map_or(&[][..], |it| &it.languages);
        own.is_empty() || any_fits(&self.criteria.languages, own.iter().map(String::as_str))
    }

    fn is_within(&self, days: Option<u32>, since: i64) -> bool {
        days.is_none_or(|days| since > self.now.saturating_sub(i64::from(days) * DAY))
    }

    /// By when the first revision was made, be it here or not any more.
    fn fits_release(&self, candidate: &Candidate<'_>) -> Result<bool, E> {
        if self.criteria.released_within.is_none() {
            return Ok(true);
        }
        let update = self.catalog.update_of(candidate.index);
        let mut released = candidate.released.unwrap_or(i64::MAX);
        for index in update.map_or(&[][..], |update| self.catalog.history(update)) {
            released = released.min((self.read)(*index)?.creation_date);
        }
        Ok(self.is_within(self.criteria.released_within, released))
    }

    fn fits_size(&self, candidate: &Candidate<'_>) -> Result<bool, E> {
        let (least, most) = (self.criteria.min_size, self.criteria.max_size);
        if least.is_none() && most.is_none() {
            return Ok(true);
        }
        let size = self.size(candidate.index)?;
        Ok(least.is_none_or(|least| size >= least) && most.is_none_or(|most| size <= most))
    }

    /// Bytes of the files of a revision and of all that it bundles.
    fn size(&self, index: RevisionIndex) -> Result<u64, E> {
        let mut open = vec![index];
        let mut seen = RoaringBitmap::from([index]);
        let mut size: u64 = 0;
        while let Some(index) = open.pop() {
            let metadata = (self.read)(index)?;
            size = metadata.files.iter().fold(size, |size, file| size.saturating_add(file.size));
            open.extend(self.catalog.members(index).iter().filter(|it| seen.insert(**it)));
        }
        Ok(size)
    }

    fn is_superseded(&self, candidate: &Candidate<'_>) -> bool {
        let update = self.catalog.update_of(candidate.index);
        update.is_some_and(|update| self.catalog.superseded_by(update).next().is_some())
    }

    /// What a category goes by.
    fn names(&self, category: UpdateIndex) -> Result<Vec<String>, E> {
        let mut names: Vec<String> = Vec::new();
        names.extend(self.catalog.update_id(category).map(|id| id.to_string()));
        if let Some(latest) = self.catalog.latest(category) {
            let metadata = (self.read)(latest)?;
            names.extend(metadata.titles.iter().map(|text| text.title.clone()));
        }
        Ok(names)
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
