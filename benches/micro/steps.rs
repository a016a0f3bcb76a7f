//! The steps.

use std::hint::black_box;

use weir::catalog::Scan;
use weir::metadata::fragments::derive;
use weir::metadata::prepared;
use weir::services::cookie::{Keyring, ProtocolVersion, SessionState};
use weir::store::sled::SledStore;
use weir::store::{Batch, Store, Tree};
use weir::wire::operation::{Operation, Service};
use weir::wire::request::Request;
use weir::wire::{soap, xpress};

use crate::{fixture, requests};

/// One step.
pub(crate) struct Step {
    /// Its name, also on record.
    pub(crate) name: &'static str,
    /// Makes what it works on, and then what is measured.
    pub(crate) prepare: fn() -> Box<dyn FnMut()>,
}

/// All of them.
pub(crate) const ALL: &[Step] = &[
    Step { name: "decode-small", prepare: || decode(requests::scan(0)) },
    Step { name: "decode-1400-ids", prepare: || decode(requests::scan(1_461)) },
    Step { name: "decode-10000-ids", prepare: || decode(requests::scan(10_178)) },
    Step { name: "decode-75-devices", prepare: || decode(requests::driver_pass(75)) },
    Step { name: "scan-needed", prepare: needed },
    Step { name: "scan-delta", prepare: delta },
    Step { name: "fragments-derive", prepare: fragments },
    Step { name: "fragments-prepare", prepare: prepare_fragments },
    Step { name: "xpress-encode", prepare: xpress_encode },
    Step { name: "xpress-decode", prepare: xpress_decode },
    Step { name: "store-commit", prepare: store_commit },
    Step { name: "cookie-seal", prepare: cookie_seal },
    Step { name: "cookie-open", prepare: cookie_open },
];

/// The step of a name.
pub(crate) fn find(name: &str) -> Option<&'static Step> {
    ALL.iter().find(|step| step.name == name)
}

/// From the bytes of a body to a typed request.
fn decode(body: Vec<u8>) -> Box<dyn FnMut()> {
    Box::new(move || {
        let text = soap::decode(black_box(&body), Some("text/xml; charset=utf-8"));
        let text = text.expect("text");
        let envelope = soap::open(&text, Service::Client, Some(Operation::SyncUpdates));
        black_box(Request::read(envelope.expect("an envelope")).expect("a request"));
    })
}

/// What a client needs, from what it has installed.
fn needed() -> Box<dyn FnMut()> {
    let published = fixture::published();
    let markers = fixture::markers(&published);
    Box::new(move || {
        let installed = published.catalog.installed(black_box(&markers).iter().copied());
        black_box(published.catalog.needed(&published.scope, &installed, None));
    })
}

/// How that differs from what it has: nothing new.
fn delta() -> Box<dyn FnMut()> {
    let published = fixture::published();
    let markers = fixture::markers(&published);
    let needed = published.needed(&markers, None);
    let nothing = Scan { cached: &[], two_groups: false };
    let new = published.catalog.delta(&published.scope, &needed, &nothing).new;
    let revisions = new.iter().filter_map(|index| published.catalog.revision(*index));
    let cached: Vec<_> = revisions.map(|revision| revision.id).collect();
    Box::new(move || {
        let scan = Scan { cached: &[black_box(&cached)], two_groups: false };
        let delta = published.catalog.delta(&published.scope, &needed, &scan);
        assert!(delta.new.is_empty() && delta.out_of_scope.is_empty(), "there is nothing new");
        black_box(delta);
    })
}

/// The four fragments of a document.
fn fragments() -> Box<dyn FnMut()> {
    let document = fixture::largest_document();
    Box::new(move || {
        black_box(derive(black_box(&document)).expect("fragments"));
    })
}

/// Fragments escaped and compressed for the wire.
fn prepare_fragments() -> Box<dyn FnMut()> {
    let fragments = derive(&fixture::largest_document()).expect("fragments");
    Box::new(move || {
        black_box(prepared::write(black_box(&fragments)));
    })
}

fn xpress_encode() -> Box<dyn FnMut()> {
    let text = fixture::largest_document();
    Box::new(move || {
        let mut blocks = Vec::new();
        xpress::encode(black_box(text.as_bytes()), &mut blocks);
        black_box(blocks);
    })
}

fn xpress_decode() -> Box<dyn FnMut()> {
    let text = fixture::largest_document();
    let mut blocks = Vec::new();
    xpress::encode(text.as_bytes(), &mut blocks);
    Box::new(move || {
        black_box(xpress::decode(black_box(&blocks), text.len()).expect("blocks"));
    })
}

/// A batch of a hundred records, durable.
fn store_commit() -> Box<dyn FnMut()> {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = SledStore::open(directory.path()).expect("a store");
    let mut next = 0_u64;
    Box::new(move || {
        // It has to stay as long as the store.
        let _ = &directory;
        let mut batch = Batch::new();
        for _ in 0..100 {
            next += 1;
            batch.put(Tree::Events, next.to_be_bytes(), vec![next as u8; 300]);
        }
        store.commit(&batch).expect("committed");
    })
}

fn session() -> SessionState {
    SessionState {
        client_id: "e1da06a3-5601-43c9-bac3-52d5db701494".into(),
        dns_name: "pc-1234.corp.example".into(),
        target_group: "Pilot".into(),
        protocol: ProtocolVersion { major: 2, minor: 90 },
        config_change: 1_796_000_000,
        software_watermark: 1_000,
        driver_watermark: 900,
        view: 42,
        round: 3,
    }
}

fn cookie_seal() -> Box<dyn FnMut()> {
    let (keyring, state) = (Keyring::generate(0), session());
    Box::new(move || {
        black_box(keyring.seal_session(black_box(&state), 3_600).expect("a cookie"));
    })
}

fn cookie_open() -> Box<dyn FnMut()> {
    let keyring = Keyring::generate(0);
    let cookie = keyring.seal_session(&session(), 3_600).expect("a cookie");
    Box::new(move || {
        black_box(keyring.open_session(black_box(&cookie), 1).expect("a session"));
    })
}
