//! The order of documents, as it would come about over the years.
//!
//! Time goes in steps of an hour. In each step one line publishes its next release, with what it
//! refers to before it, and new revisions of recent ones after it; or a line of drivers does. The
//! sequence has no end and knows nothing of a size, so a larger catalogue only has more of it. It
//! keeps the open lines in memory and no documents.

use std::collections::{HashSet, VecDeque};

use super::driver::{DriverLine, DriverRelease};
use super::language::LANGUAGES;
use super::line::{Home, Line};
use super::random::Random;
use super::release::{MOST_REVISIONS, Release, Topic};
use super::world::{Classification, Company, Family, SYSTEMS};
use crate::fleet::profile::Architecture;

/// 2026-01-13 18:00, when the first document is published.
const START: i64 = 1_768_327_200;

const SECONDS_A_STEP: i64 = 3_600;

/// Open lines at the start and at most, and steps until one more is opened.
const LINES: (u64, u64, u64) = (12, 48, 24);

/// Open lines of drivers.
const DRIVER_LINES: u64 = 16;

/// Language detectoids in the clause of a driver; one language stays without.
pub(super) const DRIVER_LANGUAGES: usize = LANGUAGES.len() - 1;

/// A revision that is no software and no driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Marker {
    Company(Company),
    Family(Family),
    Classification(Classification),
    /// A Windows product, by position.
    Product(usize),
    /// The product of an application.
    Application(u64),
    DriverProduct,
    Architecture(Architecture),
    /// A language, by position.
    Language(usize),
    /// A system, by position.
    System(usize),
    /// The component of a line.
    Component(u64),
    /// The component of a line under one of its product codes.
    Edition(u64, u64),
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Marker(Marker),
    /// One leaf of a bundle, in a revision counted from 0.
    Leaf {
        release: Release,
        leaf: u32,
        revision: u32,
    },
    /// A bundle, or an update on its own.
    Update {
        release: Release,
        revision: u32,
    },
    Driver {
        driver: DriverRelease,
        revision: u32,
    },
    /// A document that no publisher should have let out.
    Hostile {
        case: u64,
        part: u32,
    },
}

/// A document and when it is published, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) plan: Plan,
    pub(super) published: i64,
}

/// What the sequence is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mix {
    /// Steps of a thousand that publish a driver.
    pub(super) drivers: u64,
    /// Whether every other step publishes documents of the hostile kind.
    pub(super) hostile: bool,
}

/// The endless sequence of documents under one seed.
#[derive(Debug)]
pub(super) struct Sequence {
    seed: u64,
    mix: Mix,
    step: u64,
    lines: Pool,
    drivers: Pool,
    cases: u64,
    announced: HashSet<Marker>,
    ready: VecDeque<Entry>,
}

/// The open lines, which take turns.
#[derive(Debug, Default)]
struct Pool {
    /// Number and next release of each.
    open: Vec<(u64, u64)>,
    turn: usize,
    next_line: u64,
}

impl Pool {
    /// The line whose turn it is and its release, after as many lines as `size` are open.
    fn turn(&mut self, size: u64, length: impl Fn(u64) -> u64) -> (u64, u64) {
        while (self.open.len() as u64) < size {
            self.open.push((self.next_line, 0));
            self.next_line += 1;
        }
        self.turn = (self.turn + 1) % self.open.len();
        let (line, release) = &mut self.open[self.turn];
        // A line that ended stays until the last release has had all its revisions.
        if *release >= length(*line) + u64::from(MOST_REVISIONS) {
            (*line, *release) = (self.next_line, 0);
            self.next_line += 1;
        }
        *release += 1;
        (*line, *release - 1)
    }
}

impl Sequence {
    pub(super) fn new(seed: u64, mix: Mix) -> Self {
        Self {
            seed,
            mix,
            step: 0,
            lines: Pool::default(),
            drivers: Pool::default(),
            cases: 0,
            announced: HashSet::new(),
            ready: VecDeque::new(),
        }
    }

    fn advance(&mut self) {
        let mut random = Random::keyed(self.seed, &[Topic::Step as u64, self.step]);
        if self.mix.hostile && self.step % 2 == 1 {
            for part in 0..super::hostile::parts(self.cases) {
                self.push(Plan::Hostile { case: self.cases, part });
            }
            self.cases += 1;
        } else if random.chance(self.mix.drivers) {
            self.publish_driver();
        } else {
            self.publish_release();
        }
        self.step += 1;
    }

    fn push(&mut self, plan: Plan) {
        let hours = i64::try_from(self.step).unwrap_or(0);
        let published = START.saturating_add(hours.saturating_mul(SECONDS_A_STEP));
        self.ready.push_back(Entry { plan, published });
    }

    fn publish_release(&mut self) {
        let (first, most, pace) = LINES;
        let size = most.min(first + self.step / pace);
        let (line, number) = self.lines.turn(size, |line| Line(line).length());
        let release = Release { seed: self.seed, line: Line(line), number };
        if number < release.line.length() {
            self.announce_line(release.line);
            for leaf in 0..release.leaves() {
                if let Some(language) = release.leaf_language(leaf) {
                    self.announce(Marker::Language(language));
                }
                self.push(Plan::Leaf { release, leaf, revision: 0 });
            }
            self.push(Plan::Update { release, revision: 0 });
        }
        for revision in 1..MOST_REVISIONS {
            let Some(earlier) = number.checked_sub(revision.into()) else { break };
            let earlier = release.at(earlier);
            if earlier.number >= release.line.length() || revision >= earlier.revisions() {
                continue;
            }
            if earlier.renews_leaf(revision) {
                let leaf_revision = earlier.leaf_revision(revision);
                self.push(Plan::Leaf { release: earlier, leaf: 0, revision: leaf_revision });
            }
            self.push(Plan::Update { release: earlier, revision });
        }
    }

    fn publish_driver(&mut self) {
        let (line, number) = self.drivers.turn(DRIVER_LINES, |line| DriverLine(line).length());
        let driver = DriverRelease { seed: self.seed, line: DriverLine(line), number };
        if number < driver.line.length() {
            self.announce(Marker::Architecture(driver.line.architecture()));
            self.announce(Marker::Classification(Classification::Drivers));
            self.announce(Marker::DriverProduct);
            for language in 0..DRIVER_LANGUAGES {
                self.announce(Marker::Language(language));
            }
            self.push(Plan::Driver { driver, revision: 0 });
        }
        for revision in 1..MOST_REVISIONS {
            let Some(earlier) = number.checked_sub(revision.into()) else { break };
            let earlier = DriverRelease { number: earlier, ..driver };
            if earlier.number < driver.line.length() && revision < earlier.revisions() {
                self.push(Plan::Driver { driver: earlier, revision });
            }
        }
    }

    fn announce_line(&mut self, line: Line) {
        self.announce(Marker::Classification(line.slot().classification));
        match line.slot().home {
            Home::System(system, architecture) => {
                self.announce(Marker::Product(SYSTEMS[system].product));
                self.announce(Marker::Architecture(architecture));
                self.announce(Marker::System(system));
            }
            Home::Application => {
                for architecture in ARCHITECTURES {
                    self.announce(Marker::Architecture(architecture));
                }
                self.announce(Marker::Application(line.0));
            }
        }
        for detectoid in line.detectoids() {
            self.announce(detectoid);
        }
    }

    /// Publishes a marker before its first use, and before it what it refers to.
    fn announce(&mut self, marker: Marker) {
        if !self.announced.insert(marker) {
            return;
        }
        match marker {
            Marker::Family(family) => self.announce(Marker::Company(family.company())),
            Marker::Product(_) | Marker::DriverProduct => {
                self.announce(Marker::Family(Family::Windows));
            }
            Marker::Application(line) => {
                self.announce(Marker::Family(Line(line).application().2));
            }
            _ => {}
        }
        self.push(Plan::Marker(marker));
    }
}

/// All architectures.
pub(super) const ARCHITECTURES: [Architecture; 3] =
    [Architecture::X86, Architecture::X64, Architecture::Arm64];

impl Iterator for Sequence {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        while self.ready.is_empty() {
            self.advance();
        }
        self.ready.pop_front()
    }
}
