//! Downloads, beside nginx on the same file.
//!
//! Connections ask for ranges of 1 MiB of one file in an order without pattern, as Delivery
//! Optimization does. Over TLS both servers have the same key and certificate, and the client leaves
//! them no choice of version and cipher.

use std::fs;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;
use weir::content::files::digest_of;

use super::{Found, middle, turns, window};
use crate::connection::{Answer, Target};
use crate::load::{self, Caller};
use crate::nginx::{self, Nginx};
use crate::options::{Options, Size};
use crate::process::Process;
use crate::table::Measure;
use crate::{Outcome, stage};

/// Ranges of the file.
const RANGES: u64 = 256;

/// Bytes of one.
const RANGE: u64 = 1 << 20;

/// Connections at once.
const CONNECTIONS: usize = 16;

pub(super) fn take(tls: bool, options: &Options) -> Outcome<Found> {
    nginx::find()?;
    let directory = tempfile::tempdir_in(stage::root())?;
    let data = directory.path().join("data");
    let path = provide(&directory, &data)?;
    let server = Process::serve(&data)?;
    let nginx = Nginx::start(&directory, &data.join("content"), &data.join("tls"))?;
    let targets = match tls {
        false => [Target::plain(server.http), Target::plain(nginx.http)],
        true => [Target::trusting(server.https, &data)?, Target::trusting(nginx.https, &data)?],
    };
    let paths = [path.clone(), path.replacen("/Content/", "/", 1).replace(".cab", "")];
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..turns(Measure::Content { tls }, Size::Std, options) {
        for ((target, path), rates) in targets.iter().zip(&paths).zip(&mut rates) {
            let groups = (0..).take(CONNECTIONS).map(|at| vec![Downloader::new(path, at)]);
            rates.push(load::run(target, groups.collect(), window(options))?.1);
        }
    }
    server.stop()?;
    let [value, reference] = rates.map(middle);
    let note = format!("{CONNECTIONS} connections, {}", nginx::find()?);
    Ok(Found { value, reference: Some(reference), note })
}

/// Puts a file into the content of a new server, as an administrator would; returns its path.
fn provide(directory: &TempDir, data: &Path) -> Outcome<String> {
    let file = directory.path().join("file.cab");
    let mut out = std::io::BufWriter::new(fs::File::create(&file)?);
    for word in 0..RANGES * RANGE / 8 {
        out.write_all(&word_at(word))?;
    }
    out.flush()?;
    let digests = digest_of(fs::File::open(&file)?)?;
    let document = directory.path().join("document.xml");
    fs::write(
        &document,
        format!(
            "<upd:Update xmlns:upd=\"http://schemas.microsoft.com/msus/2002/12/Update\">\
             <upd:UpdateIdentity UpdateID=\"6d1e3f38-6f0c-4a8e-9f0e-0f2f5b1d7a01\" \
             RevisionNumber=\"1\"/><upd:Properties UpdateType=\"Software\" \
             DefaultPropertiesLanguage=\"en\" ExplicitlyDeployable=\"true\" \
             PublicationState=\"Published\"/><upd:LocalizedPropertiesCollection>\
             <upd:LocalizedProperties><upd:Language>en</upd:Language><upd:Title>A file\
             </upd:Title></upd:LocalizedProperties></upd:LocalizedPropertiesCollection>\
             <upd:Files><upd:File Digest=\"{}\" DigestAlgorithm=\"SHA1\" FileName=\"file.cab\" \
             Size=\"{}\" Modified=\"2026-04-10T09:39:26Z\"><upd:AdditionalDigest \
             Algorithm=\"SHA256\">{}</upd:AdditionalDigest></upd:File></upd:Files></upd:Update>",
            BASE64_STANDARD.encode(digests.sha1.0),
            RANGES * RANGE,
            BASE64_STANDARD.encode(digests.sha256.0),
        ),
    )?;
    stage::import(&document, data)?;
    stage::json(stage::weir().args(["content", "add"]).arg(&file).arg("--data").arg(data))?;
    let name = digests.sha1.to_hex();
    Ok(format!("/Content/{}/{name}.cab", &name[38..]))
}

/// What stands in the file at a multiple of eight bytes; no two ranges are alike.
fn word_at(word: u64) -> [u8; 8] {
    word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()
}

/// A client that downloads without end.
struct Downloader {
    path: String,
    request: Vec<u8>,
    range: u64,
}

impl Downloader {
    fn new(path: &str, at: u64) -> Self {
        Self { path: path.to_owned(), request: Vec::new(), range: at * 17 }
    }

    fn first(&self) -> u64 {
        self.range * RANGE
    }

    fn last(&self) -> u64 {
        self.first() + RANGE - 1
    }
}

impl Caller for Downloader {
    fn request(&mut self) -> &[u8] {
        // 101 has no divisor in common with the number of ranges, so all get their turn.
        self.range = (self.range + 101) % RANGES;
        self.request = format!(
            "GET {} HTTP/1.1\r\nConnection: Keep-Alive\r\nAccept: */*\r\nRange: bytes={}-{}\r\n\
             User-Agent: Microsoft-Delivery-Optimization/10.1\r\nHost: 127.0.0.1:8530\r\n\r\n",
            self.path,
            self.first(),
            self.last()
        )
        .into_bytes();
        &self.request
    }

    fn answered(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        let range = format!("bytes {}-{}/{}", self.first(), self.last(), RANGES * RANGE);
        let right = answer.status() == "206"
            && answer.header("content-range") == Some(range.as_str())
            && answer.body.len() as u64 == RANGE
            && answer.body.starts_with(&word_at(self.first() / 8))
            && answer.body.ends_with(&word_at(self.last() / 8));
        if right { Ok(()) } else { Err(answer.refusal(&answer.head[..answer.head.len().min(500)])) }
    }
}
