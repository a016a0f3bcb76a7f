//! What survives a restart.
//!
//! The server answers from memory, so the store is a log that can be read back once: at start every
//! tree is loaded in key order, afterwards one writer thread owns the store and adds batches to it.
//! That is why [`Store`] is so narrow, why it is `Send` and not `Sync`, and why an engine that is
//! weak at concurrent reading is good enough. Three more things live beside the engine, each in the
//! form that suits it: update documents and prepared fragments are entries of packs ([`packs`]),
//! decisions that nobody can fetch again also go to an append-only journal ([`journal`]), and all of
//! it can be written to one stream and read back by any engine ([`backup`]).
//!
//! Everything below holds after a process kill and after a power cut: what was acknowledged is
//! there, and what is there is whole.

pub mod backup;
pub mod batch;
pub mod disposable;
mod durable;
pub mod error;
pub mod journal;
pub mod lock;
pub mod memory;
pub mod packs;
pub mod restoring;
pub mod sled;
#[cfg(test)]
mod suite;
pub mod value;

pub use batch::{Batch, Change};
pub use error::StoreError;

/// Receives the records of a tree, key first; an error ends the load with that error.
pub type EachRecord<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// Records of a tree, keys and values.
pub type Page = Vec<(Vec<u8>, Vec<u8>)>;

/// Ordered trees of small records with atomic, durable batches.
///
/// Keys and values are bytes; [`value`] gives values their form. Make keys big-endian and start
/// them with what grows (a sequence number, a revision id): the engines pay dearly for scattered
/// keys, in memory and on disk.
pub trait Store: Send {
    /// Passes every record of `tree` to `each`, in ascending order of the keys' bytes.
    ///
    /// # Errors
    /// Those of the engine, and whatever `each` returns.
    fn load(&self, tree: Tree, each: &mut EachRecord<'_>) -> Result<(), StoreError>;

    /// The records of `tree` behind the key `after`, or from the first on, in ascending order: some
    /// `bytes` of them, at least one if there is one.
    fn page(&self, tree: Tree, after: Option<&[u8]>, bytes: usize) -> Result<Page, StoreError>;

    /// The value at `key`, for the few reads that memory does not answer.
    fn read(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Applies all changes of `batch` in order, in all trees, or none of them; when it returns
    /// `Ok`, they survive a power cut.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] leaves the store usable. After any other error it is unknown
    /// whether the batch will be there after a restart, and the store may refuse further calls
    /// ([`StoreError::Broken`]) until it is opened again.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Bytes that the records occupy on disk; cheap enough for a metric.
    fn size_on_disk(&self) -> Result<u64, StoreError>;
}

/// The trees. Their names are part of the stored format and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tree {
    /// Single records about this server: counters, keys, configuration.
    Meta,
    /// The catalogue: one record a revision.
    Revisions,
    /// Deployments and declines.
    Approvals,
    /// Target groups.
    Groups,
    /// Registered computers.
    Computers,
    /// Installation states, one packed record a computer.
    Statuses,
    /// Reported events.
    Events,
    /// Content files and how far they are downloaded.
    Contents,
    /// Deployments that are no more.
    DeadDeployments,
    /// Where files come from.
    Origins,
    /// Downstream servers.
    Downstream,
    /// Files that a downstream server asked for and that are not here.
    Wanted,
    /// Revisions that a synchronization fetched and that nobody sees yet.
    Staged,
    /// Licences that were accepted.
    Eulas,
    /// Sets of updates that are deployed as one.
    UpdateGroups,
    /// Automatic deployment rules.
    Rules,
    /// Tags of updates.
    Tags,
    /// What downstream servers report of their computers, besides what computers say themselves.
    Below,
    /// What the upstream server was told of computers.
    Told,
    /// Revisions that were deleted, so that they do not come again by themselves.
    Deleted,
    /// Content files that nothing needs, and since when.
    Unneeded,
    /// Deployment packages.
    Packages,
    /// Which number stands for which update in the statuses.
    UpdateNumbers,
    /// What computers say of their hardware and settings with each scan.
    Inventories,
    /// The states of every day.
    Trends,
    /// Messages to people and programs outside that were not delivered yet.
    Outbox,
    /// Updates that were declined and are no more.
    Reinstated,
}

impl Tree {
    /// All trees, in the order in which they are declared, loaded and backed up.
    pub const ALL: [Tree; 27] = [
        Tree::Meta,
        Tree::Revisions,
        Tree::Approvals,
        Tree::Groups,
        Tree::Computers,
        Tree::Statuses,
        Tree::Events,
        Tree::Contents,
        Tree::DeadDeployments,
        Tree::Origins,
        Tree::Downstream,
        Tree::Wanted,
        Tree::Staged,
        Tree::Eulas,
        Tree::UpdateGroups,
        Tree::Rules,
        Tree::Tags,
        Tree::Below,
        Tree::Told,
        Tree::Deleted,
        Tree::Unneeded,
        Tree::Packages,
        Tree::UpdateNumbers,
        Tree::Inventories,
        Tree::Trends,
        Tree::Outbox,
        Tree::Reinstated,
    ];

    /// The name under which engines and backups know the tree.
    pub const fn name(self) -> &'static str {
        match self {
            Tree::Meta => "meta",
            Tree::Revisions => "revisions",
            Tree::Approvals => "approvals",
            Tree::Groups => "groups",
            Tree::Computers => "computers",
            Tree::Statuses => "statuses",
            Tree::Events => "events",
            Tree::Contents => "contents",
            Tree::DeadDeployments => "dead_deployments",
            Tree::Origins => "origins",
            Tree::Downstream => "downstream",
            Tree::Wanted => "wanted",
            Tree::Staged => "staged",
            Tree::Eulas => "eulas",
            Tree::UpdateGroups => "update_groups",
            Tree::Rules => "rules",
            Tree::Tags => "tags",
            Tree::Below => "below",
            Tree::Told => "told",
            Tree::Deleted => "deleted",
            Tree::Unneeded => "unneeded",
            Tree::Packages => "packages",
            Tree::UpdateNumbers => "update_numbers",
            Tree::Inventories => "inventories",
            Tree::Trends => "trends",
            Tree::Outbox => "outbox",
            Tree::Reinstated => "reinstated",
        }
    }

    /// The tree called `name`.
    pub fn from_name(name: &str) -> Option<Tree> {
        Self::ALL.into_iter().find(|tree| tree.name() == name)
    }

    /// The tree's place in [`Tree::ALL`].
    const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tree_has_its_place_and_its_name() {
        for (place, tree) in Tree::ALL.into_iter().enumerate() {
            assert_eq!(tree.index(), place);
            assert_eq!(Tree::from_name(tree.name()), Some(tree));
        }
        assert_eq!(Tree::from_name("Meta"), None);
    }
}
