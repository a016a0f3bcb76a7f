//! Documents that no publisher should have let out, one case after the other.
//!
//! Every one is well-formed and can be read. What is wrong is in the graph: an importer must take
//! them (or, where a revision says two things, refuse the second) and the server must go on
//! serving everything else.

use uuid::Uuid;

use super::document::{Clause, Document, Text};
use super::random::Random;
use super::release::FIRST_REVISION;
use super::rule::Rule;
use super::sequence::Marker;
use super::world::{Classification, Company};
use crate::fleet::profile::Architecture;
use crate::metadata::model::UpdateType;

/// The cases, by how many documents each has.
const CASES: [u32; 16] = [2, 3, 1, 1, 1, 1, 1, 1, 1, 2, 1, 2, 1, 2, 2, 2];

/// Updates that the longest list of superseded ones names, as in a real document.
const SUPERSEDED: u64 = 204;

/// Documents of a case.
pub(super) fn parts(case: u64) -> u32 {
    CASES[kind(case)]
}

/// Whether an importer has to refuse the document: the revision is there with another text.
pub(super) fn is_refused(case: u64, part: u32) -> bool {
    (kind(case), part) == (14, 1)
}

/// Whether the document is there already, in the same text.
pub(super) fn is_repeated(case: u64, part: u32) -> bool {
    (kind(case), part) == (13, 1)
}

fn kind(case: u64) -> usize {
    (case % CASES.len() as u64) as usize
}

/// The ids of a case: those of its documents, and others that no document has.
struct Ids {
    seed: u64,
    case: u64,
}

impl Ids {
    fn of(&self, part: u32) -> Uuid {
        Random::keyed(self.seed, &[0x4841, self.case, part.into()]).uuid()
    }

    fn unknown(&self, number: u64) -> Uuid {
        Random::keyed(self.seed, &[0x554e, self.case, number]).uuid()
    }
}

/// The document.
pub(super) fn document(seed: u64, case: u64, part: u32, published: i64) -> Document {
    let ids = Ids { seed, case };
    let own = ids.of(part);
    let mut document = Document::new(own, FIRST_REVISION, UpdateType::Software);
    document.created = published;
    document.explicitly_deployable = true;
    document.installed = Some(Rule::RegKeyExists { subkey: format!(r"SOFTWARE\Hostile\{case}") });
    document.installable = Some(Rule::True);
    let name = describe(&mut document, &ids, kind(case), part);
    // One that is there twice must be the same byte for byte.
    let shown = if is_repeated(case, part) { 0 } else { part };
    let title = format!("{name}, {case}/{shown} <&\"'\u{1f30a}\u{202e}>");
    document.texts = vec![Text { language: "en", title, description: None }];
    document
}

/// Puts into the document what makes it hostile, and says what that is.
fn describe(document: &mut Document, ids: &Ids, kind: usize, part: u32) -> &'static str {
    let own = document.update_id;
    let x64 = Marker::Architecture(Architecture::X64).id();
    let x86 = Marker::Architecture(Architecture::X86).id();
    match kind {
        0 => {
            document.prerequisites = vec![Clause::Bare(ids.of(1 - part))];
            "two that need each other"
        }
        1 => {
            document.prerequisites = vec![Clause::Any(vec![ids.of((part + 1) % 3), x64])];
            document.prerequisites.push(Clause::Bare(ids.of((part + 2) % 3)));
            "three that need each other"
        }
        2 => {
            document.prerequisites = vec![Clause::Bare(own), Clause::Category(own)];
            "needs itself"
        }
        3 => {
            document.prerequisites = vec![Clause::Bare(ids.unknown(0))];
            "needs what is nowhere"
        }
        4 => {
            document.prerequisites = vec![Clause::Any(vec![ids.unknown(0), x64])];
            "needs x64 or what is nowhere"
        }
        5 => {
            document.prerequisites =
                vec![Clause::Any((0..40).map(|number| ids.unknown(number)).collect())];
            "needs one of forty that are nowhere"
        }
        6 => {
            let arm64 = Marker::Architecture(Architecture::Arm64).id();
            document.prerequisites = [x86, x64, arm64].map(Clause::Bare).to_vec();
            "needs all architectures at once"
        }
        7 => {
            document.prerequisites = vec![Clause::Any(vec![x64; 5]), Clause::Bare(x64)];
            document.prerequisites.push(Clause::Any(vec![x86, x64, x86, x64]));
            "names the same again and again"
        }
        8 => {
            document.superseded = (2..SUPERSEDED).map(|number| ids.unknown(number)).collect();
            document.superseded.extend([own, Company::Microsoft.id()]);
            "supersedes 204, itself among them"
        }
        9 => {
            document.superseded = vec![ids.of(1 - part), ids.of(1 - part)];
            "two that supersede each other"
        }
        10 => {
            let member = |id| (id, FIRST_REVISION);
            let known = (Company::Microsoft.id(), 101);
            document.bundled = vec![
                vec![member(own), known, known],
                vec![member(ids.unknown(0))],
                vec![known],
                vec![known],
            ];
            "bundles itself, a company, and what is nowhere"
        }
        11 => {
            document.bundled = vec![vec![(ids.of(1 - part), FIRST_REVISION)]];
            "two that bundle each other"
        }
        12 => {
            document.upper_case = true;
            let classification = Marker::Classification(Classification::Security).id();
            document.prerequisites = vec![Clause::Bare(x64), Clause::Category(classification)];
            document.superseded = vec![ids.unknown(0)];
            "shouts"
        }
        13 => {
            document.update_id = ids.of(0);
            "there twice, the same"
        }
        14 => {
            document.update_id = ids.of(0);
            document.prerequisites = vec![Clause::Bare(if part == 0 { x64 } else { x86 })];
            "there twice, not the same"
        }
        _ => {
            document.update_id = ids.of(0);
            document.revision = FIRST_REVISION + 1 - part;
            document.expired = part == 0;
            "the revision before the last comes last"
        }
    }
}
