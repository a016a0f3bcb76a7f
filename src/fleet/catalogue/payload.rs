//! The files of software, of sizes and in numbers as each era ships them.

use super::content::StoredFile;
use super::document::Eula;
use super::line::Kind;
use super::release::{Release, Topic};

/// The files of one update. All revisions have the same.
pub(super) fn files(release: Release, leaf: u32) -> Vec<StoredFile> {
    let line = release.line;
    let kb = line.kb(release.number);
    let architecture = line.system().map_or("all", |(_, architecture)| architecture.label());
    let name = |extension: &str| format!("kb{kb}-{leaf}-{architecture}.{extension}");
    match line.slot().kind {
        Kind::Cbs => vec![file(release, leaf, 0, name("cab")).patching("SelfContained")],
        Kind::Msi => vec![file(release, leaf, 0, name("msp"))],
        Kind::Release => uup_files(release, leaf, kb, architecture),
        Kind::File if line.slot().bundled => {
            vec![file(release, leaf, 0, name("cab")).patching("SelfContained")]
        }
        _ => vec![file(release, leaf, 0, name("exe"))],
    }
}

/// 8 to 19 files: metadata, servicing stack, and images of which the largest passes 4 GiB.
fn uup_files(release: Release, leaf: u32, kb: u64, architecture: &str) -> Vec<StoredFile> {
    let count = release.random(Topic::Files, u64::from(leaf) << 8).between(8, 19);
    let of = |number: u64| {
        let name = match number {
            0 => format!("kb{kb}-{leaf}.AggregatedMetadata.cab"),
            1 => format!("SSU-{kb}-{leaf}-{architecture}.cab"),
            2 => format!("kb{kb}-{leaf}-{architecture}.FeatureOnDemand.wim"),
            number if number % 3 == 0 => format!("kb{kb}-{leaf}-{architecture}_{number}.psf"),
            number if number % 3 == 1 => format!("kb{kb}-{leaf}-{architecture}_{number}.wim"),
            number => format!("kb{kb}-{leaf}-{architecture}_{number}.msu"),
        };
        let file = match number {
            2 if !release.has_content() => {
                let mut random = stream(release, leaf, number);
                let size = random.between(3 << 30, 9 << 30);
                StoredFile::large(name, size, &mut random)
            }
            _ => file(release, leaf, number, name),
        };
        file.patching(if number == 0 { "Metadata" } else { "SelfContained" })
    };
    (0..count).map(of).collect()
}

/// A file made on demand, or one of up to a gibibyte that exists nowhere.
fn file(release: Release, leaf: u32, number: u64, name: String) -> StoredFile {
    let mut random = stream(release, leaf, number);
    if !release.has_content() {
        let magnitude = random.between(18, 29);
        let size = random.between(1 << magnitude, 2 << magnitude);
        return StoredFile::large(name, size, &mut random);
    }
    // Agents download in ranges of 1 MiB, so some files must be longer than one.
    let spans_ranges = release.number == 4 && release.line.0.is_multiple_of(24) && leaf == 0;
    let size = if spans_ranges { 5 << 19 } else { random.between(600, 40_000) };
    StoredFile::drawn(name, size, &mut random)
}

fn stream(release: Release, leaf: u32, number: u64) -> super::random::Random {
    release.random(Topic::Files, u64::from(leaf) << 8 | (number + 1))
}

/// Licence texts in two to six languages.
pub(super) fn eulas(release: Release) -> Vec<Eula> {
    let component = release.line.component();
    let count = release.random(Topic::Eula, 2).between(2, 6) as usize;
    let languages = super::language::LANGUAGES.iter().take(count);
    let eula = |tag: &'static str| {
        let terms = format!(
            "[{tag}] Terms for {component}, release {}.\r\n\r\nYou may let water pass through it, \
             in either direction, at your own risk. There is no warranty against floods.\r\n",
            release.number
        );
        let name = format!("terms-{}-{}-{tag}.txt", release.line.0, release.number);
        Eula { language: tag, file: StoredFile::small(name, terms.into_bytes()) }
    };
    languages.map(|language| eula(language.tag)).collect()
}
