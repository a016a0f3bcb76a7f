//! A client that wants the end of a large file does not wait for the whole of it.

use std::thread;

use super::levels::Level;
use crate::harness::http::Connection;

const LENGTH: u64 = 1 << 30;
const WANTED: u64 = 5 << 20;
/// What may travel for it: whole blocks, and some ahead.
const MOST: u64 = 8 << 20;

#[test]
fn the_last_megabytes_of_a_large_file_come_alone_and_once() {
    let mut root = Level::root();
    let document = root.directory.beside("large.xml");
    std::fs::write(&document, large()).expect("written");
    root.directory.import(&[&document]);
    root.start();
    let mut middle = Level::below(&root, false);
    let url = middle.relay().url();
    middle.directory.json(&["sync", "source", &url, "--content", "none", "--pull-through"]);
    middle.start();
    middle.sync_well();
    middle.relay().serve_zeros(LENGTH);

    let http = middle.http().to_owned();
    let fetch = move || {
        let mut connection = Connection::plain(&http);
        let range = format!("bytes={}-{}", LENGTH - WANTED, LENGTH - 1);
        let path = format!("/Content/{}/{}.exe", &SHA1[38..], SHA1);
        let answer = connection.ask("GET", &path, &[("Range", &range)], b"");
        assert_eq!(answer.status, 206, "{}", answer.text());
        assert_eq!(answer.body.len() as u64, WANTED);
        assert!(answer.body.iter().all(|byte| *byte == 0));
    };
    // Two at once, and one after them.
    let together: Vec<_> = (0..2).map(|_| thread::spawn(fetch.clone())).collect();
    together.into_iter().for_each(|client| client.join().expect("fetched"));
    let travelled = middle.relay().content_bytes();
    assert!((WANTED..=MOST).contains(&travelled), "{travelled} bytes");
    fetch();
    assert_eq!(middle.relay().content_bytes(), travelled, "what is here is not fetched again");
    middle.stop();
    root.stop();
}

/// Nobody reads the whole file, so nobody finds out that this is not its digest.
const SHA1: &str = "0101010101010101010101010101010101010101";

fn large() -> String {
    format!(
        "<Update xmlns='http://schemas.microsoft.com/msus/2002/12/Update'>\
         <UpdateIdentity UpdateID='2f1c1f43-97a0-4bb2-a5e4-1e4f4a8a2c11' RevisionNumber='1' />\
         <Properties DefaultPropertiesLanguage='en' UpdateType='Software' \
         ExplicitlyDeployable='true' PublicationState='Published' \
         CreationDate='2026-01-05T09:00:00.000Z' \
         PublisherID='44d826c3-4e89-4348-ba38-7649163a0fc1' />\
         <LocalizedPropertiesCollection><LocalizedProperties><Language>en</Language>\
         <Title>Large</Title></LocalizedProperties></LocalizedPropertiesCollection>\
         <Relationships></Relationships><Files><File Digest='AQEBAQEBAQEBAQEBAQEBAQEBAQE=' \
         DigestAlgorithm='SHA1' FileName='large.exe' Size='{LENGTH}'><AdditionalDigest \
         Algorithm='SHA256'>AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=</AdditionalDigest></File>\
         </Files></Update>"
    )
}
