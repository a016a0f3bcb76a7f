//! Content that nobody needs any more.
//!
//! A file is needed by what is approved for somebody, with all that it bundles, by licences that somebody
//! may want to read, by what downstream servers wait for and by deployment packages. What is not is
//! marked with the time of the first cleanup that found it so, and is removed once that is long enough
//! ago: an approval that is taken back for a week costs no download. First nobody is offered the file,
//! durably, and then it is unlinked, so that no death leaves clients without what they are promised;
//! what a death leaves on disk instead, the next cleanup finds.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::json;

use super::published::installed_by_approvals;
use super::transaction::Transaction;
use super::{State, StateError, blocking};
use crate::catalog::Catalog;
use crate::policy::Policy;
use crate::policy::by::By;
use crate::wire::types::Sha1;

/// Files removed in one commit: each is unlinked where other changes wait.
const REMOVED_AT_ONCE: usize = 50;

/// What is needed of content by configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentNeeds {
    /// Whether the files of all updates are to be here, approved or not.
    pub all: bool,
    /// Whether express files are to be here.
    pub express: bool,
    /// Unix seconds: what has been of no use since then is removed.
    pub before: i64,
}

impl State {
    /// The files, with their lengths, that a cleanup would remove.
    pub async fn plan_content(&self, needs: ContentNeeds) -> Result<Vec<(Sha1, u64)>, StateError> {
        let published = self.published();
        let needed = needed(&published.catalog, &published.policy, needs);
        self.writer
            .submit(move |transaction| {
                let model = &transaction.model;
                let old = model.unneeded.iter().filter(|(_, since)| **since <= needs.before);
                let removable = old
                    .map(|(sha1, _)| sha1)
                    .filter(|sha1| !needed.contains(*sha1) && !model.wanted.contains_key(*sha1));
                let files = removable
                    .filter_map(|sha1| model.contents.get(sha1).map(|record| (*sha1, record.size)));
                Ok(files.collect())
            })
            .await
    }

    /// Removes what has been of no use for long enough, and marks what has become so. Returns what
    /// was removed.
    ///
    /// # Errors
    /// The store's or the disk's; what was removed before is removed.
    pub(super) async fn clean_content(
        &self,
        needs: ContentNeeds,
        started_by: Option<String>,
    ) -> Result<Vec<(Sha1, u64)>, StateError> {
        let planned = self.plan_content(needs).await?;
        let mut removed = Vec::new();
        for part in planned.chunks(REMOVED_AT_ONCE) {
            removed.extend(self.remove_content(part.to_vec(), needs, started_by.clone()).await?);
        }
        let marked = move |transaction: &mut Transaction<'_>| {
            mark(transaction, needs);
            Ok(())
        };
        self.writer.submit(marked).await?;
        self.remove_leftovers(needs).await?;
        Ok(removed)
    }

    async fn remove_content(
        &self,
        mut files: Vec<(Sha1, u64)>,
        needs: ContentNeeds,
        started_by: Option<String>,
    ) -> Result<Vec<(Sha1, u64)>, StateError> {
        let removed = self.writer.submit(move |transaction| {
            // Somebody may have approved meanwhile; nobody can while this runs.
            let model = &transaction.model;
            let needed = needed(model.catalog.catalog(), &model.policy, needs);
            files.retain(|(sha1, _)| !needed.contains(sha1) && !model.wanted.contains_key(sha1));
            if !files.is_empty() {
                let names: Vec<String> = files.iter().map(|(sha1, _)| sha1.to_hex()).collect();
                let by = By::weir("nothing that is approved needs them any more");
                let by = by.started_by(started_by);
                transaction.journal(&by, json!({ "remove_content": names }));
            }
            files.iter().for_each(|(sha1, _)| transaction.delete_content(sha1));
            Ok(files)
        });
        let removed = removed.await?;
        self.unlink(removed.iter().map(|(sha1, _)| *sha1).collect()).await?;
        Ok(removed)
    }

    /// Unlinks files that have no record, where none can get one meanwhile.
    async fn unlink(&self, files: Vec<Sha1>) -> Result<(), StateError> {
        let contents = Arc::clone(&self.contents);
        self.writer
            .submit(move |transaction| {
                let model = &transaction.model;
                let mut gone = files.iter().filter(|sha1| {
                    !model.contents.contains_key(*sha1) && !model.wanted.contains_key(*sha1)
                });
                Ok(gone.try_for_each(|sha1| contents.remove(sha1))?)
            })
            .await
    }

    /// Removes files without a record, and parts of files that nobody fetches any more.
    async fn remove_leftovers(&self, needs: ContentNeeds) -> Result<(), StateError> {
        let (contents, published) = (Arc::clone(&self.contents), self.published());
        let leftovers = blocking(move || {
            let needed = needed(&published.catalog, &published.policy, needs);
            contents.discard_partials(needs.before, |sha1| needed.contains(sha1))?;
            let mut stored = contents.stored(needs.before)?;
            stored.retain(|sha1| !published.contents.contains_key(sha1));
            Ok::<_, StateError>(stored)
        });
        for part in leftovers.await??.chunks(REMOVED_AT_ONCE) {
            self.unlink(part.to_vec()).await?;
        }
        Ok(())
    }
}

/// Notes since when files are of no use, and forgets it of those that are again.
fn mark(transaction: &mut Transaction<'_>, needs: ContentNeeds) {
    let model = &transaction.model;
    let needed = needed(model.catalog.catalog(), &model.policy, needs);
    let is_needed = |sha1: &Sha1| needed.contains(sha1) || model.wanted.contains_key(sha1);
    let now = transaction.now;
    let mut marks: BTreeMap<Sha1, Option<i64>> = BTreeMap::new();
    for sha1 in model.contents.keys() {
        match (is_needed(sha1), model.unneeded.contains_key(sha1)) {
            (true, true) => drop(marks.insert(*sha1, None)),
            (false, false) => drop(marks.insert(*sha1, Some(now))),
            _ => {}
        }
    }
    for (sha1, since) in marks {
        transaction.set_unneeded(sha1, since);
    }
}

/// The files that are needed, be they here or not.
fn needed(catalog: &Catalog, policy: &Policy, needs: ContentNeeds) -> HashSet<Sha1> {
    let mut needed: HashSet<Sha1> = HashSet::new();
    let mut revisions = installed_by_approvals(catalog, policy);
    if needs.all {
        revisions = catalog.indices().collect();
    }
    for index in revisions {
        needed.extend(catalog.files(index));
        if needs.express {
            needed.extend(catalog.express_files(index));
        }
    }
    for package in policy.packages.values() {
        needed.extend(package.files().values().map(|file| file.sha1));
    }
    for index in catalog.indices() {
        needed.extend(catalog.licences(index));
    }
    needed
}
