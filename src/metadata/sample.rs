//! The sample catalogue that `weir serve --sample` starts with.
//!
//! A server without updates shows nothing, and nobody else's catalogue may be shipped. So there is
//! a small one of our own, by an invented vendor, with one of each thing that the protocol tells
//! apart. `testdata/README.md` describes it; `testdata/sample` has the files.

macro_rules! sample_files {
    ($folder:literal: $($name:literal),+ $(,)?) => {{
        const FILES: &[(&str, &[u8])] = &[$((
            $name,
            include_bytes!(concat!("../../testdata/sample/", $folder, "/", $name)),
        )),+];
        FILES
    }};
}

/// The update documents by file name, ordered so that each comes after those it refers to.
pub fn documents() -> &'static [(&'static str, &'static [u8])] {
    sample_files!["documents":
        "company-weirworks.xml",
        "family-riverbank.xml",
        "product-sluice.xml",
        "product-gauge.xml",
        "classification-security.xml",
        "classification-critical.xml",
        "classification-drivers.xml",
        "detectoid-x64.xml",
        "detectoid-x86.xml",
        "detectoid-language-en.xml",
        "detectoid-language-de.xml",
        "sluice-4.0-hotfix.xml",
        "sluice-4.1.xml",
        "sluice-4.2-x64.xml",
        "sluice-4.2-x86.xml",
        "sluice-4.2-bundle.xml",
        "gauge-2.0.7.xml",
        "gauge-2.1.xml",
        "gauge-language-de-r100.xml",
        "gauge-language-de-r101.xml",
        "gauge-viewer-1.3.1.xml",
        "driver-network-adapter.xml",
    ]
}

/// The content that the documents name, by file name.
pub fn contents() -> Vec<(String, Vec<u8>)> {
    let stored: &[(&str, &[u8])] = sample_files!["content":
        "sluice-4.0-hotfix.exe",
        "sluice-4.1.exe",
        "sluice-4.2-x64.exe",
        "sluice-4.2-x86.exe",
        "gauge-2.1.exe",
        "gauge-eula-en.txt",
        "gauge-eula-de.txt",
        "gauge-lang-de-100.cab",
        "gauge-lang-de-101.cab",
        "gauge-viewer-1.3.1.msp",
        "weirworks-nic-8.4.1.cab",
    ];
    let mut contents: Vec<_> =
        stored.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
    contents.push(("gauge-2.0.7.exe".to_owned(), generated_content()));
    contents
}

/// Length of `gauge-2.0.7.exe`: two and a half of the 1 MiB ranges in which agents download.
const GENERATED_LENGTH: usize = 5 << 19;

/// The content of `gauge-2.0.7.exe`, which is too large to store and must not compress.
///
/// The numbers of Marsaglia's xorshift64 generator (shifts 13, 7, 17) from the seed
/// 0x9E3779B97F4A7C15, the first one after one step, each as eight bytes, lowest first.
fn generated_content() -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut content = Vec::with_capacity(GENERATED_LENGTH);
    while content.len() < GENERATED_LENGTH {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    content
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
    use uuid::{Uuid, uuid};

    use super::*;
    use crate::metadata::fragments::derive;
    use crate::metadata::model::{CategoryType, PublicationState, UpdateMetadata, UpdateType};
    use crate::metadata::parse::parse;
    use crate::metadata::text::decode_document;

    /// What `sluice-4.1.xml` replaces besides 4.0: an update that no catalogue has any more.
    const FORGOTTEN: Uuid = uuid!("f6b66762-2f4c-4621-a695-64c01a3a543b");

    fn updates() -> Vec<(&'static str, UpdateMetadata)> {
        let text = |bytes: &[u8]| decode_document(bytes, 1 << 16).unwrap();
        documents().iter().map(|(name, bytes)| (*name, parse(&text(bytes)).unwrap())).collect()
    }

    #[test]
    fn references_resolve_to_earlier_documents() {
        let mut known = HashSet::new();
        let mut revisions = HashSet::new();
        for (name, update) in updates() {
            let prerequisites = update.prerequisites.iter().flat_map(|p| &p.alternatives);
            for id in prerequisites.chain(&update.superseded) {
                assert!(known.contains(id) || *id == FORGOTTEN, "{name}: {id}");
            }
            for member in update.bundled.iter().flat_map(|clause| &clause.alternatives) {
                assert!(revisions.contains(member), "{name}: {member}");
            }
            known.insert(update.identity.update_id);
            assert!(revisions.insert(update.identity), "{name}: {}", update.identity);
        }
        assert!(!known.contains(&FORGOTTEN));
        assert_eq!((known.len(), revisions.len()), (21, 22));
    }

    #[test]
    fn every_file_has_its_content_and_every_content_its_file() {
        let contents: HashMap<_, _> = contents().into_iter().collect();
        let mut named = HashSet::new();
        for (name, update) in updates() {
            let eulas = update.eulas.iter().map(|eula| &eula.file);
            for file in update.files.iter().chain(eulas) {
                let content = contents.get(&file.name).unwrap_or_else(|| panic!("{}", file.name));
                assert_eq!(file.size, content.len() as u64, "{name}");
                let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, content);
                assert_eq!(sha1.as_ref(), file.sha1.0, "{name}");
                let sha256 = digest(&SHA256, content);
                assert_eq!(sha256.as_ref(), file.sha256.unwrap().0, "{name}");
                named.insert(file.name.clone());
            }
        }
        assert_eq!(named.len(), contents.len());
    }

    #[test]
    fn there_is_one_of_each_kind() {
        let updates = updates();
        let count = |wanted: &dyn Fn(&UpdateMetadata) -> bool| {
            updates.iter().filter(|(_, update)| wanted(update)).count()
        };
        let category = |kind| count(&|update| update.category_type == Some(kind));
        assert_eq!(category(CategoryType::Company), 1);
        assert_eq!(category(CategoryType::ProductFamily), 1);
        assert_eq!(category(CategoryType::Product), 2);
        assert_eq!(category(CategoryType::UpdateClassification), 3);
        assert_eq!(count(&|update| update.update_type == UpdateType::Detectoid), 4);
        assert_eq!(count(&|update| update.update_type == UpdateType::Software), 10);
        assert_eq!(count(&|update| update.publication_state == PublicationState::Expired), 1);
        assert_eq!(count(&|update| !update.superseded.is_empty()), 3);
        assert_eq!(count(&|update| !update.bundled.is_empty()), 1);
        assert_eq!(count(&|update| update.eula_id.is_some() && update.eulas.len() == 3), 1);
        let languages = ["en", "de", "ja", "fr"];
        let translated = |update: &UpdateMetadata| {
            languages.iter().all(|tag| update.titles.iter().any(|title| title.language == *tag))
        };
        assert!(count(&translated) >= 3);

        let drivers: Vec<_> = updates.iter().flat_map(|(_, update)| &update.drivers).collect();
        assert_eq!(drivers[0].hardware_id, "pci\\ven_8086&dev_100e");
        assert_eq!(drivers[0].feature_scores, [("amd64.10.0".to_owned(), 254)]);
        assert_eq!((drivers[1].distribution_chids.len(), drivers[1].target_chids.len()), (1, 1));
    }

    #[test]
    fn one_document_is_utf16_and_all_give_fragments() {
        let marked = |(_, bytes): &&(&str, &[u8])| bytes.starts_with(&[0xff, 0xfe]);
        assert_eq!(documents().iter().filter(marked).count(), 1);
        for (name, bytes) in documents() {
            let fragments = derive(&decode_document(bytes, 1 << 16).unwrap()).unwrap();
            assert!(fragments.core.starts_with("<UpdateIdentity UpdateID=\""), "{name}");
            assert!(!fragments.localized.is_empty(), "{name}");
        }
    }
}
