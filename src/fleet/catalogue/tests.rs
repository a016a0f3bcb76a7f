//! Properties of whole catalogues.

mod agent;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use uuid::Uuid;

use super::line::Line;
use super::release::Release;
use super::sequence::{Entry, Plan};
use super::{Expected, Preset, Settings, hostile, oracle::Oracle, software};
use crate::fleet::profile::{Profile, Version};
use crate::metadata::fragments::derive;
use crate::metadata::model::{PublicationState, UpdateMetadata, UpdateType};
use crate::metadata::parse::parse;
use crate::wire::types::UpdateIdentity;

/// SHA-256 of all documents of `tiny` under seed 1, one after the other. It changes with every
/// change of the generator, and that has to be meant: measurements before and after differ.
const TINY: &str = "4c3562a7aa9531d2967cf2cfb96cfc932a891e8057967e91cd0093e312650120";

fn settings(preset: Preset, seed: u64, count: u64) -> Settings {
    Settings { preset, seed, count, huge_core: false }
}

fn texts(settings: &Settings) -> Vec<String> {
    settings.entries().map(|entry| settings.document(&entry).to_xml()).collect()
}

fn updates(settings: &Settings) -> Vec<UpdateMetadata> {
    texts(settings).iter().map(|text| parse(text).expect("a document")).collect()
}

/// The shipped profiles.
pub(in crate::fleet) fn profiles() -> Vec<Profile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/profiles");
    let files = std::fs::read_dir(folder).expect("profiles");
    let mut profiles: Vec<Profile> = files
        .map(|file| std::fs::read_to_string(file.expect("a profile").path()).expect("readable"))
        .map(|json| Profile::read(&json).expect("a profile"))
        .collect();
    profiles.sort_by(|one, other| one.name.cmp(&other.name));
    profiles
}

fn expected(settings: &Settings, profile: &Profile) -> Expected {
    let mut oracle = Oracle::new(profile);
    settings.entries().for_each(|entry| oracle.observe(&entry));
    oracle.finish()
}

#[test]
fn one_seed_gives_one_catalogue_everywhere() {
    let mut digest = Context::new(&SHA256);
    for text in texts(&Settings::new(Preset::Tiny)) {
        digest.update(text.as_bytes());
    }
    let hex: String = digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, TINY);
    let other = texts(&settings(Preset::Tiny, 2, 60));
    assert_ne!(other, texts(&settings(Preset::Tiny, 1, 60)));
}

#[test]
fn a_larger_catalogue_begins_with_the_smaller_one() {
    for preset in [Preset::Std, Preset::Mu, Preset::Wsusscn2, Preset::Hostile] {
        let smaller = texts(&settings(preset, 7, 90));
        let larger = texts(&settings(preset, 7, 200));
        assert_eq!(larger[..90], smaller, "{}", preset.name());
    }
    let tiny: Vec<_> = Settings::new(Preset::Tiny).entries().collect();
    let std: Vec<_> = Settings::new(Preset::Std).entries().take(tiny.len()).collect();
    assert!(tiny == std, "tiny is the beginning of std");
}

#[test]
fn every_document_is_read_and_gives_fragments() {
    for settings in [Settings::new(Preset::Tiny), settings(Preset::Hostile, 1, 120)] {
        for text in texts(&settings) {
            let update = parse(&text).expect("a document");
            let fragments = derive(&text).expect("fragments");
            assert!(fragments.core.len() >= 190, "{}", update.identity);
            assert_eq!(fragments.localized.len(), update.titles.len());
            assert!(update.titles.iter().any(|title| title.language == "en"));
        }
    }
}

/// Any beginning of a catalogue can be imported: references go back only.
#[test]
fn references_lead_to_earlier_documents() {
    let (mut known, mut revisions) = (HashSet::new(), HashSet::new());
    for update in updates(&settings(Preset::Std, 1, 900)) {
        let needed = update.prerequisites.iter().flat_map(|clause| &clause.alternatives);
        for id in needed.chain(&update.superseded) {
            assert!(known.contains(id), "{} refers to {id}", update.identity);
        }
        for member in update.bundled.iter().flat_map(|clause| &clause.alternatives) {
            assert!(revisions.contains(member), "{} bundles {member}", update.identity);
        }
        known.insert(update.identity.update_id);
        assert!(revisions.insert(update.identity), "{} is there twice", update.identity);
    }
}

#[test]
fn the_shape_is_that_of_a_real_catalogue() {
    let settings = Settings::new(Preset::Std);
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut leaves_of, mut revisions_of) = (Vec::new(), HashMap::<Uuid, u32>::new());
    let (mut releases, mut withdrawn) = (HashMap::<u64, u64>::new(), 0);
    for entry in settings.entries() {
        let kind = match entry.plan {
            Plan::Marker(_) => "marker",
            Plan::Leaf { .. } => "leaf",
            Plan::Driver { .. } => "driver",
            Plan::Update { release, revision } => {
                *revisions_of.entry(release.id()).or_default() += 1;
                withdrawn += u64::from(release.is_expired(revision));
                if revision == 0 {
                    *releases.entry(release.line.0).or_default() += 1;
                    leaves_of.extend((release.leaves() > 0).then(|| release.leaves()));
                }
                if release.leaves() > 0 { "bundle" } else { "single" }
            }
            Plan::Hostile { .. } => "hostile",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    let per_mille = |kind: &str| kinds.get(kind).copied().unwrap_or(0) * 1000 / settings.count;
    assert!((20..40).contains(&per_mille("marker")), "{kinds:?}");
    assert!((200..240).contains(&per_mille("bundle")), "{kinds:?}");
    assert!((40..60).contains(&per_mille("driver")), "{kinds:?}");
    assert_eq!(per_mille("hostile"), 0);
    let single = leaves_of.iter().filter(|leaves| **leaves == 1).count() * 1000 / leaves_of.len();
    assert!((750..=810).contains(&single), "{single}");
    assert_eq!(leaves_of.iter().max(), Some(&389));
    assert_eq!(revisions_of.values().max(), Some(&8));
    assert!((250..600).contains(&withdrawn), "{withdrawn}");
    assert!((180..320).contains(&releases.len()), "{} lines", releases.len());
    assert!(releases.values().all(|count| *count <= 48));
    assert!(releases.values().filter(|count| **count >= 36).count() > 120);
}

#[test]
fn every_release_supersedes_the_whole_line_so_far() {
    let settings = settings(Preset::Std, 1, 1_200);
    let mut lines = HashMap::<u64, Vec<Uuid>>::new();
    for entry in settings.entries() {
        let Plan::Update { release, revision: 0 } = entry.plan else { continue };
        let line = lines.entry(release.line.0).or_default();
        let superseded = settings.document(&entry).superseded;
        assert!(superseded.iter().rev().eq(line.iter()), "{release:?}");
        line.push(release.id());
    }
    assert!(lines.values().any(|line| line.len() > 10));
}

/// So a release before one that is withdrawn is offered beside the newest.
#[test]
fn releases_of_later_lines_supersede_the_one_before() {
    let mut profile = profiles().into_iter().find(|own| own.name == "windows-10-ltsc-2019-x64");
    let profile = profile.as_mut().expect("a profile");
    let line = Line(354);
    let path = format!(r"C:\Windows\System32\{}", line.file_name());
    profile.files.insert(&path, Version([10, 0, 17763, 1]).into());
    let mut withdrawn_within = 0;
    for seed in 1..4 {
        let releases = (0..line.length()).map(|number| Release { seed, line, number });
        let releases: Vec<Release> = releases.collect();
        let mut oracle = Oracle::new(profile);
        let mut offered = Vec::new();
        for (at, release) in releases.iter().enumerate() {
            for revision in 0..release.revisions() {
                let entry =
                    Entry { plan: Plan::Update { release: *release, revision }, published: 0 };
                oracle.observe(&entry);
            }
            let superseded = software::update(*release, 0, 0).superseded;
            assert_eq!(
                superseded,
                releases[at.saturating_sub(1)..at].iter().map(|r| r.id()).collect::<Vec<_>>()
            );
            let is_last = releases.get(at + 1).is_none_or(|next| next.expires());
            if is_last && !release.expires() {
                offered.push(release.id());
            }
        }
        offered.sort_unstable();
        withdrawn_within += offered.len() - 1;
        assert_eq!(oracle.finish().offered, offered);
    }
    assert!(withdrawn_within > 0);
}

#[test]
fn the_presets_differ_in_their_share_of_drivers() {
    let share = |preset| {
        let settings = settings(preset, 1, 20_000);
        let drivers = settings.entries().filter(|e| matches!(e.plan, Plan::Driver { .. }));
        drivers.count() * 1000 / 20_000
    };
    assert_eq!(share(Preset::Wsusscn2), 0);
    assert!((470..530).contains(&share(Preset::Mu)), "{}", share(Preset::Mu));
}

#[test]
fn sizes_reach_their_extremes() {
    let settings = settings(Preset::Small, 1, 1_500);
    let mut largest_file = 0;
    let mut languages = HashSet::new();
    let mut licences = 0;
    let mut largest_document = 0;
    for entry in settings.entries() {
        let document = settings.document(&entry);
        largest_file =
            document.files.iter().map(|file| file.size).max().max(Some(largest_file)).unwrap_or(0);
        languages.insert(document.texts.len());
        licences += document.eulas.len();
        if document.metadata.len() > 1_000_000 {
            largest_document = largest_document.max(document.to_xml().len());
        }
    }
    assert!(largest_file > 1 << 32, "{largest_file}");
    assert!(languages.contains(&1) && languages.contains(&37));
    assert!(licences > 10, "{licences}");
    assert!((4_000_000..4_100_000).contains(&largest_document), "{largest_document}");
}

#[test]
fn one_core_fragment_of_47_mb_comes_on_demand() {
    let mut settings = Settings::new(Preset::Tiny);
    let is_large = |settings: &Settings| {
        let mut entries = settings.entries();
        entries.any(|entry| settings.document(&entry).metadata.len() >= 47_000_000)
    };
    assert!(!is_large(&settings));
    settings.huge_core = true;
    assert!(is_large(&settings));
}

#[test]
fn withdrawn_updates_are_withdrawn_by_their_last_revision() {
    let mut states = HashMap::<Uuid, Vec<(u32, PublicationState)>>::new();
    for update in updates(&settings(Preset::Std, 3, 1_500)) {
        let UpdateIdentity { update_id, revision_number } = update.identity;
        states.entry(update_id).or_default().push((revision_number, update.publication_state));
    }
    let expired = |(_, state): &(u32, PublicationState)| *state == PublicationState::Expired;
    assert!(states.values().filter(|history| history.iter().any(expired)).count() > 5);
    for history in states.values() {
        assert!(history.is_sorted_by(|one, other| one.0 < other.0), "{history:?}");
        assert!(!history[..history.len() - 1].iter().any(expired), "{history:?}");
    }
}

#[test]
fn hostile_documents_hold_what_they_promise() {
    let settings = Settings::new(Preset::Hostile);
    let mut texts_of = HashMap::<UpdateIdentity, String>::new();
    let (mut repeated, mut refused) = (0, 0);
    let mut most_superseded = 0;
    for entry in settings.entries() {
        let text = settings.document(&entry).to_xml();
        let update = parse(&text).expect("a document");
        let Plan::Hostile { case, part } = entry.plan else { continue };
        assert_eq!(update.update_type, UpdateType::Software);
        most_superseded = most_superseded.max(update.superseded.len());
        match texts_of.get(&update.identity) {
            Some(first) => {
                repeated += u32::from(*first == text);
                refused += u32::from(*first != text);
                assert_eq!(hostile::is_repeated(case, part), *first == text);
                assert_eq!(hostile::is_refused(case, part), *first != text);
            }
            None => {
                texts_of.insert(update.identity, text);
            }
        }
    }
    assert!(repeated > 2 && refused > 2, "{repeated} {refused}");
    assert_eq!(most_superseded, 204);
}
