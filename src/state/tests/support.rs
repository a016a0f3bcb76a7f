//! A state over a store in memory, and documents for it.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::computers::computer::ComputerInfo;
use crate::content::files::digest_of;
use crate::policy::by::By;
use crate::state::{ImportOutcome, Importable, Registration, Settings, State, StateError};
use crate::store::journal;
use crate::store::memory::MemoryStore;
use crate::wire::types::{RevisionId, Sha1};

pub(super) const NOW: i64 = 1_800_000_000;

/// An open state, and hold of its store.
pub(super) struct Fixture {
    pub(super) state: State,
    pub(super) store: MemoryStore,
    pub(super) dir: TempDir,
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self::with(&Settings::default())
    }

    pub(super) fn with(settings: &Settings) -> Self {
        let dir = scratch();
        let store = MemoryStore::new();
        let state = open(dir.path(), &store, settings, || NOW);
        Self { state, store, dir }
    }

    /// With a clock that goes.
    pub(super) fn at(now: fn() -> i64) -> Self {
        let (dir, store) = (scratch(), MemoryStore::new());
        let state = open(dir.path(), &store, &Settings::default(), now);
        Self { state, store, dir }
    }

    /// Closes the state and opens it again, as a restart does.
    pub(super) async fn reopened(self) -> Self {
        self.reopened_at(|| NOW).await
    }

    /// The same with a clock that goes.
    pub(super) async fn reopened_at(self, now: fn() -> i64) -> Self {
        let Self { state, store, dir } = self;
        state.close().await;
        let state = open(dir.path(), &store, &Settings::default(), now);
        Self { state, store, dir }
    }

    /// What the journal says, oldest first, but for imports: tests begin with them.
    pub(super) fn journal(&self) -> Vec<Value> {
        let entries = journal::entries(&self.dir.path().join("journal")).expect("a journal");
        let entries = entries.map(|entry| entry.expect("an entry").value);
        entries.filter(|entry| entry.get("import").is_none()).collect()
    }

    /// Imports one document.
    pub(super) async fn import(&self, document: Document) -> Result<ImportOutcome, StateError> {
        let outcomes =
            self.state.import(By::administrator(), vec![document.importable()], false).await?;
        Ok(outcomes.into_iter().next().expect("an outcome"))
    }

    /// Imports one document that is new.
    pub(super) async fn import_new(&self, document: Document) -> RevisionId {
        match self.import(document).await {
            Ok(ImportOutcome::New(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Number of the commit at which what clients know of a revision last changed.
    pub(super) fn changed(&self, id: RevisionId) -> u64 {
        let published = self.state.published();
        let index = published.catalog.by_id(id).expect("a revision");
        published.catalog.revision(index).expect("a revision").changed
    }
}

/// In memory where that is to be had: these tests are not about the disk, and every commit waits
/// for it.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok()).flatten();
    in_memory.unwrap_or_else(|| tempfile::tempdir().expect("a directory"))
}

fn open(dir: &Path, store: &MemoryStore, settings: &Settings, now: fn() -> i64) -> State {
    State::with_store(dir, Box::new(store.clone()), settings, now).expect("a state")
}

pub(super) fn update(number: u8) -> Uuid {
    Uuid::from_u128(0x1000 + u128::from(number))
}

/// The smallest document that says what a test needs. Its file's content is [`content`].
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) number: u8,
    pub(super) revision: u32,
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) prerequisites: Vec<u8>,
    /// Updates whose revision 1 it bundles.
    pub(super) bundles: Vec<u8>,
    pub(super) supersedes: Vec<u8>,
    pub(super) has_file: bool,
    /// Whether that is an express file.
    pub(super) is_express: bool,
    /// The number of its licence.
    pub(super) eula: Option<u128>,
    pub(super) expired: bool,
    pub(super) created: &'static str,
}

pub(super) fn software(number: u8) -> Document {
    Document {
        number,
        revision: 1,
        kind: "Software",
        title: format!("Update {number}"),
        prerequisites: Vec::new(),
        bundles: Vec::new(),
        supersedes: Vec::new(),
        has_file: false,
        is_express: false,
        eula: None,
        expired: false,
        created: "2026-01-05T09:00:00.000Z",
    }
}

pub(super) fn detectoid(number: u8) -> Document {
    Document { kind: "Detectoid", ..software(number) }
}

impl Document {
    pub(super) fn importable(&self) -> Importable {
        Importable::new(self.xml()).expect("a document")
    }

    pub(super) fn xml(&self) -> String {
        let list = |name: &str, updates: &[u8], attributes: &str| {
            let updates = updates.iter().map(|number| {
                format!("<UpdateIdentity UpdateID='{}' {attributes}/>", update(*number))
            });
            let updates: String = updates.collect();
            if updates.is_empty() { updates } else { format!("<{name}>{updates}</{name}>") }
        };
        let relations = [
            list("SupersededUpdates", &self.supersedes, ""),
            list("Prerequisites", &self.prerequisites, ""),
            list("BundledUpdates", &self.bundles, "RevisionNumber='1' "),
        ];
        let file = self.has_file.then(|| {
            let content = content(self.number);
            let digests = digest_of(content.as_slice()).expect("memory");
            format!(
                "<Files><File Digest='{}' DigestAlgorithm='SHA1' FileName='{}.exe' Size='{}'{}>\
                 <AdditionalDigest Algorithm='SHA256'>{}</AdditionalDigest></File></Files>",
                BASE64_STANDARD.encode(digests.sha1.0),
                self.number,
                content.len(),
                if self.is_express { " PatchingType='Express'" } else { "" },
                BASE64_STANDARD.encode(digests.sha256.0),
            )
        });
        format!(
            "<Update xmlns='http://schemas.microsoft.com/msus/2002/12/Update'>\
             <UpdateIdentity UpdateID='{}' RevisionNumber='{}' />\
             <Properties DefaultPropertiesLanguage='en' UpdateType='{}' \
             ExplicitlyDeployable='true' PublicationState='{}' {}\
             CreationDate='{}' \
             PublisherID='44d826c3-4e89-4348-ba38-7649163a0fc1' />\
             <LocalizedPropertiesCollection><LocalizedProperties><Language>en</Language>\
             <Title>{}</Title></LocalizedProperties></LocalizedPropertiesCollection>\
             <Relationships>{}</Relationships>{}</Update>",
            update(self.number),
            self.revision,
            self.kind,
            if self.expired { "Expired" } else { "Published" },
            self.eula.map_or_else(String::new, |eula| {
                format!("EulaID='{}' ", Uuid::from_u128(eula))
            }),
            self.created,
            self.title,
            relations.concat(),
            file.unwrap_or_default(),
        )
    }
}

/// The content of an update's file.
pub(super) fn content(number: u8) -> Vec<u8> {
    format!("content of {number}").into_bytes()
}

/// The address of an update's file.
pub(super) fn address(number: u8) -> Sha1 {
    digest_of(content(number).as_slice()).expect("memory").sha1
}

/// A computer that asks for a group.
pub(super) fn registration(number: u8, group: &str) -> Registration {
    Registration {
        client_id: format!("computer-{number}"),
        info: ComputerInfo { dns_name: format!("pc{number}.example"), ..ComputerInfo::default() },
        requested_group: group.to_owned(),
        client_side_targeting: true,
        address: "10.0.0.1".to_owned(),
    }
}
