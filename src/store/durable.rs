//! Changes to directories that survive a power cut.
//!
//! `fsync` of a file makes its bytes durable but not its name: the name is data of the directory,
//! which needs an `fsync` of its own. Everything in the store that creates, renames or cuts files
//! goes through here, so that this is remembered in one place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

use super::StoreError;

/// Creates `directory` and its parents, durably and for us alone: what is stored includes the keys
/// that cookies are sealed with. Not an error when it exists, whoever may read it then.
pub(super) fn create_directory(directory: &Path) -> Result<(), StoreError> {
    match create_private(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(parent) = directory.parent().filter(|parent| *parent != Path::new("")) else {
                return Err(StoreError::io(directory, error));
            };
            create_directory(parent)?;
            create_private(directory).map_err(|error| StoreError::io(directory, error))?;
        }
        Err(error) => return Err(StoreError::io(directory, error)),
    }
    match directory.parent() {
        Some(parent) if parent != Path::new("") => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
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

    #[cfg(unix)]
    #[test]
    fn directories_are_for_us_alone_and_those_that_exist_stay_as_they_are() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let scratch = tempfile::tempdir().unwrap();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let made = scratch.path().join("made/by/us");
        create_directory(&made).unwrap();
        create_directory(scratch.path()).unwrap();
        assert_eq!((mode(&made), mode(made.parent().unwrap())), (0o700, 0o700));
        assert_eq!(mode(scratch.path()), 0o755);
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
