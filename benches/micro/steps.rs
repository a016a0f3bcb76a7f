//! The steps.

use std::hint::black_box;

use roaring::RoaringBitmap;
use weir::catalog::{Computer, Device, Scan};
use weir::metadata::fragments::derive;
use weir::metadata::prepared;
use weir::services::cookie::{Keyring, ProtocolVersion, SessionState};
use weir::store::sled::SledStore;
use weir::store::{Batch, Store, Tree};
use weir::wire::operation::{Operation, Service};
use weir::wire::request::Request;
use weir::wire::{soap, xpress};

use crate::{drivers, fixture, requests};

/// One step.
pub(crate) struct Step {
    /// Its name, also on record.
    pub(crate) name: &'static str,
    /// Makes what it works on, and then what is measured.
    pub(crate) prepare: fn() -> Box<dyn FnMut()>,
    /// Whether its instructions are counted: not where making what it works on would take minutes
    /// under valgrind.
    pub(crate) counted: bool,
}

/// A step whose instructions are counted.
const fn counted(name: &'static str, prepare: fn() -> Box<dyn FnMut()>) -> Step {
    Step { name, prepare, counted: true }
}

/// All of them.
pub(crate) const ALL: &[Step] = &[
    counted("decode-small", || decode(requests::scan(0))),
    counted("decode-1400-ids", || decode(requests::scan(1_461))),
    counted("decode-10000-ids", || decode(requests::scan(10_178))),
    counted("decode-75-devices", || decode(requests::driver_pass(75))),
    counted("scan-needed", needed),
    counted("scan-delta", delta),
    Step { name: "driver-pass", prepare: driver_pass, counted: false },
    counted("fragments-derive", fragments),
    counted("fragments-prepare", prepare_fragments),
    counted("xpress-encode", xpress_encode),
    counted("xpress-decode", xpress_decode),
    counted("store-commit", store_commit),
    counted("cookie-seal", cookie_seal),
    counted("cookie-open", cookie_open),
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

/// The drivers of 75 devices among 100,000, a device's ids being those of some drivers.
fn driver_pass() -> Box<dyn FnMut()> {
    let catalog = drivers::catalog(100_000);
    let ids: Vec<[String; 4]> = (0..75).map(drivers::device).collect();
    let scope = catalog.scope(&RoaringBitmap::new());
    Box::new(move || {
        let devices = ids.iter().map(|ids| Device {
            hardware_ids: ids[..2].iter().map(String::as_str).collect(),
            compatible_ids: ids[2..].iter().map(String::as_str).collect(),
            installed: None,
        });
        let devices: Vec<_> = devices.collect();
        let eligible = catalog.eligible_drivers(&scope, &[], None);
        let found = catalog.best_drivers(
            &eligible,
            &RoaringBitmap::new(),
            &Computer::default(),
            black_box(&devices),
        );
        assert_eq!(found.len(), 75, "each has one of its own");
        black_box(found);
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
        timeline: uuid::Uuid::nil(),
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
