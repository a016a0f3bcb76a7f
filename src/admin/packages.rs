//! Deployment packages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AdminError, Call, Operation, Route, instant};
use crate::content::distribution;
use crate::policy::package::Package;
use crate::state::{State, StateError};

/// All deployment packages.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListPackages {}

impl Operation for ListPackages {
    type Answer = Vec<PackageSummary>;
    const ROUTE: Route = Route::get("/packages");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let published = call.state().published();
        let mut packages: Vec<&Package> = published.policy.packages.values().collect();
        packages.sort_by_key(|package| package.name.to_lowercase());
        Ok(packages.into_iter().map(|it| PackageSummary::of(call.state(), it)).collect())
    }
}

/// One package with its files.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowPackage {
    /// Its name.
    pub name: String,
}

impl Operation for ShowPackage {
    type Answer = PackageDetails;
    const ROUTE: Route = Route::get("/packages/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let state = call.state();
        let package = named(state, &self.name)?;
        let files = package.files().into_values().map(|file| PackagedFile {
            name: file.name.clone(),
            sha1: file.sha1.to_hex(),
            size: file.size,
            here: state.has_content(&file.sha1),
        });
        Ok(PackageDetails {
            updates: package.updates.keys().map(ToString::to_string).collect(),
            files: files.collect(),
            summary: PackageSummary::of(state, &package),
        })
    }
}

/// Make an empty package.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreatePackage {
    /// Its name.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
}

impl Operation for CreatePackage {
    type Answer = PackageSummary;
    const ROUTE: Route = Route::post("/packages");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let package = call.state().create_package(call.by(), Uuid::new_v4(), self.name).await?;
        Ok(PackageSummary::of(call.state(), &package))
    }
}

/// Add the content of updates to a package, or bring it to their latest revisions, and take that of
/// others out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChangePackage {
    /// Its name.
    pub name: String,
    /// The updates to add.
    #[serde(default)]
    pub add: BTreeSet<Uuid>,
    /// The updates to take out.
    #[serde(default)]
    pub remove: BTreeSet<Uuid>,
}

impl Operation for ChangePackage {
    type Answer = PackageSummary;
    const ROUTE: Route = Route::post("/packages/{name}/updates");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let Self { name, add, remove } = self;
        let package = call.state().change_package(call.by(), name, add, remove).await?;
        Ok(PackageSummary::of(call.state(), &package))
    }
}

/// Delete a package. What was exported stays.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletePackage {
    /// Its name.
    pub name: String,
}

impl Operation for DeletePackage {
    type Answer = PackageSummary;
    const ROUTE: Route = Route::delete("/packages/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let package = call.state().delete_package(call.by(), self.name).await?;
        Ok(PackageSummary::of(call.state(), &package))
    }
}

/// Export a package to a folder, which any web server can offer to clients.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExportPackage {
    /// Its name.
    pub name: String,
    /// The folder, on the server's own machine.
    pub folder: PathBuf,
}

impl Operation for ExportPackage {
    type Answer = ExportedPackage;
    const ROUTE: Route = Route::post("/packages/{name}/export");
    const LONG: bool = true;
    const HERE: bool = true;

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let package = named(call.state(), &self.name)?;
        let of = Arc::clone(call.state());
        let exported = in_folder(&package, &self.folder, move |package, folder| {
            distribution::export(of.contents(), package, folder)
        });
        let exported = exported.await?;
        Ok(ExportedPackage {
            name: package.name,
            version: package.version,
            folder: self.folder,
            copied: exported.copied,
            kept: exported.kept,
            removed: exported.removed,
        })
    }
}

/// What an export did.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExportedPackage {
    /// The package.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Where it is now.
    pub folder: PathBuf,
    /// Files that were copied.
    pub copied: usize,
    /// Files that were there.
    pub kept: usize,
    /// Files that went, as nothing lists them any more.
    pub removed: usize,
}

/// Read what a folder has of a package.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct VerifyPackage {
    /// Its name.
    pub name: String,
    /// The folder, on the server's own machine.
    pub folder: PathBuf,
}

impl Operation for VerifyPackage {
    type Answer = VerifiedPackage;
    const ROUTE: Route = Route::post("/packages/{name}/verify");
    const LONG: bool = true;
    const HERE: bool = true;

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let package = named(call.state(), &self.name)?;
        let verified = in_folder(&package, &self.folder, distribution::verify).await?;
        let is_current = verified.version == Some(package.version);
        Ok(VerifiedPackage {
            name: package.name,
            folder: self.folder,
            version: verified.version,
            latest: package.version,
            intact: verified.intact,
            ok: is_current && verified.damaged.is_empty(),
            damaged: verified.damaged,
        })
    }
}

/// What a folder has of a package.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct VerifiedPackage {
    /// The package.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// The version in it; none if the package was not exported there.
    pub version: Option<u32>,
    /// The latest version.
    pub latest: u32,
    /// Files that are intact.
    pub intact: usize,
    /// Files that are not there, or not what they should be.
    pub damaged: Vec<String>,
    /// Whether the latest version is there, intact.
    pub ok: bool,
}

/// Works in a folder where the disk may be waited for.
async fn in_folder<T: Send + 'static>(
    package: &Package,
    folder: &Path,
    work: impl FnOnce(&Package, &Path) -> Result<T, distribution::DistributionError> + Send + 'static,
) -> Result<T, AdminError> {
    if !folder.is_absolute() {
        let problem = "has to begin at the root: who asks may be elsewhere in the file system";
        return Err(AdminError::invalid("folder", problem));
    }
    let (package, folder) = (package.clone(), folder.to_owned());
    let done = tokio::task::spawn_blocking(move || work(&package, &folder)).await;
    let done = done.map_err(|_| StateError::Stopped)?;
    Ok(done.map_err(|error| StateError::Refused(error.to_string()))?)
}

fn named(state: &State, name: &str) -> Result<Package, StateError> {
    let not_found = || StateError::NotFound { kind: "package", name: name.to_owned() };
    state.published().policy.package(name).cloned().ok_or_else(not_found)
}

/// What is said of a package in a list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PackageSummary {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
    /// Grows with every change.
    pub version: u32,
    /// When it was last changed.
    pub changed: Option<String>,
    /// How many updates it has the content of.
    pub update_count: usize,
    /// How many files.
    pub file_count: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// How many of them are not here.
    pub missing: usize,
}

/// Everything about a package.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PackageDetails {
    /// What lists say of it.
    #[serde(flatten)]
    pub summary: PackageSummary,
    /// The revisions it has the content of.
    pub updates: Vec<String>,
    /// Its files.
    pub files: Vec<PackagedFile>,
}

/// A file of a package.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PackagedFile {
    /// Its name.
    pub name: String,
    /// Its SHA-1.
    pub sha1: String,
    /// Bytes.
    pub size: u64,
    /// Whether it is here.
    pub here: bool,
}

impl PackageSummary {
    fn of(state: &State, package: &Package) -> Self {
        let files = package.files();
        let missing = files.values().filter(|file| !state.has_content(&file.sha1)).count();
        Self {
            name: package.name.clone(),
            id: package.id,
            version: package.version,
            changed: instant(package.changed),
            update_count: package.updates.len(),
            file_count: files.len(),
            bytes: package.bytes(),
            missing,
        }
    }
}
