//! A map that is copied for next to nothing: many small maps, which the writer and all snapshots
//! share until one changes ([`Chunks`](super::Chunks) has the reason).

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use ahash::RandomState;

/// At 137,000 entries some five hundred each.
const SHARDS: usize = 256;

#[derive(Debug)]
pub(super) struct Sharded<K, V> {
    hasher: RandomState,
    shards: Vec<Arc<HashMap<K, V, RandomState>>>,
}

impl<K: Hash + Eq, V> Sharded<K, V> {
    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.shards.get(self.shard(key))?.get(key)
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        self.hasher.hash_one(key) as usize % SHARDS
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Sharded<K, V> {
    /// The value at `key`, to be changed here and in no copy.
    pub(super) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let shard = self.shard(key);
        self.shards.get(shard)?.get(key)?;
        Arc::make_mut(self.shards.get_mut(shard)?).get_mut(key)
    }

    /// The value at `key`, to be changed here and in no copy; made if there is none.
    pub(super) fn get_mut_or_insert(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let shard = self.shard(&key);
        Arc::make_mut(&mut self.shards[shard]).entry(key).or_insert_with(value)
    }
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        let hasher = RandomState::new();
        let shard = || Arc::new(HashMap::with_hasher(hasher.clone()));
        let shards = (0..SHARDS).map(|_| shard()).collect();
        Self { hasher, shards }
    }
}

impl<K, V> Clone for Sharded<K, V> {
    fn clone(&self) -> Self {
        Self { hasher: self.hasher.clone(), shards: self.shards.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_all_but_what_changes() {
        let mut map = Sharded::default();
        (0..5000).for_each(|key| *map.get_mut_or_insert(key, || 0) = key + 1);
        let copy = map.clone();
        *map.get_mut_or_insert(7, || 0) = 0;
        map.get_mut_or_insert(5000, || 1);
        assert_eq!(map.get_mut(&9000), None);
        map.get_mut(&7).into_iter().for_each(|value| *value += 0);
        assert_eq!((map.get(&7), map.get(&5000), map.get(&8)), (Some(&0), Some(&1), Some(&9)));
        assert_eq!((copy.get(&7), copy.get(&5000), copy.get(&4999)), (Some(&8), None, Some(&5000)));
        let shards = map.shards.iter().zip(&copy.shards);
        assert!(shards.filter(|(one, other)| !Arc::ptr_eq(one, other)).count() <= 2);
    }
}
