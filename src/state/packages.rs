//! Deployment packages: which content a distribution point is to hold.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use roaring::RoaringBitmap;
use serde_json::{Value, json};
use uuid::Uuid;

use super::transaction::Transaction;
use super::{Published, State, StateError};
use crate::metadata::model::UpdateFile;
use crate::policy::by::By;
use crate::policy::package::{FILES, Package};
use crate::policy::target_group::check_name;
use crate::wire::types::Sha1;

impl State {
    /// Makes a package, version 1 of which is empty.
    ///
    /// # Errors
    /// When the name is taken or cannot be one.
    pub async fn create_package(
        &self,
        by: By,
        id: Uuid,
        name: String,
    ) -> Result<Package, StateError> {
        self.writer
            .submit(move |transaction| {
                let name = check_name(&name)?;
                if transaction.model.policy.package(&name).is_some() {
                    let reason = format!("a package named '{name}' exists already");
                    return Err(StateError::Refused(reason));
                }
                let changed = transaction.now;
                let package = Package { id, name, version: 1, changed, updates: BTreeMap::new() };
                Ok(put(transaction, &by, package))
            })
            .await
    }

    /// Adds the content of updates, as their latest revisions have it now, and takes that of others
    /// out; that makes a new version, unless nothing is different then.
    ///
    /// # Errors
    /// When there is no such package or update, or the package would be too large; then nothing
    /// changes.
    pub async fn change_package(
        &self,
        by: By,
        name: String,
        add: BTreeSet<Uuid>,
        remove: BTreeSet<Uuid>,
    ) -> Result<Package, StateError> {
        let published = self.published();
        let mut added = BTreeMap::new();
        for update in add {
            added.insert(update, self.content_of(&published, update)?);
        }
        self.writer
            .submit(move |transaction| {
                let before = named(transaction, &name)?;
                let missing = |update: &&Uuid| !before.updates.contains_key(update);
                if let Some(update) = remove.iter().find(missing) {
                    let name = update.to_string();
                    return Err(StateError::NotFound { kind: "update in the package", name });
                }
                let mut package = before.clone();
                package.updates.retain(|update, _| !remove.contains(update));
                package.updates.extend(added);
                if package == before {
                    return Ok(before);
                }
                if package.updates.values().map(Vec::len).sum::<usize>() > FILES {
                    let reason = format!("a package has at most {FILES} files; make two of it");
                    return Err(StateError::Refused(reason));
                }
                package.version = before.version.saturating_add(1);
                package.changed = transaction.now;
                Ok(put(transaction, &by, package))
            })
            .await
    }

    /// Deletes a package. What was exported stays where it is.
    ///
    /// # Errors
    /// When there is no such package.
    pub async fn delete_package(&self, by: By, name: String) -> Result<Package, StateError> {
        self.writer
            .submit(move |transaction| {
                let package = named(transaction, &name)?;
                let entry = json!({ "delete_package": package.id, "before": told(&package) });
                transaction.journal(&by, entry);
                transaction.delete_package(package.id);
                Ok(package)
            })
            .await
    }

    /// The files of an update's latest revision and of all that it bundles, each once. A distribution
    /// point has no use for express files: only Windows Update Agents know what of them to take.
    fn content_of(
        &self,
        published: &Published,
        update: Uuid,
    ) -> Result<Vec<UpdateFile>, StateError> {
        let not_found = || StateError::NotFound { kind: "update", name: update.to_string() };
        let catalog = &published.catalog;
        let latest = catalog.update(&update).and_then(|update| catalog.latest(update));
        let latest = latest.ok_or_else(not_found)?;
        let (mut files, mut open) = (BTreeMap::new(), vec![latest]);
        let mut seen = RoaringBitmap::from([latest]);
        while let Some(index) = open.pop() {
            if !catalog.files(index).is_empty() {
                let metadata = self.metadata_of(published, index)?;
                let express: HashSet<&Sha1> = metadata.express.iter().collect();
                let content = metadata.files.iter().filter(|file| !express.contains(&file.sha1));
                files.extend(content.map(|file| (file.sha1, file.clone())));
            }
            open.extend(catalog.members(index).iter().filter(|it| seen.insert(**it)));
        }
        if files.is_empty() {
            return Err(StateError::Refused(format!("{update} has no content")));
        }
        Ok(files.into_values().collect())
    }
}

fn named(transaction: &Transaction<'_>, name: &str) -> Result<Package, StateError> {
    let not_found = || StateError::NotFound { kind: "package", name: name.to_owned() };
    transaction.model.policy.package(name).cloned().ok_or_else(not_found)
}

fn put(transaction: &mut Transaction<'_>, by: &By, package: Package) -> Package {
    let before = transaction.model.policy.packages.get(&package.id).map(told);
    let entry = json!({ "package": told(&package), "before": before });
    transaction.journal(by, entry);
    transaction.put_package(package.clone());
    package
}

/// A package as the journal has it: its files are those that its updates had then.
fn told(package: &Package) -> Value {
    let updates: Vec<&Uuid> = package.updates.keys().collect();
    let Package { id, name, version, .. } = package;
    json!({ "id": id, "name": name, "version": version, "updates": updates })
}
