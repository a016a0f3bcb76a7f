//! Changes to directories that survive a power cut.
//!
//! `fsync` of a file makes its bytes durable but not its name: the name is data of the directory,
//! which needs an `fsync` of its own. Everything in the store that creates, renames or cuts files
//! goes through here, so that this is remembered in one place.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::StoreError;

/// Creates `directory` and its parents, durably. Not an error when it exists.
pub(super) fn create_directory(directory: &Path) -> Result<(), StoreError> {
    match fs::create_dir(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(parent) = directory.parent().filter(|parent| *parent != Path::new("")) else {
                return Err(StoreError::io(directory, error));
            };
            create_directory(parent)?;
            fs::create_dir(directory).map_err(|error| StoreError::io(directory, error))?;
        }
        Err(error) => return Err(StoreError::io(directory, error)),
    }
    match directory.parent() {
        Some(parent) if parent != Path::new("") => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

/// Makes the names in `directory` durable.
///
/// Windows has no such call: NTFS journals names by itself.
pub(super) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(directory)
        .and_then(|handle| handle.sync_all())
        .map_err(|error| StoreError::io(directory, error))
}

/// Makes the content of a file durable that somebody else has written.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    // Windows wants a handle that may write.
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// The names in `directory`; those that are not Unicode are not ours and are left out.
pub(super) fn names(directory: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |error| StoreError::io(directory, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_created_with_their_parents_and_only_once() {
        let scratch = tempfile::tempdir().unwrap();
        let deep = scratch.path().join("a/b/c");
        create_directory(&deep).unwrap();
        create_directory(&deep).unwrap();
        assert!(deep.is_dir());
        assert_eq!(names(scratch.path()).unwrap(), ["a"]);
    }

    #[test]
    fn a_file_in_the_way_is_an_error_that_names_it() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = create_directory(&file).unwrap_err();
        assert!(matches!(error, StoreError::Io { path, .. } if path == file));
    }
}
