//! Writing a catalogue into a directory, one document at a time.
//!
//! ```text
//! DIR/manifest.json               what it is
//! DIR/documents/0000/0000000.xml  1,000 documents a directory, in the order of publication
//! DIR/content/A2/86542C….         small files and licences by SHA-1, if asked for
//! DIR/oracle-NAME.json            what the machine of a profile should find
//! ```
//! `weir import DIR` takes the documents in that order. Content has no extension, or an import
//! would take cabinets among it for documents.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::content::StoredFile;
use super::document::Document;
use super::oracle::{Expected, Oracle};
use super::sequence::{Entry, Plan};
use super::{Preset, Settings, hostile};
use crate::fleet::profile::Profile;

/// Documents in one directory.
const IN_DIRECTORY: u64 = 1_000;

/// What a catalogue is and holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Version of the program.
    pub version: &'static str,
    /// Name of the preset.
    pub preset: &'static str,
    /// The seed.
    pub seed: u64,
    /// Whether one Core fragment has 47 MB.
    pub huge_core: bool,
    /// Documents.
    pub documents: u64,
    /// Of these, by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Documents that are a later revision of an update.
    pub later_revisions: u64,
    /// Documents that withdraw an update.
    pub expired: u64,
    /// Documents that an import must find unchanged, because they are there twice.
    pub repeated: u64,
    /// Documents that an import must refuse, because their revision is there with another text.
    pub refused: u64,
    /// Bytes of all documents.
    pub document_bytes: u64,
    /// Bytes that the documents say their files have.
    pub declared_bytes: u64,
    /// Files written under `content`.
    pub content_files: u64,
    /// Bytes of these.
    pub content_bytes: u64,
}

/// A catalogue cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Something is there already.
    #[error("{0} is not empty; a catalogue needs a directory of its own")]
    NotEmpty(PathBuf),
    /// The model says nothing about hostile documents.
    #[error("what a machine finds among hostile documents is not known; leave the profile out")]
    NoOracle,
    /// Two profiles would write the same oracle.
    #[error("two profiles are called '{0}'")]
    SameName(String),
    /// The file system refused.
    #[error("cannot write {path}: {source}")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes the catalogue of `settings` into `directory`, with an oracle for each of `profiles`, and
/// with `content` the small files. `progress` is told every thousand documents.
///
/// # Errors
/// [`CatalogueError`]; what was written until then stays.
pub fn generate(
    settings: &Settings,
    directory: &Path,
    profiles: &[Profile],
    content: bool,
    progress: impl Fn(u64),
) -> Result<Manifest, CatalogueError> {
    if settings.preset == Preset::Hostile && !profiles.is_empty() {
        return Err(CatalogueError::NoOracle);
    }
    for (at, profile) in profiles.iter().enumerate() {
        if profiles[..at].iter().any(|other| other.name == profile.name) {
            return Err(CatalogueError::SameName(profile.name.clone()));
        }
    }
    let mut output = Output::create(settings, directory, content)?;
    let mut oracles: Vec<Oracle<'_>> = profiles.iter().map(Oracle::new).collect();
    for entry in settings.entries() {
        for oracle in &mut oracles {
            oracle.observe(&entry);
        }
        output.add(&entry, &settings.document(&entry))?;
        if output.manifest.documents.is_multiple_of(IN_DIRECTORY) {
            progress(output.manifest.documents);
        }
    }
    for oracle in oracles {
        output.write_oracle(&oracle.finish())?;
    }
    output.write_json("manifest.json", &output.manifest)?;
    Ok(output.manifest)
}

/// A catalogue being written.
struct Output<'d> {
    directory: &'d Path,
    content: bool,
    manifest: Manifest,
}

impl<'d> Output<'d> {
    fn create(
        settings: &Settings,
        directory: &'d Path,
        content: bool,
    ) -> Result<Self, CatalogueError> {
        create_directory(directory)?;
        let entries = fs::read_dir(directory);
        if entries.map_err(|source| failed(directory, source))?.next().is_some() {
            return Err(CatalogueError::NotEmpty(directory.to_owned()));
        }
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION"),
            preset: settings.preset.name(),
            seed: settings.seed,
            huge_core: settings.huge_core,
            ..Manifest::default()
        };
        Ok(Self { directory, content, manifest })
    }

    fn add(&mut self, entry: &Entry, document: &Document) -> Result<(), CatalogueError> {
        let number = self.manifest.documents;
        let folder = self.directory.join(format!("documents/{:04}", number / IN_DIRECTORY));
        if number.is_multiple_of(IN_DIRECTORY) {
            create_directory(&folder)?;
        }
        let text = document.to_xml();
        write(&folder.join(format!("{number:07}.xml")), text.as_bytes())?;
        self.manifest.count(entry, document, text.len());
        if self.content {
            let licences = document.eulas.iter().map(|eula| &eula.file);
            for file in document.files.iter().chain(licences) {
                self.add_content(file)?;
            }
        }
        Ok(())
    }

    fn add_content(&mut self, file: &StoredFile) -> Result<(), CatalogueError> {
        let Some(bytes) = &file.bytes else { return Ok(()) };
        let name = file.sha1.to_hex();
        let folder = self.directory.join("content").join(&name[38..]);
        let path = folder.join(&name);
        // Later revisions have the files of the first.
        if path.exists() {
            return Ok(());
        }
        create_directory(&folder)?;
        write(&path, bytes)?;
        self.manifest.content_files += 1;
        self.manifest.content_bytes += file.size;
        Ok(())
    }

    fn write_oracle(&self, expected: &Expected) -> Result<(), CatalogueError> {
        self.write_json(&format!("oracle-{}.json", expected.profile), expected)
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), CatalogueError> {
        let path = self.directory.join(name);
        let text = serde_json::to_string_pretty(value);
        let text = text.map_err(|error| failed(&path, io::Error::other(error)))?;
        write(&path, format!("{text}\n").as_bytes())
    }
}

impl Manifest {
    fn count(&mut self, entry: &Entry, document: &Document, bytes: usize) {
        self.documents += 1;
        self.document_bytes += bytes as u64;
        self.declared_bytes += document.files.iter().map(|file| file.size).sum::<u64>();
        self.expired += u64::from(document.expired);
        let (kind, revision) = match entry.plan {
            Plan::Marker(_) if document.detectoid_type.is_some() => ("detectoids", 0),
            Plan::Marker(_) => ("categories", 0),
            Plan::Leaf { revision, .. } => ("leaves", revision),
            Plan::Update { release, revision } if release.line.slot().bundled => {
                ("bundles", revision)
            }
            Plan::Update { revision, .. } => ("single", revision),
            Plan::Driver { revision, .. } => ("drivers", revision),
            Plan::Hostile { case, part } => {
                self.repeated += u64::from(hostile::is_repeated(case, part));
                self.refused += u64::from(hostile::is_refused(case, part));
                ("hostile", 0)
            }
        };
        *self.kinds.entry(kind).or_default() += 1;
        self.later_revisions += u64::from(revision > 0);
    }
}

fn failed(path: &Path, source: io::Error) -> CatalogueError {
    CatalogueError::Io { path: path.to_owned(), source }
}

fn create_directory(path: &Path) -> Result<(), CatalogueError> {
    fs::create_dir_all(path).map_err(|source| failed(path, source))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CatalogueError> {
    fs::write(path, bytes).map_err(|source| failed(path, source))
}
