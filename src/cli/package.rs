//! `weir package`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::Value;
use uuid::Uuid;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::packages::{
    ChangePackage, CreatePackage, DeletePackage, ExportPackage, ListPackages, ShowPackage,
    VerifyPackage,
};

/// Manage deployment packages: sets of content for distribution points.
#[derive(Debug, Subcommand)]
pub(super) enum Package {
    /// All packages.
    List,
    /// One package with its files.
    Show {
        /// The package.
        name: String,
    },
    /// Make an empty package.
    Create {
        /// Its name.
        name: String,
    },
    /// Add the content of updates, or bring it to their latest revisions.
    Add {
        /// The package.
        name: String,
        /// The updates' ids.
        #[arg(required = true, value_name = "UPDATEID")]
        updates: Vec<Uuid>,
    },
    /// Take the content of updates out.
    Remove {
        /// The package.
        name: String,
        /// The updates' ids.
        #[arg(required = true, value_name = "UPDATEID")]
        updates: Vec<Uuid>,
    },
    /// Export it to a folder, which any web server can offer to clients.
    Export {
        /// The package.
        name: String,
        /// The folder, on the server's own machine.
        folder: PathBuf,
    },
    /// Read what a folder has of it; fails unless that is the latest version, intact.
    Verify {
        /// The package.
        name: String,
        /// The folder, on the server's own machine.
        folder: PathBuf,
    },
    /// Delete it. What was exported stays.
    Delete {
        /// The package.
        name: String,
    },
}

impl Package {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let none = Default::default;
        match self {
            Self::List => context.show(ListPackages {}, list).await,
            Self::Show { name } => context.show(ShowPackage { name }, fields).await,
            Self::Create { name } => context.show(CreatePackage { name }, fields).await,
            Self::Add { name, updates } => {
                let add = updates.into_iter().collect();
                context.show(ChangePackage { name, add, remove: none() }, fields).await
            }
            Self::Remove { name, updates } => {
                let remove = updates.into_iter().collect();
                context.show(ChangePackage { name, add: none(), remove }, fields).await
            }
            Self::Export { name, folder } => {
                let folder = absolute(folder)?;
                context.show(ExportPackage { name, folder }, fields).await
            }
            Self::Verify { name, folder } => {
                let folder = absolute(folder)?;
                let verified = context.run(VerifyPackage { name, folder }).await?;
                context.output.print(&verified, fields)?;
                let missing = "it is not there, intact, in its latest version";
                if verified.ok { Ok(()) } else { Err(CliError::Failed(missing.into())) }
            }
            Self::Delete { name } => context.show(DeletePackage { name }, fields).await,
        }
    }
}

/// The server that carries it out may stand in another directory.
fn absolute(folder: PathBuf) -> Result<PathBuf, CliError> {
    let shown = folder.display().to_string();
    std::path::absolute(folder).map_err(|error| CliError::Failed(format!("{shown}: {error}")))
}

fn list(packages: &Value) -> String {
    let rows = packages.as_array().into_iter().flatten().map(|package| {
        ["name", "version", "update_count", "file_count", "bytes", "missing"]
            .map(|field| cell(&package[field]))
            .to_vec()
    });
    table(&["PACKAGE", "VERSION", "UPDATES", "FILES", "BYTES", "MISSING"], rows.collect())
}
