//! The fragments of a revision as they lie on disk: escaped, and compressed where it pays.
//!
//! Escaping and compressing a Core fragment costs far more than sending it, and it is sent to
//! every computer. So both happen once, at import, and the result are two files, each a small index
//! and then the bytes. Reading one hands out slices of it; nothing is copied.
//!
//! What shrinks lies there compressed only: it is a fifth of the whole, on disk and in memory, and
//! agents take nothing else.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::fragments::Fragments;
use crate::wire::body::Prepared;
use crate::wire::{xml, xpress};

/// Fragments smaller than this are compressed together with the text around them when they are
/// sent: a block of its own would hardly shrink.
const COMPRESS_FROM: usize = 1024;

const MAGIC: &[u8; 8] = b"weirfrg2";
/// Files that have everything escaped, and what is compressed once more behind it.
const EARLIER: &[u8; 8] = b"weirfrg1";

/// The kinds of metadata fragment ([MS-WUSP] 3.1.1 Metadata Table).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FragmentType {
    /// What a client evaluates.
    Core,
    /// What a client needs to download and install.
    Extended,
    /// Title and description in one language.
    LocalizedProperties,
    /// A licence in one language.
    Eula,
}

/// One fragment with its place in the Metadata Table.
#[derive(Debug, Clone)]
pub struct PreparedFragment {
    /// Which kind.
    pub kind: FragmentType,
    /// `Locale`: empty for Core and Extended.
    pub language: String,
    /// `GeoId` of a licence, if it has one.
    pub geo_id: Option<String>,
    /// Ready for the wire.
    pub body: Prepared,
}

/// The fragments in one file.
#[derive(Debug, Clone)]
pub struct PreparedFragments {
    fragments: Vec<PreparedFragment>,
    file_bytes: usize,
}

/// A file of fragments is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a file of prepared fragments is damaged: {0}")]
pub struct DamagedFragments(&'static str);

#[derive(Serialize, Deserialize)]
struct Entry {
    kind: FragmentType,
    language: String,
    geo_id: Option<String>,
    /// Bytes of it, escaped.
    length: u64,
    /// Bytes of it here: fewer if they are xpress blocks. In an [`EARLIER`] file, of its blocks.
    stored: u64,
}

/// The fragments of one revision, to be stored: in two files, as every scan asks for Core and few
/// computers for the others. [`PreparedFragments::read`] reads both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedFiles {
    /// Core.
    pub core: Vec<u8>,
    /// All others.
    pub others: Vec<u8>,
    /// Length of the escaped Core fragment.
    pub core_bytes: usize,
}

/// Escapes and compresses `fragments` into their files.
pub fn write(fragments: &Fragments) -> PreparedFiles {
    let mut core = File::default();
    let core_bytes = core.add(FragmentType::Core, "", None, &fragments.core);
    let mut others = File::default();
    others.add(FragmentType::Extended, "", None, &fragments.extended);
    for (language, text) in &fragments.localized {
        others.add(FragmentType::LocalizedProperties, language, None, text);
    }
    for eula in &fragments.eula {
        others.add(FragmentType::Eula, &eula.language, eula.geo_id.as_ref(), &eula.xml);
    }
    PreparedFiles { core: core.finish(), others: others.finish(), core_bytes }
}

/// A file that is being written.
#[derive(Default)]
struct File {
    index: Vec<Entry>,
    bodies: Vec<u8>,
}

impl File {
    /// Adds a fragment; returns its length, escaped.
    fn add(
        &mut self,
        kind: FragmentType,
        language: &str,
        geo_id: Option<&String>,
        text: &str,
    ) -> usize {
        let escaped = xml::escape_text(text);
        let before = self.bodies.len();
        if escaped.len() >= COMPRESS_FROM {
            xpress::encode(escaped.as_bytes(), &mut self.bodies);
        }
        if !(1..escaped.len()).contains(&(self.bodies.len() - before)) {
            self.bodies.truncate(before);
            self.bodies.extend_from_slice(escaped.as_bytes());
        }
        self.index.push(Entry {
            kind,
            language: language.to_owned(),
            geo_id: geo_id.cloned(),
            length: escaped.len() as u64,
            stored: (self.bodies.len() - before) as u64,
        });
        escaped.len()
    }

    fn finish(self) -> Vec<u8> {
        // Postcard refuses only what has no known length. Without its index a file is not read again.
        let index = postcard::to_stdvec(&self.index).unwrap_or_default();
        let mut file = Vec::with_capacity(MAGIC.len() + 8 + index.len() + self.bodies.len());
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&(index.len() as u64).to_le_bytes());
        file.extend_from_slice(&index);
        file.extend_from_slice(&self.bodies);
        file
    }
}

impl PreparedFragments {
    /// Reads the bytes of a file written by [`write()`].
    pub fn read(file: &Bytes) -> Result<Self, DamagedFragments> {
        let earlier = file.starts_with(EARLIER);
        let magic = if earlier { EARLIER } else { MAGIC };
        let rest = file.strip_prefix(magic).ok_or(DamagedFragments("not such a file"))?;
        let (length, rest) =
            rest.split_first_chunk::<8>().ok_or(DamagedFragments("index missing"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok();
        let (index, bodies) =
            length.and_then(|at| rest.split_at_checked(at)).ok_or(DamagedFragments("index cut"))?;
        let index: Vec<Entry> =
            postcard::from_bytes(index).map_err(|_| DamagedFragments("index unreadable"))?;
        let mut at = file.len() - bodies.len();
        let mut take = |length: u64| {
            let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
            let end = end.filter(|end| *end <= file.len()).ok_or(DamagedFragments("body cut"))?;
            let body = file.slice(at..end);
            at = end;
            Ok(body)
        };
        let mut fragments = Vec::with_capacity(index.len());
        for entry in index {
            let Entry { length, stored, .. } = entry;
            let blocks = if earlier { stored > 0 } else { stored < length };
            let body = match blocks {
                true => {
                    if earlier {
                        take(length)?;
                    }
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    Prepared::Blocks { bytes: take(stored)?, length }
                }
                false => Prepared::Escaped(take(length)?),
            };
            fragments.push(PreparedFragment {
                kind: entry.kind,
                language: entry.language,
                geo_id: entry.geo_id,
                body,
            });
        }
        Ok(Self { fragments, file_bytes: file.len() })
    }

    /// All fragments of a kind.
    pub fn of(&self, kind: FragmentType) -> impl Iterator<Item = &PreparedFragment> {
        self.fragments.iter().filter(move |fragment| fragment.kind == kind)
    }

    /// The only fragment of a kind that has no locale.
    pub fn single(&self, kind: FragmentType) -> Option<&Prepared> {
        self.of(kind).next().map(|fragment| &fragment.body)
    }

    /// Memory held, in bytes.
    pub fn weight(&self) -> u64 {
        self.file_bytes as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments() -> Fragments {
        Fragments {
            core: format!("<A B=\"x &amp; y\" />{}", "<C />".repeat(500)),
            extended: "<D />".into(),
            localized: vec![("en".into(), "<T>a</T>".into()), ("de".into(), "<T>ä</T>".into())],
            eula: Vec::new(),
        }
    }

    #[test]
    fn what_was_written_is_read_back_ready_for_the_wire() {
        let fragments = fragments();
        let files = write(&fragments);
        let read = PreparedFragments::read(&Bytes::from(files.core)).expect("readable");
        let core = read.single(FragmentType::Core).expect("core");
        assert_eq!(core.len(), files.core_bytes);
        assert_eq!(core.escaped().expect("whole"), xml::escape_text(&fragments.core).as_bytes());
        assert!(core.held() < core.len() / 4, "a large fragment is compressed");
        assert!(read.single(FragmentType::Extended).is_none());
        let read = PreparedFragments::read(&Bytes::from(files.others)).expect("readable");
        let languages: Vec<_> =
            read.of(FragmentType::LocalizedProperties).map(|f| f.language.as_str()).collect();
        assert_eq!(languages, ["en", "de"]);
        let extended = read.single(FragmentType::Extended);
        assert!(matches!(extended, Some(Prepared::Escaped(_))), "it would hardly shrink");
        assert!(read.single(FragmentType::Core).is_none());
    }

    #[test]
    fn a_file_of_an_earlier_version_is_read() {
        let text = "&lt;C /&gt;".repeat(500);
        let mut blocks = Vec::new();
        xpress::encode(text.as_bytes(), &mut blocks);
        let entry = |kind, length: usize, stored: usize| Entry {
            kind,
            language: String::new(),
            geo_id: None,
            length: length as u64,
            stored: stored as u64,
        };
        let index = vec![
            entry(FragmentType::Core, text.len(), blocks.len()),
            entry(FragmentType::Extended, 3, 0),
        ];
        let bodies = [text.as_bytes(), &blocks, b"abc"].concat();
        let mut file = File { index, bodies }.finish();
        file[..EARLIER.len()].copy_from_slice(EARLIER);
        let read = PreparedFragments::read(&file.into()).expect("readable");
        let core = read.single(FragmentType::Core).expect("core");
        assert_eq!((core.held(), core.len()), (blocks.len(), text.len()));
        assert_eq!(core.escaped().expect("whole"), text);
        let extended = read.single(FragmentType::Extended).expect("extended");
        assert_eq!(extended.escaped().expect("whole"), "abc");
    }

    #[test]
    fn a_damaged_file_is_an_error_wherever_it_is_cut() {
        let PreparedFiles { core, others, .. } = write(&fragments());
        for file in [core, others] {
            for length in 0..file.len() {
                let cut = Bytes::copy_from_slice(&file[..length]);
                assert!(PreparedFragments::read(&cut).is_err(), "cut at {length}");
            }
        }
    }
}
