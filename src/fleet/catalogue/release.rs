//! The releases of a line: what the seed decides about each.
//!
//! Everything is drawn from a stream keyed by line and release, so a later revision of an update
//! needs no memory of the first, and a longer catalogue begins with the shorter one.

use uuid::Uuid;

use super::language::LANGUAGES;
use super::line::{Kind, Line, SLOTS};
use super::random::Random;

/// The first revision number of an update.
pub(super) const FIRST_REVISION: u32 = 100;

/// Most revisions of one update.
pub(super) const MOST_REVISIONS: u32 = 8;

/// Leaves of the widest bundle.
pub(super) const WIDEST: u32 = 389;

/// What a stream decides about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Topic {
    Id = 1,
    LeafId,
    Leaves,
    Revisions,
    LeafRevision,
    Core,
    Languages,
    Files,
    Eula,
    Driver,
    Step,
}

/// One release of one line under one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) seed: u64,
    pub(super) line: Line,
    pub(super) number: u64,
}

impl Release {
    /// The stream that decides `topic`.
    pub(super) fn random(self, topic: Topic, part: u64) -> Random {
        Random::keyed(self.seed, &[topic as u64, self.line.0, self.number, part])
    }

    /// Another release of the same line.
    pub(super) fn at(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// The update that is deployed: the bundle, or the only one.
    pub(super) fn id(self) -> Uuid {
        self.random(Topic::Id, 0).uuid()
    }

    /// One of the bundle's leaves.
    pub(super) fn leaf_id(self, leaf: u32) -> Uuid {
        self.random(Topic::LeafId, leaf.into()).uuid()
    }

    /// Leaves of the bundle: one in 78 % of cases, and 389 in one release of one line of 192.
    pub(super) fn leaves(self) -> u32 {
        if !self.line.slot().bundled {
            return 0;
        }
        if self.line.0 % 192 == 7 && self.number == 20 {
            return WIDEST;
        }
        let mut random = self.random(Topic::Leaves, 0);
        if random.chance(780) {
            return 1;
        }
        let (low, high) = match random.between(0, 999) {
            0..500 => (2, 3),
            500..800 => (3, 6),
            800..950 => (6, 14),
            _ => (14, 140),
        };
        random.between(low, high) as u32
    }

    /// Clauses of the bundle, as numbers of leaves. A clause has an alternative for each language
    /// in turn, so a machine finds at most one in each.
    pub(super) fn clauses(self) -> Vec<std::ops::Range<u32>> {
        let (leaves, most) = (self.leaves(), LANGUAGES.len() as u32);
        let starts = (0..leaves).step_by(LANGUAGES.len());
        starts.map(|first| first..leaves.min(first + most)).collect()
    }

    /// The language of a leaf: none if it is the only one.
    pub(super) fn leaf_language(self, leaf: u32) -> Option<usize> {
        (self.leaves() > 1).then_some(leaf as usize % LANGUAGES.len())
    }

    /// Whether every clause has an alternative for Windows in the language at `position`.
    pub(super) fn speaks(self, position: Option<usize>) -> bool {
        self.leaves() <= 1
            || self
                .clauses()
                .into_iter()
                .all(|mut clause| clause.any(|leaf| self.leaf_language(leaf) == position))
    }

    /// Whether the last revision withdraws the update.
    pub(super) fn expires(self) -> bool {
        self.random(Topic::Revisions, 1).chance(50)
    }

    /// Revisions of the update, 1 to 8.
    pub(super) fn revisions(self) -> u32 {
        let mut random = self.random(Topic::Revisions, 0);
        let drawn = match random.between(0, 999) {
            0..900 => 1,
            900..960 => 2,
            960..985 => 3,
            _ => random.between(4, MOST_REVISIONS.into()) as u32,
        };
        if self.expires() { drawn.max(2) } else { drawn }
    }

    /// Whether the revision (from 0) is the one that withdraws the update.
    pub(super) fn is_expired(self, revision: u32) -> bool {
        self.expires() && revision + 1 == self.revisions()
    }

    /// Whether a revision of the bundle comes with a new revision of its first leaf.
    pub(super) fn renews_leaf(self, revision: u32) -> bool {
        revision > 0
            && self.line.slot().bundled
            && !self.is_expired(revision)
            && self.random(Topic::LeafRevision, revision.into()).chance(300)
    }

    /// The revision (from 0) in which the bundle's revision holds its first leaf.
    pub(super) fn leaf_revision(self, revision: u32) -> u32 {
        (1..=revision).filter(|&earlier| self.renews_leaf(earlier)).count() as u32
    }

    /// Languages in which the update has a title: 1 to 37.
    pub(super) fn languages(self) -> usize {
        let mut random = self.random(Topic::Languages, 0);
        match random.between(0, 99) {
            0..45 => 1,
            45..75 => random.between(2, 24) as usize,
            _ => LANGUAGES.len(),
        }
    }

    /// Bytes to which the manifest in a package's Core fragment grows, at least.
    pub(super) fn manifest_bytes(self, leaf: u32, huge: bool) -> usize {
        let drawn = match (self.line.0, self.number, leaf) {
            (0, 2, 0) if huge => 47_000_000,
            (line, 12, 0) if line % 48 == 0 => 4_000_000,
            _ => {
                let mut random = self.random(Topic::Core, leaf.into());
                match random.between(0, 999) {
                    0..900 => random.between(500, 8_000),
                    900..986 => random.between(20_000, 60_000),
                    _ => random.between(200_000, 800_000),
                }
            }
        };
        usize::try_from(drawn).unwrap_or(0)
    }

    /// Whether all files of the update are small enough to be made on demand.
    pub(super) fn has_content(self) -> bool {
        has_content(self.line)
    }

    /// Whether users have to accept a licence.
    pub(super) fn has_eula(self) -> bool {
        !self.line.slot().bundled
            && self.line.slot().kind != Kind::File
            && self.random(Topic::Eula, 0).chance(100)
    }
}

/// Of every third line the files are small, and with the cycles all sorts of lines come to it.
fn has_content(line: Line) -> bool {
    (line.0 + line.0 / SLOTS.len() as u64).is_multiple_of(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases() -> impl Iterator<Item = Release> {
        (0..400).flat_map(|line| {
            (0..40).map(move |number| Release { seed: 1, line: Line(line), number })
        })
    }

    #[test]
    fn leaves_and_revisions_are_spread_as_documented() {
        let bundles: Vec<u32> =
            releases().map(Release::leaves).filter(|leaves| *leaves > 0).collect();
        let single = bundles.iter().filter(|leaves| **leaves == 1).count();
        assert!((760..800).contains(&(single * 1000 / bundles.len())), "{single}");
        assert_eq!(bundles.iter().max(), Some(&WIDEST));
        let mean = bundles.iter().map(|leaves| u64::from(*leaves)).sum::<u64>() * 100
            / bundles.len() as u64;
        assert!((200..280).contains(&mean), "{mean}");
        let revisions: Vec<u32> = releases().map(Release::revisions).collect();
        assert_eq!((revisions.iter().min(), revisions.iter().max()), (Some(&1), Some(&8)));
    }

    #[test]
    fn a_bundle_speaks_the_languages_of_all_its_clauses() {
        let wide = releases().find(|release| release.leaves() == WIDEST).unwrap();
        assert_eq!(wide.clauses().len(), 11);
        assert_eq!(wide.clauses().iter().map(|clause| clause.len()).sum::<usize>(), 389);
        // The last clause holds 389 - 10 * 37 = 19 languages.
        assert!(wide.speaks(Some(18)) && !wide.speaks(Some(19)) && !wide.speaks(None));
        let single = releases().find(|release| release.leaves() == 1).unwrap();
        assert!(single.speaks(None) && single.leaf_language(0).is_none());
    }
}
