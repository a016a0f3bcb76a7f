//! The content files that were asked for last, kept open.
//!
//! A client fetches a file in ranges of 1 MiB, and a fleet fetches the same few files for days.
//! Opening one waits for the disk, so that has to happen on a thread of its own; what is open
//! already is answered where the request stands. Files are read at offsets only, never at a
//! cursor, so that any number of requests share one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::files::ContentFile;
use crate::wire::types::Sha1;

/// Most files kept open: more than are downloaded on one evening, few beside the descriptors that
/// connections need.
const KEPT: usize = 64;

/// Open files, the one asked for last in front.
#[derive(Debug, Default)]
pub(super) struct OpenFiles(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    files: VecDeque<(Sha1, Arc<ContentFile>)>,
    /// Counts the files that were replaced.
    replaced: u64,
}

/// When a file was opened, as far as replacing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Before(u64);

impl OpenFiles {
    /// The file, if it is open.
    pub(super) fn find(&self, sha1: &Sha1) -> Option<Arc<ContentFile>> {
        let mut kept = self.kept();
        let position = kept.files.iter().position(|(kept, _)| kept == sha1)?;
        let found = kept.files.remove(position)?;
        let file = Arc::clone(&found.1);
        kept.files.push_front(found);
        Some(file)
    }

    /// To be called before a file is opened that is then to be kept.
    pub(super) fn before_opening(&self) -> Before {
        Before(self.kept().replaced)
    }

    /// Keeps a file, unless it may have been replaced since it was opened.
    pub(super) fn keep(&self, sha1: Sha1, file: &Arc<ContentFile>, before: Before) {
        let mut kept = self.kept();
        if before != Before(kept.replaced) {
            return;
        }
        kept.files.retain(|(kept, _)| *kept != sha1);
        kept.files.push_front((sha1, Arc::clone(file)));
        kept.files.truncate(KEPT);
    }

    /// Forgets a file that was replaced: the open one is what the name meant before.
    pub(super) fn replaced(&self, sha1: &Sha1) {
        let mut kept = self.kept();
        kept.replaced += 1;
        kept.files.retain(|(kept, _)| kept != sha1);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn file() -> Arc<ContentFile> {
        let file = tempfile::tempfile().expect("a file");
        Arc::new(ContentFile { file, length: 0, modified: SystemTime::UNIX_EPOCH })
    }

    fn sha1(number: u8) -> Sha1 {
        Sha1([number; 20])
    }

    #[test]
    fn the_file_asked_for_longest_ago_makes_room() {
        let open = OpenFiles::default();
        let most = u8::try_from(KEPT).expect("few");
        for number in 0..most {
            open.keep(sha1(number), &file(), open.before_opening());
        }
        assert!(open.find(&sha1(0)).is_some());
        open.keep(sha1(most), &file(), open.before_opening());
        assert!(open.find(&sha1(0)).is_some() && open.find(&sha1(most)).is_some());
        assert!(open.find(&sha1(1)).is_none());
    }

    #[test]
    fn a_replaced_file_is_not_found_and_not_kept_late() {
        let open = OpenFiles::default();
        open.keep(sha1(1), &file(), open.before_opening());
        let before = open.before_opening();
        open.replaced(&sha1(1));
        assert!(open.find(&sha1(1)).is_none());
        open.keep(sha1(1), &file(), before);
        assert!(open.find(&sha1(1)).is_none());
    }
}
