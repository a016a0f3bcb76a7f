//! Deployment packages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use super::updates::instant;
use crate::content::distribution;
use crate::policy::by::By;
use crate::policy::package::Package;
use crate::state::{State, StateError};

pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let mut packages: Vec<&Package> = published.policy.packages.values().collect();
    packages.sort_by_key(|package| package.name.to_lowercase());
    packages.into_iter().map(|package| summary(state, package)).collect()
}

pub(super) fn show(state: &State, name: &str) -> Result<Value, AdminError> {
    let package = named(state, name)?;
    let mut shown = summary(state, &package);
    let files = package.files().into_values().map(|file| {
        json!({
            "name": file.name,
            "sha1": file.sha1.to_hex(),
            "size": file.size,
            "here": state.has_content(&file.sha1),
        })
    });
    shown["updates"] = package.updates.keys().map(ToString::to_string).collect();
    shown["files"] = files.collect();
    Ok(shown)
}

pub(super) async fn create(state: &State, name: String) -> Result<Value, AdminError> {
    let package = state.create_package(By::administrator(), Uuid::new_v4(), name).await?;
    Ok(summary(state, &package))
}

pub(super) async fn change(
    state: &State,
    name: String,
    add: BTreeSet<Uuid>,
    remove: BTreeSet<Uuid>,
) -> Result<Value, AdminError> {
    let package = state.change_package(By::administrator(), name, add, remove).await?;
    Ok(summary(state, &package))
}

pub(super) async fn delete(state: &State, name: String) -> Result<Value, AdminError> {
    let package = state.delete_package(By::administrator(), name).await?;
    Ok(summary(state, &package))
}

pub(super) async fn export(
    state: &Arc<State>,
    name: &str,
    folder: PathBuf,
) -> Result<Value, AdminError> {
    let package = named(state, name)?;
    let of = Arc::clone(state);
    let exported = in_folder(&package, &folder, move |package, folder| {
        distribution::export(of.contents(), package, folder)
    });
    let exported = exported.await?;
    Ok(json!({ "name": package.name, "version": package.version, "folder": folder,
        "copied": exported.copied, "kept": exported.kept, "removed": exported.removed }))
}

pub(super) async fn verify(
    state: &State,
    name: &str,
    folder: PathBuf,
) -> Result<Value, AdminError> {
    let package = named(state, name)?;
    let verified = in_folder(&package, &folder, distribution::verify).await?;
    let is_current = verified.version == Some(package.version);
    Ok(json!({
        "name": package.name,
        "folder": folder,
        "version": verified.version,
        "latest": package.version,
        "intact": verified.intact,
        "damaged": verified.damaged,
        "ok": is_current && verified.damaged.is_empty(),
    }))
}

/// Works in a folder where the disk may be waited for.
async fn in_folder<T: Send + 'static>(
    package: &Package,
    folder: &Path,
    work: impl FnOnce(&Package, &Path) -> Result<T, distribution::DistributionError> + Send + 'static,
) -> Result<T, AdminError> {
    let (package, folder) = (package.clone(), folder.to_owned());
    let done = tokio::task::spawn_blocking(move || work(&package, &folder)).await;
    let done = done.map_err(|_| StateError::Stopped)?;
    Ok(done.map_err(|error| StateError::Refused(error.to_string()))?)
}

fn named(state: &State, name: &str) -> Result<Package, StateError> {
    let not_found = || StateError::NotFound { kind: "package", name: name.to_owned() };
    state.published().policy.package(name).cloned().ok_or_else(not_found)
}

fn summary(state: &State, package: &Package) -> Value {
    let files = package.files();
    let missing = files.values().filter(|file| !state.has_content(&file.sha1)).count();
    json!({
        "name": package.name,
        "id": package.id,
        "version": package.version,
        "changed": instant(package.changed),
        "update_count": package.updates.len(),
        "file_count": files.len(),
        "bytes": package.bytes(),
        "missing": missing,
    })
}
