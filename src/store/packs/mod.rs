//! Documents and what is derived from them, as entries of files that only grow.
//!
//! A catalogue has hundreds of thousands of documents, most of a few kilobytes. As a file each they
//! would cost a wait for the disk each; here a whole batch is appended to one file, a pack, and
//! waited for once. Where an entry lies is its [`Place`], which a record of the engine holds; the
//! record is committed after [`Packs::put_many`] has returned, never before. So whatever has a place
//! is whole, and what a killed import leaves behind is a tail that nothing refers to: the next
//! start cuts it off ([`Packs::settle`]).
//!
//! Entries never change. Room dies with revisions that are deleted, and is given back a pack at a
//! time: whoever holds the records finds the packs in which little lives ([`Packs::sparse`]), puts
//! what does once more, and has the packs removed once nobody refers to them ([`Packs::remove`]).
//!
//! Files that clients download are not entries; they belong to the content layer.

mod pack;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{StoreError, durable};
use pack::{HEADER, Pack};

/// A pack that has reached this takes no further batch.
const PACK_FULL: u64 = 512 << 20;
/// Bytes gathered before they are written.
const WRITE: usize = 4 << 20;

/// Where an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Number of the pack.
    pub pack: u32,
    /// Where the entry begins in it, in bytes.
    pub offset: u32,
    /// Length of what was put there, in bytes.
    pub length: u32,
}

impl Place {
    /// Where the entry ends in its pack.
    fn end(self) -> u64 {
        u64::from(self.offset) + HEADER as u64 + u64::from(self.length)
    }
}

/// What [`Packs::settle`] gave back to the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Bytes.
    pub freed: u64,
    /// Bytes that should be there and are not.
    pub missing: u64,
}

/// A directory of packs. All methods may be called from several threads at once.
#[derive(Debug)]
pub struct Packs {
    directory: PathBuf,
    packs: RwLock<BTreeMap<u32, Arc<Pack>>>,
    tail: Mutex<Tail>,
}

/// Where the next batch goes.
#[derive(Debug)]
struct Tail {
    pack: u32,
    /// Everything before is somebody's; none when the next batch begins a new pack.
    end: Option<u64>,
}

impl Packs {
    /// Opens the packs in `directory`, creating it when it does not exist. Only for the holder of
    /// the data directory's [lock](super::lock).
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        durable::create_directory(directory)?;
        let mut packs = BTreeMap::new();
        // What is not a pack is not ours.
        for number in durable::names(directory)?.iter().filter_map(|name| pack::number_of(name)) {
            packs.insert(number, Arc::new(Pack::open(directory, number)?));
        }
        let last = packs.last_key_value().map(|(number, pack)| (*number, pack.length()));
        let tail = match last {
            // Behind all that is there, be it torn.
            Some((pack, length)) => Tail { pack, end: Some(length?) },
            None => Tail { pack: 0, end: None },
        };
        let (packs, tail) = (RwLock::new(packs), Mutex::new(tail));
        Ok(Self { directory: directory.to_owned(), packs, tail })
    }

    /// Stores every entry of `entries`; when it returns, they survive a power cut. The places are
    /// in the order of the entries.
    ///
    /// # Errors
    /// Also for an entry of 4 GiB or more. Nothing refers to what may have been written.
    pub fn put_many(&self, entries: &[impl AsRef<[u8]>]) -> Result<Vec<Place>, StoreError> {
        let mut places = Vec::with_capacity(entries.len());
        let mut rest = entries;
        while !rest.is_empty() {
            let (pack, at, batch) = self.reserve(rest)?;
            let (now, later) = rest.split_at(batch.len());
            if let Err(error) = write(&pack, at, now) {
                // What the file holds is unknown now, and whatever follows must not build on it.
                self.abandon(pack.number());
                return Err(error);
            }
            places.extend(batch);
            rest = later;
        }
        Ok(places)
    }

    /// The entry at `place`, checked.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are not those that were stored.
    pub fn read(&self, place: Place) -> Result<Bytes, StoreError> {
        match self.pack(place.pack) {
            Some(pack) => pack.read(place.offset, place.length),
            None => Err(StoreError::MissingPack(pack::path(&self.directory, place.pack))),
        }
    }

    /// Cuts off what lies behind the last of the `used` places of each pack, and removes packs
    /// without any. `used` must hold every place that a record refers to, and nothing may be put
    /// meanwhile.
    ///
    /// # Errors
    /// What was not done yet is done by the next call.
    pub fn settle(&self, used: impl Iterator<Item = Place>) -> Result<Settled, StoreError> {
        let ends = ends(used);
        let mut settled = Settled::default();
        let present = self.packs.read().unwrap_or_else(PoisonError::into_inner).clone();
        for (number, end) in &ends {
            let length = present.get(number).map_or(Ok(0), |pack| pack.length())?;
            settled.missing = settled.missing.saturating_add(end.saturating_sub(length));
        }
        for (number, pack) in present {
            let length = pack.length()?;
            match ends.get(&number) {
                Some(&end) if length > end => pack.cut(end)?,
                Some(_) => continue,
                None => {
                    self.packs.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
                    pack.remove()?;
                }
            }
            let kept = ends.get(&number).copied().unwrap_or(0);
            settled.freed = settled.freed.saturating_add(length.saturating_sub(kept));
        }
        durable::sync_directory(&self.directory)?;
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.end = tail.end.and_then(|_| ends.get(&tail.pack).copied());
        Ok(settled)
    }

    /// The packs of which less than half is of the `used` places, and of which at least `worth` bytes
    /// are not, with the bytes that are; those first that free the most for what has to be put again.
    pub fn sparse(
        &self,
        used: impl Iterator<Item = Place>,
        worth: u64,
    ) -> Result<Vec<(u32, u64)>, StoreError> {
        let mut living: BTreeMap<u32, u64> = BTreeMap::new();
        for place in used {
            let bytes = HEADER as u64 + u64::from(place.length);
            *living.entry(place.pack).or_default() += bytes;
        }
        let mut sparse = Vec::new();
        for (number, pack) in self.packs.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let living = living.get(number).copied().unwrap_or(0);
            let dead = pack.length()?.saturating_sub(living);
            if dead > living && dead >= worth {
                sparse.push((*number, living));
            }
        }
        sparse.sort_by_key(|(_, living)| *living);
        Ok(sparse)
    }

    /// The packs that hold the `used` places, each as far as the last of them: to be copied. They can
    /// be read even when they are removed meanwhile.
    ///
    /// # Errors
    /// [`StoreError::MissingPack`] when one is not there.
    pub fn extents(&self, used: impl Iterator<Item = Place>) -> Result<Vec<Extent>, StoreError> {
        let ends = ends(used);
        let extent = |(number, length): (u32, u64)| match self.pack(number) {
            Some(pack) => Ok(Extent { pack, length }),
            None => Err(StoreError::MissingPack(pack::path(&self.directory, number))),
        };
        ends.into_iter().map(extent).collect()
    }

    /// Lets no further batch into a pack.
    pub fn seal(&self, pack: u32) {
        self.abandon(pack);
    }

    /// Removes packs that nothing refers to any more and that were [sealed](Self::seal).
    ///
    /// # Errors
    /// The disk's. What is not removed, the next [`Packs::settle`] removes.
    pub fn remove(&self, numbers: impl Iterator<Item = u32>) -> Result<(), StoreError> {
        for number in numbers {
            // The last one stays: its number must not be given out again while places have it.
            let mut packs = self.packs.write().unwrap_or_else(PoisonError::into_inner);
            if packs.last_key_value().is_some_and(|(last, _)| *last != number) {
                packs.remove(&number).map_or(Ok(()), |pack| pack.remove())?;
            }
        }
        durable::sync_directory(&self.directory)
    }

    fn pack(&self, number: u32) -> Option<Arc<Pack>> {
        self.packs.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// Takes room for as many of `entries` as fit one pack, which is at least one.
    fn reserve(
        &self,
        entries: &[impl AsRef<[u8]>],
    ) -> Result<(Arc<Pack>, u64, Vec<Place>), StoreError> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let open = tail.end.filter(|end| *end < PACK_FULL);
        let (pack, begin) = match (self.pack(tail.pack), open) {
            (Some(pack), Some(end)) => (pack, end),
            (known, _) => {
                let number = tail.pack.checked_add(u32::from(known.is_some())).ok_or_else(full)?;
                let pack = Arc::new(Pack::create(&self.directory, number)?);
                let mut packs = self.packs.write().unwrap_or_else(PoisonError::into_inner);
                packs.insert(number, Arc::clone(&pack));
                (pack, pack::BEGIN)
            }
        };
        let mut places = Vec::new();
        let mut end = begin;
        for entry in entries {
            let length = u32::try_from(entry.as_ref().len()).map_err(|_| full())?;
            let Ok(offset) = u32::try_from(end) else { break };
            if end >= PACK_FULL {
                break;
            }
            let place = Place { pack: pack.number(), offset, length };
            end = place.end();
            places.push(place);
        }
        *tail = Tail { pack: pack.number(), end: Some(end) };
        Ok((pack, begin, places))
    }

    /// Lets the next batch begin a new pack.
    fn abandon(&self, pack: u32) {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.pack == pack {
            tail.end = None;
        }
    }
}

/// The beginning of a pack, as far as somebody needs it.
#[derive(Debug)]
pub struct Extent {
    pack: Arc<Pack>,
    length: u64,
}

impl Extent {
    /// The name of its file.
    pub fn name(&self) -> String {
        pack::name(self.pack.number())
    }

    /// Bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Fills `bytes` with what is at `offset`.
    ///
    /// # Errors
    /// The disk's, and when that is behind the end.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), StoreError> {
        self.pack.read_at(bytes, offset)
    }
}

/// Where the last of `used` ends in each pack.
fn ends(used: impl Iterator<Item = Place>) -> BTreeMap<u32, u64> {
    let mut ends: BTreeMap<u32, u64> = BTreeMap::new();
    for place in used {
        let end = ends.entry(place.pack).or_default();
        *end = place.end().max(*end);
    }
    ends
}

/// Writes `entries` one behind the other from `at` and waits for the disk.
fn write(pack: &Pack, mut at: u64, entries: &[impl AsRef<[u8]>]) -> Result<(), StoreError> {
    let mut gathered = Vec::with_capacity(WRITE);
    for entry in entries {
        let entry = entry.as_ref();
        gathered.extend_from_slice(&pack::header(entry));
        gathered.extend_from_slice(entry);
        if gathered.len() >= WRITE {
            pack.write(at, &gathered)?;
            at += gathered.len() as u64;
            gathered.clear();
        }
    }
    pack.write(at, &gathered)?;
    pack.sync()
}

fn full() -> StoreError {
    StoreError::Engine("an entry of a pack, or the number of packs, is beyond 32 bits".into())
}

#[cfg(test)]
mod tests;
