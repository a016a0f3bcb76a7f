//! Nothing acknowledged is lost, and what is there is whole, when the process is killed.
//!
//! The test starts itself as a child that writes numbered batches and prints each number once the
//! store has acknowledged it; the parent kills the child at a random moment, opens what is left and
//! compares. The child goes on with the same directory in the next round, so that every opening
//! after a crash is also the start of more writing. In every other round the moment counts from
//! the start of the process, so that some kills fall into the opening itself. A kill is not a power
//! cut: what the disk would have lost is not tested here. `WEIR_KILL_ROUNDS` sets the number of
//! rounds.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;
use weir::store::journal::{self, Journal};
use weir::store::packs::{Packs, Place};
use weir::store::sled::SledStore;
use weir::store::value::{self, NoPrevious, Stored};
use weir::store::{Batch, Store, StoreError, Tree};

/// Names the data directory, and makes of the test the child.
const CHILD: &str = "WEIR_KILL_DIRECTORY";
/// Short enough that a life which begins with the process may end while the store opens.
const LONGEST_LIFE_MS: u128 = 200;

/// Then the first opening, which creates everything, takes its chance again.
const ROUNDS_PER_DIRECTORY: u32 = 5;

#[derive(Debug, Serialize, Deserialize)]
struct Numbered {
    number: u64,
    places: Vec<Place>,
}

impl Stored for Numbered {
    const NAME: &'static str = "numbered record";
    const VERSION: u8 = 1;
    type Previous = NoPrevious;

    fn migrate(previous: NoPrevious) -> Self {
        match previous {}
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Some(directory) = env::var_os(CHILD) {
        let error = write_until_killed(Path::new(&directory)).unwrap_err();
        panic!("the child failed: {error}");
    }
    let rounds = env::var("WEIR_KILL_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    let mut scratch = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 1..=rounds {
        if round % ROUNDS_PER_DIRECTORY == 0 {
            scratch = tempfile::tempdir().unwrap();
            acknowledged = 0;
        }
        let life = Duration::from_millis((Uuid::new_v4().as_u128() % LONGEST_LIFE_MS) as u64);
        let started = round % 2 == 0;
        acknowledged = run_and_kill(scratch.path(), started, life).unwrap_or(acknowledged);
        check(scratch.path(), acknowledged, &format!("round {round}, killed after {life:?}"));
    }
}

/// The child: one more of everything, again and again.
fn write_until_killed(directory: &Path) -> Result<(), StoreError> {
    let mut store = SledStore::open(directory)?;
    let packs = settled(directory, &store)?;
    let mut journal = Journal::open(&directory.join("journal"))?;
    let mut number = latest(&store)?;
    loop {
        number += 1;
        let places = packs.put_many(&[content(number), content(number + 1)])?;
        journal
            .append(OffsetDateTime::now_utc(), &[json!(number), json!("and its second line")])?;

        let record = value::encode(&Numbered { number, places })?;
        let mut batch = Batch::new();
        batch.put(Tree::Approvals, number.to_be_bytes(), record.clone());
        batch.put(Tree::Statuses, number.to_be_bytes(), record);
        batch.put(Tree::Meta, b"latest", number.to_be_bytes());
        store.commit(&batch)?;

        // Straight to the pipe: what is printed is acknowledged, whenever the end comes.
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {number}").and_then(|()| out.flush()).unwrap();
    }
}

/// Lets a child live for `life` and returns the last number that it acknowledged. When it is to be
/// `started`, its life counts from its first acknowledgement.
fn run_and_kill(directory: &Path, started: bool, life: Duration) -> Option<u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "what_was_acknowledged_survives_a_kill", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, numbers) = mpsc::channel();
    let reader = thread::spawn(move || {
        let lines = output.lines().map_while(Result::ok);
        let numbers = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
        numbers.for_each(|number| sender.send(number).unwrap());
    });

    let mut last = None;
    if started {
        last = Some(numbers.recv_timeout(Duration::from_secs(60)).unwrap());
        let refused = SledStore::open(directory).err();
        let holder = Some(child.id());
        assert!(matches!(refused, Some(StoreError::Locked { pid, .. }) if pid == holder));
    }
    thread::sleep(life);
    assert_eq!(child.try_wait().unwrap(), None, "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    numbers.try_iter().last().or(last)
}

fn check(directory: &Path, acknowledged: u64, when: &str) {
    let store = SledStore::open(directory).unwrap_or_else(|error| panic!("{when}: {error}"));
    let packs = Packs::open(&directory.join("packs")).unwrap();
    Journal::open(&directory.join("journal")).unwrap_or_else(|error| panic!("{when}: {error}"));

    let last = latest(&store).unwrap();
    assert!(last >= acknowledged, "{when}: {acknowledged} is lost, {last} is the latest");
    for tree in [Tree::Approvals, Tree::Statuses] {
        let mut expected = 1..=last;
        let mut compare = |key: &[u8], bytes: &[u8]| {
            let record: Numbered = value::decode(bytes)?;
            assert_eq!(key, record.number.to_be_bytes());
            assert_eq!(Some(record.number), expected.next(), "{when}: {}", tree.name());
            if record.number + 50 > acknowledged {
                for (place, number) in record.places.iter().zip(record.number..) {
                    assert_eq!(packs.read(*place)?, content(number), "{when}");
                }
            }
            Ok(())
        };
        store.load(tree, &mut compare).unwrap_or_else(|error| panic!("{when}: {error}"));
        assert_eq!(expected.next(), None, "{when}: a batch is torn in {}", tree.name());
    }

    let entries = journal::entries(&directory.join("journal")).unwrap();
    let entries = entries.map(|entry| entry.unwrap_or_else(|error| panic!("{when}: {error}")));
    let numbers: BTreeSet<_> = entries.filter_map(|entry| entry.value.as_u64()).collect();
    assert!((1..=last).all(|number| numbers.contains(&number)), "{when}: journal");
}

fn latest(store: &dyn Store) -> Result<u64, StoreError> {
    let bytes = store.read(Tree::Meta, b"latest")?;
    Ok(bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap())))
}

/// The packs, as a start leaves them: without what the last life wrote and did not commit.
fn settled(directory: &Path, store: &dyn Store) -> Result<Packs, StoreError> {
    let packs = Packs::open(&directory.join("packs"))?;
    let mut places: Vec<Place> = Vec::new();
    store.load(Tree::Approvals, &mut |_, bytes| {
        places.extend(value::decode::<Numbered>(bytes)?.places);
        Ok(())
    })?;
    let settled = packs.settle(places.into_iter())?;
    assert_eq!(settled.missing, 0, "what a record refers to is gone");
    Ok(packs)
}

/// An entry of some kilobytes that is unlike any other.
fn content(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(500 + (number % 7) as usize)
}
