//! Deployment packages in a folder, for a distribution point.
//!
//! The folder has files where clients ask a server for them (`Content/...`), so that any web server over it
//! is a distribution point, and a list for each package that was exported to it (`packages/<id>.json`).
//! The list is written last: until then the folder has the version before, whole, and whatever interrupts
//! an export, the next one goes on with the files that are there. Then the files go that no list has any
//! more. Files are compared by their digests, never by their dates.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::address::content_path;
use super::files::{ContentStore, digest_of};
use crate::metadata::model::UpdateFile;
use crate::policy::package::Package;

/// Most bytes of a list: several times what one of the largest package has.
const LIST_LIMIT: u64 = 16 << 20;
const LISTS: &str = "packages";

/// Why a package was not exported or verified.
#[derive(Debug, thiserror::Error)]
pub enum DistributionError {
    /// Files of it are not here, so the folder is as it was.
    #[error("{} of its files are not here yet, {} among them", .0.len(), .0.first().map_or("", String::as_str))]
    Missing(Vec<String>),
    /// The server's own copy is damaged.
    #[error("{0} is damaged in the content store; `weir content verify` tells more")]
    Damaged(String),
    /// The folder has a list that is none.
    #[error("{} is no list of a package", .0.display())]
    List(PathBuf),
    /// The folder cannot be used.
    #[error("cannot use {}: {error}", .path.display())]
    Folder {
        /// What could not be used.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The content store cannot be read.
    #[error(transparent)]
    Content(#[from] super::files::ContentError),
}

/// What an export did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Files that were copied.
    pub copied: usize,
    /// Files that were there.
    pub kept: usize,
    /// Files that went, as nothing lists them any more.
    pub removed: usize,
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The version in the folder; none if the package was not exported there.
    pub version: Option<u32>,
    /// Files that are intact.
    pub intact: usize,
    /// Files that are not there, or not what they should be.
    pub damaged: Vec<String>,
}

/// What a folder has of one package.
#[derive(Debug, Serialize, Deserialize)]
struct List {
    name: String,
    version: u32,
    files: Vec<UpdateFile>,
}

/// Exports a package to a folder, which is made if it does not exist.
///
/// # Errors
/// When a file is not here, and then before anything is changed; or the disk fails, and then the folder
/// has the version before.
pub fn export(
    store: &ContentStore,
    package: &Package,
    folder: &Path,
) -> Result<Exported, DistributionError> {
    let files = package.files();
    let missing = files.values().filter(|file| !store.contains(&file.sha1, file.size));
    let missing: Vec<String> = missing.map(|file| file.name.clone()).collect();
    if !missing.is_empty() {
        return Err(DistributionError::Missing(missing));
    }
    let mut exported = Exported::default();
    for file in files.values() {
        let target = folder.join(content_path(file));
        if is_intact(&target, file) {
            exported.kept += 1;
        } else {
            copy(store, file, &target)?;
            exported.copied += 1;
        }
    }
    let before = listed(folder)?;
    let list = List {
        name: package.name.clone(),
        version: package.version,
        files: files.values().map(|file| (*file).clone()).collect(),
    };
    let path = list_path(folder, package);
    let text = serde_json::to_vec_pretty(&list).map_err(io::Error::other).map_err(at(&path))?;
    write_whole(&path, &mut text.as_slice(), |_| true)?;
    let after = listed(folder)?;
    for path in before.difference(&after) {
        let path = folder.join(path);
        match fs::remove_file(&path) {
            Ok(()) => exported.removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&path)(error)),
        }
    }
    Ok(exported)
}

/// Reads every file that a folder should have of a package, as far as it was exported there.
///
/// # Errors
/// When the folder cannot be read or its list is damaged.
pub fn verify(package: &Package, folder: &Path) -> Result<Verified, DistributionError> {
    let path = list_path(folder, package);
    if !path.exists() {
        return Ok(Verified::default());
    }
    let list = read_list(&path)?;
    let mut verified = Verified { version: Some(list.version), ..Verified::default() };
    for file in &list.files {
        let path = content_path(file);
        match is_intact(&folder.join(&path), file) {
            true => verified.intact += 1,
            false => verified.damaged.push(path),
        }
    }
    Ok(verified)
}

/// The paths of all files that the lists of a folder have.
fn listed(folder: &Path) -> Result<BTreeSet<String>, DistributionError> {
    let lists = folder.join(LISTS);
    let entries = match fs::read_dir(&lists) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.map_err(at(&lists))?,
    };
    let mut paths = BTreeSet::new();
    for entry in entries {
        let path = entry.map_err(at(&lists))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.extend(read_list(&path)?.files.iter().map(content_path));
        }
    }
    Ok(paths)
}

fn list_path(folder: &Path, package: &Package) -> PathBuf {
    folder.join(LISTS).join(format!("{}.json", package.id))
}

fn read_list(path: &Path) -> Result<List, DistributionError> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(at(path))?;
    file.take(LIST_LIMIT).read_to_end(&mut text).map_err(at(path))?;
    serde_json::from_slice(&text).map_err(|_| DistributionError::List(path.to_owned()))
}

/// Whether a file has the length and the digests that it should have.
fn is_intact(path: &Path, file: &UpdateFile) -> bool {
    let has_length = |found: &File| found.metadata().is_ok_and(|it| it.len() == file.size);
    let found = File::open(path).ok().filter(has_length).and_then(|found| digest_of(found).ok());
    found.is_some_and(|found| {
        found.sha1 == file.sha1 && file.sha256.is_none_or(|expected| found.sha256 == expected)
    })
}

/// Copies a file out of the store; it has its name only once it is what it should be.
fn copy(store: &ContentStore, file: &UpdateFile, target: &Path) -> Result<(), DistributionError> {
    let missing = || DistributionError::Missing(vec![file.name.clone()]);
    let mut stored = store.open_file(&file.sha1)?.ok_or_else(missing)?.file;
    match write_whole(target, &mut stored, |written| is_intact(written, file))? {
        true => Ok(()),
        false => Err(DistributionError::Damaged(file.sha1.to_hex())),
    }
}

/// Writes a file beside its place, makes it durable, and moves it there if it `passes`; says whether it
/// did.
fn write_whole(
    target: &Path,
    source: &mut impl Read,
    passes: impl FnOnce(&Path) -> bool,
) -> Result<bool, DistributionError> {
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(at(folder))?;
    let unfinished = target.with_extension("unfinished");
    let write = || -> io::Result<bool> {
        let mut file = File::create(&unfinished)?;
        io::copy(source, &mut file)?;
        file.sync_all()?;
        if !passes(&unfinished) {
            fs::remove_file(&unfinished)?;
            return Ok(false);
        }
        fs::rename(&unfinished, target)?;
        File::open(folder)?.sync_all()?;
        Ok(true)
    };
    write().map_err(at(target))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DistributionError + '_ {
    move |error| DistributionError::Folder { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tempfile::TempDir;
    use uuid::Uuid;

    use super::*;

    /// Adds a file with this content to a store.
    fn add(store: &ContentStore, content: &str) -> UpdateFile {
        let digests = digest_of(content.as_bytes()).expect("memory");
        let file = UpdateFile {
            sha1: digests.sha1,
            sha256: Some(digests.sha256),
            name: format!("{content}.cab"),
            size: digests.length,
        };
        store.add(content.as_bytes(), &file).expect("added");
        file
    }

    fn package(id: u128, version: u32, files: &[&UpdateFile]) -> Package {
        let files = files.iter().map(|file| (*file).clone()).collect();
        Package {
            id: Uuid::from_u128(id),
            name: "Branch".into(),
            version,
            changed: 0,
            updates: BTreeMap::from([(Uuid::nil(), files)]),
        }
    }

    fn scratch() -> (TempDir, ContentStore, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let store = ContentStore::open(dir.path().join("content")).expect("opened");
        let folder = dir.path().join("point");
        (dir, store, folder)
    }

    fn exported(copied: usize, kept: usize, removed: usize) -> Exported {
        Exported { copied, kept, removed }
    }

    #[test]
    fn a_version_replaces_the_one_before_and_leaves_other_packages_alone() {
        let (_dir, store, folder) = scratch();
        let [one, two, three] = ["one", "two", "three"].map(|content| add(&store, content));
        assert_eq!(verify(&package(1, 1, &[]), &folder).unwrap(), Verified::default());
        assert_eq!(export(&store, &package(1, 1, &[]), &folder).unwrap(), exported(0, 0, 0));
        let first = package(1, 2, &[&one, &two]);
        assert_eq!(export(&store, &first, &folder).unwrap(), exported(2, 0, 0));
        let other = package(2, 2, &[&two]);
        assert_eq!(export(&store, &other, &folder).unwrap(), exported(0, 1, 0));
        let second = package(1, 3, &[&three]);
        assert_eq!(export(&store, &second, &folder).unwrap(), exported(1, 0, 1));
        assert!(!folder.join(content_path(&one)).exists());
        let expected = Verified { version: Some(3), intact: 1, damaged: Vec::new() };
        assert_eq!(verify(&second, &folder).unwrap(), expected);
        assert_eq!(verify(&other, &folder).unwrap().intact, 1, "the other one's file stayed");
    }

    #[test]
    fn what_is_missing_or_damaged_here_changes_nothing_there() {
        let (dir, store, folder) = scratch();
        let [one, two] = ["one", "two"].map(|content| add(&store, content));
        export(&store, &package(1, 2, &[&one]), &folder).unwrap();
        store.remove(&two.sha1).unwrap();
        let next = package(1, 3, &[&one, &two]);
        assert!(matches!(export(&store, &next, &folder), Err(DistributionError::Missing(_))));
        add(&store, "two");
        let stored = dir.path().join("content").join(&two.sha1.to_hex()[38..]);
        fs::write(stored.join(two.sha1.to_hex()), "owt").unwrap();
        assert!(matches!(export(&store, &next, &folder), Err(DistributionError::Damaged(_))));
        assert!(!folder.join(content_path(&two)).exists());
        let found = verify(&next, &folder).unwrap();
        assert_eq!((found.version, found.intact), (Some(2), 1), "the version before");
    }

    #[test]
    fn an_interrupted_export_goes_on_and_damage_is_found_and_mended() {
        let (_dir, store, folder) = scratch();
        let [one, two] = ["one", "two"].map(|content| add(&store, content));
        let package = package(1, 2, &[&one, &two]);
        // As one that died before it wrote the list leaves it, with half a file.
        copy(&store, &one, &folder.join(content_path(&one))).unwrap();
        let half = folder.join(content_path(&two)).with_extension("unfinished");
        fs::create_dir_all(half.parent().unwrap()).unwrap();
        fs::write(&half, "t").unwrap();
        assert_eq!(verify(&package, &folder).unwrap().version, None);
        assert_eq!(export(&store, &package, &folder).unwrap(), exported(1, 1, 0));
        assert!(!half.exists());
        fs::write(folder.join(content_path(&one)), "eno").unwrap();
        fs::remove_file(folder.join(content_path(&two))).unwrap();
        assert_eq!(verify(&package, &folder).unwrap().damaged.len(), 2);
        assert_eq!(export(&store, &package, &folder).unwrap(), exported(2, 0, 0));
        assert_eq!(verify(&package, &folder).unwrap().intact, 2);
        fs::write(list_path(&folder, &package), "{").unwrap();
        assert!(matches!(verify(&package, &folder), Err(DistributionError::List(_))));
    }
}
