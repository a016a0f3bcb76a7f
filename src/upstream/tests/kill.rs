//! Killed at any moment, a synchronization goes on: nobody sees a half of it, and nothing is fetched
//! twice but what was on its way.
//!
//! The test starts itself as a child that synchronises with an upstream server in the parent, which
//! kills it.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::policy::by::By;
use crate::wire::operation::Operation;

const CHILD: &str = "WEIR_SYNC_DIRECTORY";
const URL: &str = "WEIR_SYNC_URL";
const SELF: &str = "upstream::tests::kill::a_killed_synchronization_goes_on";

const ROUNDS: u32 = 12;
const UPDATES: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_synchronization_goes_on() {
    if let Some(directory) = std::env::var_os(CHILD) {
        let url = std::env::var(URL).unwrap();
        synchronise(Path::new(&directory), &url).await;
        return;
    }
    let fake = Fake::start().await;
    fake.world().per_request = 5;
    let template = sample::documents().iter().find(|(name, _)| *name == "gauge-2.0.7.xml");
    let template = String::from_utf8(template.unwrap().1.to_vec()).unwrap();
    for number in 0..UPDATES {
        let id = uuid::Uuid::from_u128(0xa000 + number as u128).to_string();
        let document = template.replacen("450b7a01-9903-4916-8138-db2f7aa8d785", &id, 1);
        fake.world().add(document.as_bytes());
    }
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for round in 0..ROUNDS {
        let asked = fake.asked(Operation::GetUpdateData).len();
        let mut child = start(dir.path(), &fake.url);
        // Some die while they start, some while they fetch, some while they publish.
        let patience = std::time::Instant::now() + Duration::from_secs(20);
        let batches = (round as usize * 7) % 11;
        while std::time::Instant::now() < patience
            && fake.asked(Operation::GetUpdateData).len() < asked + batches
            && child.try_wait().unwrap().is_none()
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let state = opened(dir.path());
        seen.push(state.published().catalog.len());
        state.close().await;
    }
    assert!(seen.iter().all(|count| [0, UPDATES].contains(count)), "{seen:?}");
    synchronise(dir.path(), &fake.url).await;
    let state = opened(dir.path());
    let published = state.published();
    assert_eq!(published.catalog.len(), UPDATES);
    for (identity, (text, _)) in &fake.world().documents {
        let index = published.catalog.by_identity(identity).expect("synchronised");
        assert_eq!(state.document(published.places(index).unwrap()).unwrap(), *text);
    }
    state.close().await;
    let asked = fake.asked(Operation::GetUpdateData).concat();
    let asked = asked.matches("<UpdateIdentity>").count();
    // Each life may lose what its connections had asked for.
    let most = UPDATES + (ROUNDS as usize) * settings().workers * 5;
    assert!(asked <= most, "{asked} were asked for");
}

fn start(directory: &Path, url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([SELF, "--exact", "--test-threads=1"])
        .env(CHILD, directory)
        .env(URL, url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn opened(directory: &Path) -> State {
    State::open(directory, &state::Settings::default(), || 1_000).unwrap()
}

async fn synchronise(directory: &Path, url: &str) {
    let state = Arc::new(opened(directory));
    let upstream = Upstream::new(Arc::clone(&state), settings());
    let source = SourceRecord { url: url.to_owned(), ..SourceRecord::default() };
    upstream.set_source(By::administrator(), source).await.unwrap();
    let everything = SelectionChange { everything: Some(true), ..SelectionChange::default() };
    upstream.select(By::administrator(), everything).await.unwrap();
    upstream.start(By::administrator(), Scope::Everything).await.unwrap();
    while upstream.running().is_some() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let run = upstream.history().await.unwrap().pop().unwrap();
    assert_eq!(run.status, 6702, "{run:?}");
    state.close().await;
}
