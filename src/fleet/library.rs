//! Fragments, read once for all computers.
//!
//! A thousand agents are sent the same few thousand fragments. Each fragment is known by the digest
//! of its bytes and read when it is first seen; agents hold references to what was read, and no XML.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use super::applicability::Core;
use super::referee::{Complaint, Rule};
use crate::metadata::error::DocumentError;
use crate::metadata::files::read_files;
use crate::metadata::model::UpdateFile;
use crate::metadata::namespaces::UPDATE;
use crate::wire::xml::{Cursor, Limits};

/// What was read so far.
#[derive(Debug, Default)]
pub struct Library {
    cores: Shelf<Core>,
    extended: Shelf<Extended>,
    localized: Shelf<Localized>,
}

/// What an Extended fragment says that an agent acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended {
    /// The files.
    pub files: Vec<UpdateFile>,
    /// `InstallationBehavior/@RebootBehavior`: whether an installation may ask for a restart.
    pub can_request_reboot: bool,
}

/// What a LocalizedProperties fragment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localized {
    /// Of the texts.
    pub language: String,
    /// What the update is called.
    pub title: String,
}

/// Fragments of one kind by the SHA-256 of their bytes.
#[derive(Debug)]
struct Shelf<T>(Mutex<HashMap<[u8; 32], Arc<T>>>);

impl Library {
    /// The Core fragment `text`.
    pub fn core(&self, text: &str) -> Result<Arc<Core>, Complaint> {
        self.cores.find(text, || {
            Core::read(text).map_err(|error| {
                let start: String = text.chars().take(120).collect();
                Complaint::new(Rule::CoreFragment, format!("{error} in {start}"))
            })
        })
    }

    /// The Extended fragment `text`.
    pub fn extended(&self, text: &str) -> Result<Arc<Extended>, Complaint> {
        let failed = |error| Complaint::new(Rule::ExtendedFragment, format!("Extended: {error}"));
        self.extended.find(text, || Extended::read(text).map_err(failed))
    }

    /// The LocalizedProperties fragment `text`.
    pub fn localized(&self, text: &str) -> Result<Arc<Localized>, Complaint> {
        let failed =
            |error| Complaint::new(Rule::ExtendedFragment, format!("LocalizedProperties: {error}"));
        self.localized.find(text, || Localized::read(text).map_err(failed))
    }

    /// How many different Core fragments there were.
    pub fn cores(&self) -> usize {
        self.cores.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Extended {
    fn read(fragment: &str) -> Result<Self, DocumentError> {
        let document = rooted(fragment);
        let mut cursor = Cursor::new(&document, Limits::DOCUMENT);
        let mut extended = Self { files: Vec::new(), can_request_reboot: false };
        cursor.enter_child()?;
        while cursor.enter_child()? {
            match cursor.local() {
                "ExtendedProperties" => {
                    while cursor.enter_child()? {
                        if cursor.local() == "InstallationBehavior" {
                            let element = cursor.element();
                            let behavior = element.map(|it| it.attribute("RebootBehavior"));
                            let behavior = behavior.transpose()?.flatten();
                            extended.can_request_reboot =
                                behavior.is_some_and(|behavior| behavior != "NeverReboots");
                        }
                        cursor.skip()?;
                    }
                }
                "Files" => read_files(&mut cursor, &mut extended.files, &mut Vec::new())?,
                _ => cursor.skip()?,
            }
        }
        Ok(extended)
    }
}

impl Localized {
    fn read(fragment: &str) -> Result<Self, DocumentError> {
        let mut cursor = Cursor::new(fragment, Limits::DOCUMENT);
        let (mut language, mut title) = (String::new(), None);
        cursor.enter_child()?;
        while cursor.enter_child()? {
            match cursor.local() {
                "Language" => language = cursor.text()?.trim().to_owned(),
                "Title" => title = Some(cursor.text()?.into_owned()),
                _ => cursor.skip()?,
            }
        }
        let title = title.ok_or(DocumentError::Missing("Title"))?;
        Ok(Self { language, title })
    }
}

/// A run of elements without a namespace as a document of the update schema.
fn rooted(fragment: &str) -> String {
    format!(r#"<Fragment xmlns="{UPDATE}">{fragment}</Fragment>"#)
}

impl<T> Shelf<T> {
    fn find<E>(&self, text: &str, read: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        // Read without the lock: large fragments take a while, and reading one twice is harmless.
        let read = Arc::new(read()?);
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(shelf.entry(key).or_insert(read)))
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_read_once() {
        let library = Library::default();
        let text = r#"<UpdateIdentity UpdateID="56309036-4C77-4DD9-951A-99EE9C246A94" RevisionNumber="101" /><Properties UpdateType="Category" />"#;
        let one = library.core(text).unwrap();
        let other = library.core(text).unwrap();
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(library.cores(), 1);
        let complaint = library.core("<UpdateIdentity").unwrap_err();
        assert_eq!(complaint.rule, Rule::CoreFragment);
    }

    #[test]
    fn extended_fragments_name_files_and_restarts() {
        let text = r#"<ExtendedProperties DefaultPropertiesLanguage="en"><InstallationBehavior RebootBehavior="CanRequestReboot" /></ExtendedProperties><Files><File Digest="D2zdslftJ5kG/B9a2zSqQu83qTs=" DigestAlgorithm="SHA1" FileName="a.exe" Size="11610576"><AdditionalDigest Algorithm="SHA256">ma1xvBIZw+0lBKOv5Zd2GsZtUek1w6anT4b8EfH57f0=</AdditionalDigest></File></Files>"#;
        let extended = Library::default().extended(text).unwrap();
        assert!(extended.can_request_reboot);
        assert_eq!((extended.files.len(), extended.files[0].size), (1, 11_610_576));
        assert!(extended.files[0].sha256.is_some());
        let broken = Library::default().extended("<Files><File/></Files>").unwrap_err();
        assert_eq!(broken.rule, Rule::ExtendedFragment);
    }

    #[test]
    fn localized_fragments_name_their_language_and_a_title() {
        let text = "<LocalizedProperties><Language>de</Language><Title>A &amp; B</Title></LocalizedProperties>";
        let localized = Library::default().localized(text).unwrap();
        assert_eq!((localized.language.as_str(), localized.title.as_str()), ("de", "A & B"));
        let untitled = "<LocalizedProperties><Language>de</Language></LocalizedProperties>";
        assert!(Library::default().localized(untitled).is_err());
    }
}
