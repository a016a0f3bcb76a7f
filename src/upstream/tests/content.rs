//! Files: downloads after approvals, and what clients pull.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fake::{FileFault, Misbehaviour};
use super::*;
use crate::content::files::digest_of;
use crate::content::partial::BLOCK;
use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::state::{ContentHandling, Decision};
use crate::upstream::records::ContentMode;
use crate::wire::fault::ErrorCode;
use crate::wire::operation::Operation;
use crate::wire::types::Sha1;

pub(super) const UPDATE: &str = "450b7a01-9903-4916-8138-db2f7aa8d785";

/// A document with one file, and the file.
pub(super) fn document(size: u64) -> (String, Vec<u8>, Sha1) {
    let content: Vec<u8> = (0..size).map(|byte| (byte / 7 % 251) as u8).collect();
    let digests = digest_of(content.as_slice()).unwrap();
    let document = format!(
        "<Update xmlns='http://schemas.microsoft.com/msus/2002/12/Update'>\
         <UpdateIdentity UpdateID='{UPDATE}' RevisionNumber='1' />\
         <Properties DefaultPropertiesLanguage='en' UpdateType='Software' \
         ExplicitlyDeployable='true' PublicationState='Published' \
         CreationDate='2026-01-05T09:00:00.000Z' \
         PublisherID='44d826c3-4e89-4348-ba38-7649163a0fc1' />\
         <LocalizedPropertiesCollection><LocalizedProperties><Language>en</Language>\
         <Title>Large</Title></LocalizedProperties></LocalizedPropertiesCollection>\
         <Files><File Digest='{}' DigestAlgorithm='SHA1' FileName='large.cab' Size='{size}'>\
         <AdditionalDigest Algorithm='SHA256'>{}</AdditionalDigest></File></Files></Update>",
        STANDARD.encode(digests.sha1.0),
        STANDARD.encode(digests.sha256.0),
    );
    (document, content, digests.sha1)
}

/// A server that knows of one file, which its upstream server has.
async fn with_file(size: u64, source: SourceRecord) -> (Pair, Vec<u8>, Sha1) {
    let fake = Fake::start().await;
    let (document, content, sha1) = document(size);
    fake.world().add(document.as_bytes());
    let hex = sha1.to_hex();
    let target = format!("/Content/{}/{hex}.cab", &hex[38..]);
    fake.world().files.insert(target, content.clone());
    let pair = Pair::with(fake).await;
    let source = SourceRecord { url: pair.fake.url.clone(), ..source };
    pair.upstream.set_source(By::administrator(), source).await.unwrap();
    pair.select_everything().await;
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    (pair, content, sha1)
}

fn approved() -> SourceRecord {
    SourceRecord { content: ContentMode::Approved, ..SourceRecord::default() }
}

fn pulling() -> SourceRecord {
    SourceRecord { pull_through: true, ..SourceRecord::default() }
}

async fn approve(pair: &Pair) {
    let decision =
        Decision::Approve { group: "All Computers".into(), terms: ApprovalAction::Install.into() };
    let by = By::administrator();
    pair.state.decide(by, UPDATE.parse().unwrap(), decision).await.unwrap();
}

async fn until_here(pair: &Pair, sha1: &Sha1) {
    let began = Instant::now();
    while !pair.state.has_content(sha1) {
        assert!(began.elapsed() < Duration::from_secs(90), "{:?}", pair.upstream.downloads());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn files_of_approved_updates_are_fetched_and_verified() {
    let (pair, _, sha1) = with_file(3 * BLOCK + 1, approved()).await;
    let follow = tokio::spawn(Arc::clone(&pair.upstream).follow_downloads());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(pair.fake.world().sent, 0, "nobody approved it");
    approve(&pair).await;
    until_here(&pair, &sha1).await;
    assert_eq!(pair.fake.world().sent, 3 * BLOCK + 1);
    follow.abort();
}

#[tokio::test]
async fn express_files_are_fetched_only_where_they_are_hosted() {
    let pair = Pair::with(Fake::start().await).await;
    let (document, content, whole) = document(BLOCK);
    let difference = b"what changed".as_slice();
    let express = digest_of(difference).unwrap().sha1;
    let file = format!(
        "<File Digest='{}' DigestAlgorithm='SHA1' FileName='large.psf' Size='{}' \
         PatchingType='Express'/></Files>",
        STANDARD.encode(express.0),
        difference.len()
    );
    pair.fake.world().add(document.replace("</Files>", &file).as_bytes());
    for (sha1, extension, bytes) in [(whole, "cab", &content[..]), (express, "psf", difference)] {
        let hex = sha1.to_hex();
        let target = format!("/Content/{}/{hex}.{extension}", &hex[38..]);
        pair.fake.world().files.insert(target, bytes.to_vec());
    }
    let source = SourceRecord { url: pair.fake.url.clone(), pull_through: true, ..approved() };
    pair.upstream.set_source(By::administrator(), source).await.unwrap();
    pair.select_everything().await;
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    approve(&pair).await;
    let follow = tokio::spawn(Arc::clone(&pair.upstream).follow_downloads());
    until_here(&pair, &whole).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!pair.state.has_content(&express));
    let published = pair.state.published();
    let index = published.holder(&whole).unwrap();
    assert!(published.content_since(index).is_some(), "no Install waits for it");
    drop(published);
    follow.abort();

    let content = ContentHandling { express_files: true, ..ContentHandling::default() };
    let settings = state::Settings { content, ..state::Settings::default() };
    let pair = pair.restarted_with(&settings).await;
    let follow = tokio::spawn(Arc::clone(&pair.upstream).follow_downloads());
    until_here(&pair, &express).await;
    follow.abort();
}

#[tokio::test]
async fn a_download_survives_what_networks_do() {
    let (pair, _, sha1) = with_file(20 * BLOCK, approved()).await;
    pair.fake.world().file_faults.extend([
        FileFault::Status(503),
        FileFault::Cut(BLOCK * 5 / 2),
        FileFault::WrongRange,
        FileFault::NoRanges,
        FileFault::Redirect("/elsewhere.cab".into()),
        FileFault::Redirect("http://169.254.169.254/latest/meta-data".into()),
        FileFault::Redirect("file:///etc/passwd".into()),
        FileFault::Status(200),
    ]);
    approve(&pair).await;
    let follow = tokio::spawn(Arc::clone(&pair.upstream).follow_downloads());
    until_here(&pair, &sha1).await;
    let sent = pair.fake.world().sent;
    assert!(sent < 30 * BLOCK, "what had arrived was not fetched again: {sent}");
    follow.abort();
}

#[tokio::test]
async fn a_file_that_is_another_one_is_thrown_away_and_fetched_again() {
    let (pair, _, sha1) = with_file(2 * BLOCK, approved()).await;
    pair.fake.world().file_faults.push_back(FileFault::Corrupt);
    approve(&pair).await;
    let follow = tokio::spawn(Arc::clone(&pair.upstream).follow_downloads());
    until_here(&pair, &sha1).await;
    assert_eq!(pair.fake.world().sent, 4 * BLOCK);
    follow.abort();
}

#[tokio::test]
async fn an_upstream_server_without_the_file_is_asked_to_get_it() {
    let (pair, content, sha1) = with_file(BLOCK, approved()).await;
    let files = std::mem::take(&mut pair.fake.world().files);
    approve(&pair).await;
    let follow = tokio::spawn(Arc::clone(&pair.upstream).follow_downloads());
    while pair.fake.asked(Operation::DownloadFiles).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!pair.state.has_content(&sha1) && !content.is_empty());
    pair.fake.world().files = files;
    until_here(&pair, &sha1).await;
    follow.abort();
}

#[tokio::test]
async fn a_catalogue_without_files_names_places_on_the_internet_only() {
    let (pair, _, sha1) = with_file(BLOCK, approved()).await;
    pair.fake.world().catalog_only = true;
    pair.sync(Scope::Everything).await;
    approve(&pair).await;
    let follow = tokio::spawn(Arc::clone(&pair.upstream).follow_downloads());
    // The fake says http://download.example/…, a name that nobody has.
    while pair.upstream.downloads().files_failed.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((pair.fake.world().sent, pair.state.has_content(&sha1)), (0, false));
    assert!(pair.fake.asked(Operation::DownloadFiles).is_empty());
    follow.abort();
}

#[tokio::test]
async fn a_client_gets_what_it_wants_of_a_file_that_is_not_here() {
    let (pair, content, sha1) = with_file(64 * BLOCK, pulling()).await;
    let pulled = pair.upstream.pull(sha1).await.unwrap();
    assert_eq!(pulled.length(), 64 * BLOCK);
    // The last 5 MiB, and a bit.
    let first = 59 * BLOCK - 10;
    for at in (first..64 * BLOCK).step_by(256 * 1024) {
        let length = (64 * BLOCK - at).min(256 * 1024);
        let bytes = pulled.read(at, length).await.unwrap();
        assert_eq!(bytes, &content[at as usize..][..length as usize]);
    }
    assert_eq!(pair.fake.world().sent, 6 * BLOCK);
    assert!(!pair.state.has_content(&sha1), "what is not verified is not here");
    // The next client, after a pause, has them from here.
    drop(pulled);
    let again = pair.upstream.pull(sha1).await.unwrap();
    again.read(60 * BLOCK, 2 * BLOCK).await.unwrap();
    assert_eq!(pair.fake.world().sent, 6 * BLOCK);
    assert!(pair.upstream.pull(Sha1([7; 20])).await.is_none());
}

#[tokio::test]
async fn two_clients_of_one_range_fetch_it_once_and_the_last_block_verifies() {
    let (pair, _, sha1) = with_file(4 * BLOCK, pulling()).await;
    let (one, other) = (pair.upstream.pull(sha1).await, pair.upstream.pull(sha1).await);
    let (one, other) = (one.unwrap(), other.unwrap());
    let (a, b) = tokio::join!(one.read(0, 2 * BLOCK), other.read(0, 2 * BLOCK));
    assert_eq!(a.unwrap(), b.unwrap());
    assert_eq!(pair.fake.world().sent, 2 * BLOCK);
    one.read(2 * BLOCK, 2 * BLOCK).await.unwrap();
    assert!(pair.state.has_content(&sha1));
    // Who reads on reads what is stored.
    other.read(BLOCK, 3 * BLOCK).await.unwrap();
    assert_eq!(pair.fake.world().sent, 4 * BLOCK);
}

#[tokio::test]
async fn a_client_is_told_when_what_came_is_another_file() {
    let (pair, _, sha1) = with_file(BLOCK, pulling()).await;
    pair.fake.world().file_faults.push_back(FileFault::Corrupt);
    let pulled = pair.upstream.pull(sha1).await.unwrap();
    assert!(pulled.read(0, BLOCK).await.is_err());
    assert!(!pair.state.has_content(&sha1));
    let pulled = pair.upstream.pull(sha1).await.unwrap();
    pulled.read(0, BLOCK).await.unwrap();
    assert!(pair.state.has_content(&sha1));
}

#[tokio::test]
async fn nothing_is_pulled_unless_that_is_configured() {
    let (pair, _, sha1) = with_file(BLOCK, SourceRecord::default()).await;
    assert!(pair.upstream.pull(sha1).await.is_none());
}

#[tokio::test]
async fn a_file_that_a_server_below_asked_for_is_fetched_without_an_approval() {
    for source in [approved(), SourceRecord { content: ContentMode::None, ..approved() }] {
        let (pair, _, sha1) = with_file(BLOCK + 1, source).await;
        let following = tokio::spawn(Arc::clone(&pair.upstream).follow_downloads());
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!pair.state.has_content(&sha1), "nobody wants it");
        pair.state.want_content(vec![sha1]).await.unwrap();
        until_here(&pair, &sha1).await;
        assert!(pair.state.wanted_content().await.unwrap().is_empty());
        following.abort();
    }
}

#[tokio::test]
async fn files_that_a_server_does_not_know_are_asked_for_once_more_without_them() {
    let (pair, _, sha1) = with_file(BLOCK, approved()).await;
    let fault = Misbehaviour::Fault(ErrorCode::FileDigestsMissing);
    let unknown = [Sha1([1; 20]), Sha1([2; 20])];
    let named = unknown.map(|sha1| STANDARD.encode(sha1.0)).join("|");
    pair.fake.world().message = Some(named);
    pair.fake.world().misbehave.insert(Operation::DownloadFiles, [fault.clone()].into());
    let looks = || pair.fake.asked(Operation::GetConfigData).len();
    let before = looks();
    let follow = tokio::spawn(Arc::clone(&pair.upstream).follow_downloads());
    let files: Vec<Sha1> = unknown.into_iter().chain([sha1]).collect();
    pair.upstream.downloads.ask_for(files.clone()).await.unwrap();
    let asked = pair.fake.asked(Operation::DownloadFiles);
    let digest = |sha1: &Sha1| STANDARD.encode(sha1.0);
    assert_eq!(asked.len(), 2);
    assert!(files.iter().all(|sha1| asked[0].contains(&digest(sha1))), "one call for all");
    assert!(asked[1].contains(&digest(&sha1)) && !asked[1].contains(&digest(&unknown[0])));
    // What it does not know any more makes us look what else changed, and once only.
    while looks() == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pair.ended().await;
    pair.fake.world().misbehave.insert(Operation::DownloadFiles, [fault].into());
    pair.upstream.downloads.ask_for(files).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(looks(), before + 1);
    follow.abort();
}
