//! The content files on disk: `<dir>/<last two hex digits>/<SHA-1>`, in upper case.
//!
//! A file appears under its address only whole and verified: it is written beside, compared with
//! what the metadata says, made durable, and then renamed. Half a file can therefore never be
//! served, whenever the power fails.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use uuid::Uuid;

use super::open_files::OpenFiles;
use crate::metadata::model::UpdateFile;
use crate::wire::types::{Sha1, Sha256};

/// Bytes read at a time while a file is verified.
const CHUNK: usize = 256 * 1024;

/// Where files grow before they are verified; inside the store, so that renaming never copies.
const INCOMING: &str = "incoming";

/// Where files lie of which only parts are here.
const PARTIAL: &str = "partial";

/// Why a file was not taken or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The offered file is shorter or longer than the metadata says.
    #[error("{name}: the metadata says {expected} bytes, the file has {}", describe_length(*.actual, *.expected))]
    Length {
        /// Name in the metadata.
        name: String,
        /// Bytes that the metadata says.
        expected: u64,
        /// Bytes read before the difference was certain.
        actual: u64,
    },
    /// The offered file is another one.
    #[error("{name}: the metadata says SHA-1 {expected:?}, the file has {actual:?}")]
    Sha1 {
        /// Name in the metadata.
        name: String,
        /// What the metadata says.
        expected: Sha1,
        /// What the file has.
        actual: Sha1,
    },
    /// The offered file has the right SHA-1 and is still another one: a forgery.
    #[error(
        "{name}: SHA-1 matches, but the metadata says SHA-256 {expected:?} and the file has {actual:?}"
    )]
    Sha256 {
        /// Name in the metadata.
        name: String,
        /// What the metadata says.
        expected: Sha256,
        /// What the file has.
        actual: Sha256,
    },
    /// The offered file could not be read.
    #[error("the offered file cannot be read: {0}")]
    Source(#[source] io::Error),
    /// Our own disk failed.
    #[error("cannot use {} in the content store: {error}; check its permissions and the disk", .path.display())]
    Store {
        /// File or directory of the store.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

fn describe_length(actual: u64, expected: u64) -> String {
    if actual > expected { format!("more than {expected}") } else { actual.to_string() }
}

/// What a file's bytes say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// Its address.
    pub sha1: Sha1,
    /// What proves it.
    pub sha256: Sha256,
    /// Length in bytes.
    pub length: u64,
}

/// A stored file, open for reading.
#[derive(Debug)]
pub struct ContentFile {
    /// Positioned at its first byte.
    pub file: File,
    /// Length in bytes.
    pub length: u64,
    /// When it was stored.
    pub modified: SystemTime,
}

/// The directory of content files. All its methods but [`at_hand`](Self::at_hand) block on the disk.
#[derive(Debug)]
pub struct ContentStore {
    root: PathBuf,
    open: OpenFiles,
}

impl ContentStore {
    /// Where the files lie.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Opens the store in `dir`, creating it, and removes what an interrupted run left behind.
    ///
    /// # Errors
    /// [`ContentError::Store`] when the directory cannot be used.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, ContentError> {
        let root = dir.into();
        let incoming = root.join(INCOMING);
        fs::create_dir_all(&incoming).map_err(at(&incoming))?;
        let partial = root.join(PARTIAL);
        fs::create_dir_all(&partial).map_err(at(&partial))?;
        // Or a power cut might take the whole directory with its name.
        sync_dir(&root)?;
        let parent = root.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_dir(parent.unwrap_or(Path::new(".")))?;
        for entry in fs::read_dir(&incoming).map_err(at(&incoming))? {
            let path = entry.map_err(at(&incoming))?.path();
            fs::remove_file(&path).map_err(at(&path))?;
        }
        Ok(Self { root, open: OpenFiles::default() })
    }

    /// Takes a file in after comparing its length and digests with what the metadata `expected`.
    ///
    /// The file is durable when this returns. Where the metadata names no SHA-256, length and
    /// SHA-1 have to do. A file that is already stored is replaced, which repairs a damaged one.
    ///
    /// # Errors
    /// Names what differs, or whose disk failed. Nothing of a refused file stays.
    pub fn add(&self, source: impl Read, expected: &UpdateFile) -> Result<(), ContentError> {
        let growing = Growing(self.root.join(INCOMING).join(Uuid::new_v4().to_string()));
        let mut file = File::create_new(&growing.0).map_err(at(&growing.0))?;
        // One byte more than expected is enough to know that the file is too long.
        let limited = source.take(expected.size.saturating_add(1));
        let found = digest_into(limited, |chunk| file.write_all(chunk).map_err(at(&growing.0)))?;
        verify(&found, expected)?;
        file.sync_all().map_err(at(&growing.0))?;
        self.rename_in(&growing.0, expected)
    }

    /// Moves a file of ours in after comparing it with what the metadata `expected`.
    pub(super) fn move_in(
        &self,
        file: &mut File,
        path: &Path,
        expected: &UpdateFile,
    ) -> Result<(), ContentError> {
        verify(&digest_of(&mut *file)?, expected)?;
        file.sync_all().map_err(at(path))?;
        self.rename_in(path, expected)
    }

    /// Where a file grows of which only parts are here.
    pub(super) fn partial_path(&self, sha1: &Sha1) -> PathBuf {
        self.root.join(PARTIAL).join(sha1.to_hex())
    }

    /// Removes a file, if it is stored.
    pub fn remove(&self, sha1: &Sha1) -> Result<(), ContentError> {
        self.open.replaced(sha1);
        let path = self.path(sha1);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            _ => Ok(()),
        }
    }

    /// The files that were stored before `before` (unix seconds), in no order.
    pub fn stored(&self, before: i64) -> Result<Vec<Sha1>, ContentError> {
        let mut stored = Vec::new();
        for folder in 0..=u8::MAX {
            let folder = self.root.join(format!("{folder:02X}"));
            stored.extend(files_before(&folder, before)?);
        }
        Ok(stored)
    }

    /// Throws away the parts of files that are not `wanted` and of which none came since `before`
    /// (unix seconds).
    pub fn discard_partials(
        &self,
        before: i64,
        wanted: impl Fn(&Sha1) -> bool,
    ) -> Result<(), ContentError> {
        for sha1 in files_before(&self.root.join(PARTIAL), before)? {
            if !wanted(&sha1) {
                let path = self.partial_path(&sha1);
                drop(fs::remove_file(path.with_extension("map")));
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        Ok(())
    }

    fn rename_in(&self, path: &Path, expected: &UpdateFile) -> Result<(), ContentError> {
        let target = self.path(&expected.sha1);
        let dir = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(dir).map_err(at(dir))?;
        fs::rename(path, &target).map_err(at(&target))?;
        self.open.replaced(&expected.sha1);
        sync_dir(dir)?;
        sync_dir(&self.root)
    }

    /// Whether the file is stored with this length. A disk that does not answer counts as no: the
    /// caller then holds an update back instead of offering what may not be downloadable.
    pub fn contains(&self, sha1: &Sha1, length: u64) -> bool {
        fs::metadata(self.path(sha1)).is_ok_and(|found| found.is_file() && found.len() == length)
    }

    /// Opens a stored file; none when it is not stored.
    ///
    /// # Errors
    /// [`ContentError::Store`] when the disk fails, which is not the same as an absent file: a
    /// downstream server answers 404 by asking its upstream to download again.
    pub fn open_file(&self, sha1: &Sha1) -> Result<Option<ContentFile>, ContentError> {
        let path = self.path(sha1);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&path)(error)),
        };
        let metadata = file.metadata().map_err(at(&path))?;
        let modified = metadata.modified().map_err(at(&path))?;
        Ok(Some(ContentFile { file, length: metadata.len(), modified }))
    }

    /// A stored file that is open already, to be read at offsets. Never waits for the disk.
    pub fn at_hand(&self, sha1: &Sha1) -> Option<Arc<ContentFile>> {
        self.open.find(sha1)
    }

    /// As [`open_file`](Self::open_file), for a file that is to be read at offsets only and will be
    /// asked for again: from then on it is [`at_hand`](Self::at_hand).
    ///
    /// # Errors
    /// Those of [`open_file`](Self::open_file).
    pub fn open_shared(&self, sha1: &Sha1) -> Result<Option<Arc<ContentFile>>, ContentError> {
        let before = self.open.before_opening();
        let file = self.open_file(sha1)?.map(Arc::new);
        if let Some(file) = &file {
            self.open.keep(*sha1, file, before);
        }
        Ok(file)
    }

    fn path(&self, sha1: &Sha1) -> PathBuf {
        self.root.join(place_of(sha1))
    }
}

/// Where a file is in the store's directory.
pub fn place_of(sha1: &Sha1) -> PathBuf {
    let folder = format!("{:02X}", sha1.0[sha1.0.len() - 1]);
    Path::new(&folder).join(sha1.to_hex())
}

/// The files in a folder that are called as a digest is and did not change since `before`.
fn files_before(folder: &Path, before: i64) -> Result<Vec<Sha1>, ContentError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(at(folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(folder))?;
        let name = entry.file_name();
        let Some(sha1) = name.to_str().and_then(Sha1::from_hex) else { continue };
        let modified = entry.metadata().and_then(|it| it.modified()).map_err(at(folder))?;
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| it.as_secs());
        if i64::try_from(since).is_ok_and(|since| since < before) {
            found.push(sha1);
        }
    }
    Ok(found)
}

/// Reads `source` to its end and computes both digests and its length.
///
/// # Errors
/// [`ContentError::Source`] when it cannot be read.
pub fn digest_of(source: impl Read) -> Result<Digests, ContentError> {
    digest_into(source, |_| Ok(()))
}

fn digest_into(
    mut source: impl Read,
    mut sink: impl FnMut(&[u8]) -> Result<(), ContentError>,
) -> Result<Digests, ContentError> {
    let mut sha1 = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    let mut sha256 = Context::new(&SHA256);
    let mut length = 0;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(ContentError::Source(error)),
        };
        let bytes = &chunk[..read];
        sha1.update(bytes);
        sha256.update(bytes);
        sink(bytes)?;
        length += read as u64;
    }
    Ok(Digests { sha1: Sha1(output(sha1)), sha256: Sha256(output(sha256)), length })
}

/// The digest as an array; `N` is the algorithm's own output length at both call sites.
fn output<const N: usize>(context: Context) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

fn verify(found: &Digests, expected: &UpdateFile) -> Result<(), ContentError> {
    let name = || expected.name.clone();
    if found.length != expected.size {
        return Err(ContentError::Length {
            name: name(),
            expected: expected.size,
            actual: found.length,
        });
    }
    if found.sha1 != expected.sha1 {
        return Err(ContentError::Sha1 {
            name: name(),
            expected: expected.sha1,
            actual: found.sha1,
        });
    }
    match expected.sha256 {
        Some(sha256) if sha256 != found.sha256 => {
            Err(ContentError::Sha256 { name: name(), expected: sha256, actual: found.sha256 })
        }
        _ => Ok(()),
    }
}

/// A file that is not verified yet; it goes away unless it was renamed.
struct Growing(PathBuf);

impl Drop for Growing {
    fn drop(&mut self) {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.0.display(), %error, "leftover stays until restart");
            }
            _ => {}
        }
    }
}

/// Makes a rename in `dir` durable.
fn sync_dir(dir: &Path) -> Result<(), ContentError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))
}

fn at(path: &Path) -> impl Fn(io::Error) -> ContentError + '_ {
    |error| ContentError::Store { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 example "abc" of FIPS 180-4 and its SHA-1.
    const ABC_SHA1: &str = "A9993E364706816ABA3E25717850C26C9CD0D89D";
    const ABC_SHA256: &str = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";

    fn abc() -> UpdateFile {
        UpdateFile {
            sha1: Sha1::from_hex(ABC_SHA1).expect("digest"),
            sha256: Sha256::from_hex(ABC_SHA256),
            name: "..\\..\\abc.cab".into(),
            size: 3,
        }
    }

    fn files_below(dir: &Path) -> Vec<PathBuf> {
        let mut found = vec![];
        for entry in fs::read_dir(dir).expect("readable") {
            let path = entry.expect("entry").path();
            if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
        }
        found
    }

    #[test]
    fn stores_under_the_address_and_reads_back() {
        let dir = tempfile::tempdir().expect("dir");
        let store = ContentStore::open(dir.path()).expect("open");
        assert!(!store.contains(&abc().sha1, 3));
        assert!(store.open_file(&abc().sha1).expect("disk").is_none());

        store.add(&b"abc"[..], &abc()).expect("add");

        assert_eq!(files_below(dir.path()), [dir.path().join("9D").join(ABC_SHA1)]);
        assert!(store.contains(&abc().sha1, 3));
        assert!(!store.contains(&abc().sha1, 4));
        let mut stored = store.open_file(&abc().sha1).expect("disk").expect("stored");
        let mut text = String::new();
        stored.file.read_to_string(&mut text).expect("read");
        assert_eq!((text.as_str(), stored.length), ("abc", 3));
    }

    #[test]
    fn refuses_every_kind_of_difference_and_keeps_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let store = ContentStore::open(dir.path()).expect("open");

        let long = store.add(&b"abcd"[..], &abc());
        assert!(matches!(long, Err(ContentError::Length { actual: 4, .. })), "{long:?}");
        let short = store.add(&b"ab"[..], &abc());
        assert!(matches!(short, Err(ContentError::Length { actual: 2, .. })), "{short:?}");
        let other = store.add(&b"abd"[..], &abc());
        assert!(matches!(other, Err(ContentError::Sha1 { .. })), "{other:?}");
        let forged = store.add(&b"abc"[..], &UpdateFile { sha256: Some(Sha256([7; 32])), ..abc() });
        assert!(matches!(forged, Err(ContentError::Sha256 { .. })), "{forged:?}");

        assert_eq!(files_below(dir.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn never_reads_an_endless_source_to_its_end() {
        let dir = tempfile::tempdir().expect("dir");
        let store = ContentStore::open(dir.path()).expect("open");
        let endless = store.add(io::repeat(0), &UpdateFile { size: 1_000_000, ..abc() });
        assert!(matches!(endless, Err(ContentError::Length { actual: 1_000_001, .. })));
    }

    #[test]
    fn a_source_that_breaks_is_blamed_and_leaves_nothing() {
        struct Breaks;
        impl Read for Breaks {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let dir = tempfile::tempdir().expect("dir");
        let store = ContentStore::open(dir.path()).expect("open");
        assert!(matches!(store.add(Breaks, &abc()), Err(ContentError::Source(_))));
        assert_eq!(files_below(dir.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn sha1_alone_has_to_do_where_the_metadata_names_no_more() {
        let dir = tempfile::tempdir().expect("dir");
        let store = ContentStore::open(dir.path()).expect("open");
        store.add(&b"abc"[..], &UpdateFile { sha256: None, ..abc() }).expect("add");
    }

    #[test]
    fn adding_again_repairs_a_damaged_file() {
        let dir = tempfile::tempdir().expect("dir");
        let store = ContentStore::open(dir.path()).expect("open");
        store.add(&b"abc"[..], &abc()).expect("add");
        fs::write(dir.path().join("9D").join(ABC_SHA1), "x").expect("damage");
        assert!(!store.contains(&abc().sha1, 3));
        let damaged = store.open_shared(&abc().sha1).expect("disk").expect("there");
        assert_eq!(store.at_hand(&abc().sha1).expect("open").length, damaged.length);
        store.add(&b"abc"[..], &abc()).expect("add again");
        assert!(store.contains(&abc().sha1, 3));
        assert!(store.at_hand(&abc().sha1).is_none(), "the damaged file is served no longer");
        assert_eq!(store.open_shared(&abc().sha1).expect("disk").expect("there").length, 3);
    }

    #[test]
    fn opening_removes_what_an_interrupted_run_left() {
        let dir = tempfile::tempdir().expect("dir");
        ContentStore::open(dir.path()).expect("open");
        fs::write(dir.path().join(INCOMING).join("half"), "half").expect("leftover");
        ContentStore::open(dir.path()).expect("open again");
        assert_eq!(files_below(dir.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn digests_agree_with_the_published_examples() {
        let found = digest_of(&b"abc"[..]).expect("memory");
        assert_eq!(found.sha1.to_hex(), ABC_SHA1);
        assert_eq!(found.sha256.to_hex(), ABC_SHA256);
        assert_eq!(found.length, 3);
    }
}
