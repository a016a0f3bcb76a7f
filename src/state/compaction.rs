//! Giving back the room of what was deleted.
//!
//! What lives in a pack of which most is dead is put once more, behind everything else, and the
//! records of its revisions are changed to say so. A process that is killed between the two has put
//! something that nothing refers to, which the next start cuts off. Readers may still have a snapshot
//! with the old places, so the packs themselves are removed long after that: with the next cleanup, or
//! at the next start.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::library::{Places, Sparse};
use super::transaction::Transaction;
use super::{State, StateError, blocking};
use crate::wire::types::RevisionId;

/// Dead bytes for which it is worth the while.
pub(super) const WORTH: u64 = 1 << 20;
/// Most bytes of one kind that are moved at a time, so that it never takes longer than seconds.
const MOST: u64 = 128 << 20;
/// Revisions moved in one commit.
const MOVED_AT_ONCE: usize = 200;
/// How long readers may go on with what they began to read: longer than any request takes.
const READERS: Duration = Duration::from_secs(600);

/// Packs that no record refers to any more.
pub(super) struct Retired {
    since: Instant,
    packs: Sparse,
}

impl State {
    /// Moves what lives in packs with at least `worth` dead bytes that outweigh it. Returns how many
    /// revisions were moved.
    ///
    /// # Errors
    /// The disk's or the store's. What was moved is moved, and the rest is where it was.
    pub(super) async fn compact(&self, worth: u64) -> Result<usize, StateError> {
        self.remove_retired(READERS).await?;
        let library = Arc::clone(&self.library);
        let (sparse, revisions) = self
            .writer
            .submit(move |transaction| {
                let model = &transaction.model;
                // What is staged would have to be moved as well; the next cleanup will do.
                if !model.staged.is_empty() {
                    return Ok((Sparse::default(), Vec::new()));
                }
                let sparse = library.sparse(model.used_places(), worth, MOST)?;
                let revisions = model.catalog.catalog().revisions();
                let places = revisions.filter_map(|(index, revision)| {
                    Some((revision.id, *model.places.get(index as usize)?))
                });
                let revisions = places.filter(|(_, places)| sparse.has(places)).collect();
                Ok((sparse, revisions))
            })
            .await?;
        if sparse.is_empty() {
            return Ok(0);
        }
        let revisions: Vec<(RevisionId, Places)> = revisions;
        for part in revisions.chunks(MOVED_AT_ONCE) {
            self.move_part(part.to_vec(), &sparse).await?;
        }
        self.writer
            .submit(|transaction| {
                transaction.publish();
                Ok(())
            })
            .await?;
        let retired = Retired { since: Instant::now(), packs: sparse };
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push(retired);
        Ok(revisions.len())
    }

    async fn move_part(
        &self,
        part: Vec<(RevisionId, Places)>,
        sparse: &Sparse,
    ) -> Result<(), StateError> {
        let (library, sparse) = (Arc::clone(&self.library), sparse.clone());
        let arriving = library.arriving();
        let moved = blocking(move || {
            let from: Vec<Places> = part.iter().map(|(_, places)| *places).collect();
            let to = library.put_again(&from, &sparse)?;
            let moved = part.into_iter().zip(to).map(|((id, from), to)| (id, from, to));
            Ok::<Vec<_>, StateError>(moved.collect())
        });
        let moved = moved.await??;
        self.writer
            .submit(move |transaction: &mut Transaction<'_>| {
                let _applied = arriving;
                transaction.more_follows();
                moved
                    .into_iter()
                    .for_each(|(id, from, to)| transaction.move_revision(id, from, to));
                Ok(())
            })
            .await
    }

    /// Removes packs that were retired so long ago.
    pub(super) async fn remove_retired(&self, age: Duration) -> Result<(), StateError> {
        let old = self.take_retired(age);
        if old.is_empty() {
            return Ok(());
        }
        let library = Arc::clone(&self.library);
        self.writer
            .submit(move |transaction| {
                // Certain already; but what is removed here is gone for good.
                let unused = |retired: &Retired| {
                    !transaction.model.used_places().any(|places| retired.packs.has(&places))
                };
                let mut unused = old.iter().filter(|retired| unused(retired));
                Ok(unused.try_for_each(|retired| library.remove(&retired.packs))?)
            })
            .await
    }

    fn take_retired(&self, age: Duration) -> Vec<Retired> {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.extract_if(.., |it| it.since.elapsed() >= age).collect()
    }
}
