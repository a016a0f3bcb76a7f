//! Writing everything to one stream while the server goes on.
//!
//! The writer thread is asked for one page of records after the other, and for what was committed
//! since the page before: it is never held up for longer than a page takes. With the last page it
//! also says how far packs and journal are, which only grow; so what the stream comes to is what the
//! server was at that moment.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use super::library::Library;
use super::transaction::Transaction;
use super::{State, StateError, blocking};
use crate::content::files::{ContentStore, place_of};
use crate::policy::by::By;
use crate::store::backup::{Header, Writer};
use crate::store::packs::Extent;
use crate::store::{Change, StoreError, Tree, journal};
use crate::wire::time::DateTime;
use crate::wire::types::Sha1;

/// Bytes of records that are read at once.
const PAGE: usize = 256 << 10;
/// Bytes of a file that are read at once.
const PIECE: usize = 256 << 10;

/// Where certificates and their keys are, below the data directory.
pub(super) const TLS: &str = "tls";
/// Where content files are, below the data directory.
pub(super) const CONTENT: &str = "content";
/// Where the journal is, below the data directory.
pub(super) const JOURNAL: &str = "journal";

/// The files at one moment.
struct Files {
    packs: Vec<(&'static str, Extent)>,
    journal: Vec<(String, File, u64)>,
    contents: Vec<Sha1>,
}

impl State {
    /// Writes everything to `out`, with the content files if `content`. Who takes the keys with them
    /// stands in the journal, and in that of the backup; who is refused took nothing.
    ///
    /// # Errors
    /// When another backup is made, the store or the disk fails, or `out` takes too slowly while too
    /// much changes. [`StateError::Stopped`] when nobody takes any more. What was sent is no backup.
    pub async fn back_up(
        &self,
        by: By,
        content: bool,
        out: mpsc::Sender<Bytes>,
    ) -> Result<(), StateError> {
        let tap = Arc::clone(&self.tap);
        let refused = || StateError::Refused("another backup is being made".to_owned());
        let listening = move |transaction: &mut Transaction<'_>| {
            let listener = tap.listen().ok_or_else(refused)?;
            transaction.journal(&by, json!({ "back_up": { "content": content } }));
            Ok(listener)
        };
        let listener = Arc::new(self.writer.submit(listening).await?);
        let created = DateTime::from_unix(self.now(), 0).map(|it| it.to_string());
        let header = Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: created.unwrap_or_default(),
            content,
        };
        let mut piece = Vec::new();
        let mut writer = Writer::begin(header, &mut piece)?;
        for tree in Tree::ALL {
            let mut last: Option<Vec<u8>> = None;
            loop {
                let (listener, after) = (Arc::clone(&listener), last.take());
                let page = move |transaction: &mut Transaction<'_>| {
                    let changes = listener.take()?;
                    Ok((changes, transaction.page(tree, after.as_deref(), PAGE)?))
                };
                let (changes, page) = self.writer.submit(page).await?;
                for change in &changes {
                    writer.change(change, &mut piece)?;
                }
                last = page.last().map(|(key, _)| key.clone());
                for (key, value) in page {
                    writer.change(&Change::Put { tree, key, value }, &mut piece)?;
                }
                send(&out, &mut piece).await?;
                if last.is_none() {
                    break;
                }
            }
        }
        let (library, directory) = (Arc::clone(&self.library), self.data.join(JOURNAL));
        let end = move |transaction: &mut Transaction<'_>| {
            let model = &transaction.model;
            let contents = model.contents.keys().filter(|_| content).copied().collect();
            let packs = library.extents(model.used_places())?;
            let journal = journal::extents(&directory)?;
            Ok((listener.take()?, Files { packs, journal, contents }))
        };
        let (changes, files) = self.writer.submit(end).await?;
        for change in &changes {
            writer.change(change, &mut piece)?;
        }
        send(&out, &mut piece).await?;
        let (store, tls) = (Arc::clone(&self.contents), self.data.join(TLS));
        blocking(move || Sending { writer, out, piece }.files(files, &store, tls)).await?
    }
}

/// Whether a file of this name is a certificate, or the key of one.
pub(super) fn is_certificate_or_key(name: &str) -> bool {
    name.ends_with(".pem") || name.ends_with(".key")
}

async fn send(out: &mpsc::Sender<Bytes>, piece: &mut Vec<u8>) -> Result<(), StateError> {
    out.send(std::mem::take(piece).into()).await.map_err(|_| StateError::Stopped)
}

/// What is left of a backup once its records are sent.
struct Sending {
    writer: Writer,
    out: mpsc::Sender<Bytes>,
    piece: Vec<u8>,
}

impl Sending {
    fn files(
        mut self,
        files: Files,
        contents: &ContentStore,
        tls: PathBuf,
    ) -> Result<(), StateError> {
        for (kind, extent) in files.packs {
            let path = format!("packs/{kind}/{}", extent.name());
            self.file(path, extent.length(), |bytes, at| extent.read_at(bytes, at))?;
        }
        for (name, file, length) in files.journal {
            let path = format!("{JOURNAL}/{name}");
            let shown = PathBuf::from(&path);
            let failed = |error| StoreError::io(&shown, error);
            self.file(path, length, |bytes, at| file.read_exact_at(bytes, at).map_err(failed))?;
        }
        self.certificates(tls)?;
        for sha1 in files.contents {
            // One that a cleanup removed meanwhile is no longer needed.
            let Some(content) = contents.open_file(&sha1)? else { continue };
            let path = place_of(&sha1);
            let failed = |error| StoreError::io(&path, error);
            let name = format!("{CONTENT}/{}", path.display());
            self.file(name, content.length, |bytes, at| {
                content.file.read_exact_at(bytes, at).map_err(failed)
            })?;
        }
        self.writer.end(&mut self.piece)?;
        self.out.blocking_send(self.piece.into()).map_err(|_| StateError::Stopped)
    }

    /// The certificates that clients trust, with their keys. They are small.
    fn certificates(&mut self, directory: PathBuf) -> Result<(), StateError> {
        let failed = |error| StoreError::io(&directory, error);
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error).into()),
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            // One that is being written has no name that counts yet.
            let Some(name) = name.filter(|name| is_certificate_or_key(name)) else { continue };
            let bytes = std::fs::read(&path).map_err(|error| StoreError::io(&path, error))?;
            self.file(format!("{TLS}/{name}"), bytes.len() as u64, |piece, at| {
                let from = usize::try_from(at).unwrap_or(usize::MAX);
                let bytes = bytes.get(from..).and_then(|rest| rest.get(..piece.len()));
                piece.copy_from_slice(bytes.unwrap_or_default());
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Sends `length` bytes that `read` gives by their offset.
    fn file(
        &mut self,
        path: String,
        length: u64,
        read: impl Fn(&mut [u8], u64) -> Result<(), StoreError>,
    ) -> Result<(), StateError> {
        self.writer.file(path, length, &mut self.piece)?;
        let mut at = 0;
        while at < length {
            let size = (length - at).min(PIECE as u64) as usize;
            let from = self.piece.len();
            self.piece.resize(from + size, 0);
            let bytes = self.piece.get_mut(from..).unwrap_or_default();
            read(bytes, at)?;
            self.writer.bytes(bytes);
            at += size as u64;
            self.send_gathered(PIECE)?;
        }
        self.send_gathered(PIECE)
    }

    fn send_gathered(&mut self, least: usize) -> Result<(), StateError> {
        if self.piece.len() < least {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.piece);
        self.out.blocking_send(piece.into()).map_err(|_| StateError::Stopped)
    }
}

impl Library {
    /// The packs that hold `used`, with their kinds.
    fn extents(
        &self,
        used: impl Iterator<Item = super::Places> + Clone,
    ) -> Result<Vec<(&'static str, Extent)>, StoreError> {
        let mut all = Vec::new();
        let mut add = |kind, extents: Vec<Extent>| {
            all.extend(extents.into_iter().map(|extent| (kind, extent)));
        };
        let documents = used.clone().map(|it| it.document);
        add("documents", self.documents.extents(documents)?);
        let fragments = used.clone().flat_map(|it| [it.core, it.others]);
        add("fragments", self.fragments.extents(fragments)?);
        add("records", self.records.extents(used.map(|it| it.record))?);
        Ok(all)
    }
}
