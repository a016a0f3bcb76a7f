//! Every state that a check can find, made and found.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use uuid::Uuid;

use super::CheckStatus::{Error, Ok as Fine, Warn};
use super::*;
use crate::admin::{Source, import_into};
use crate::computers::computer::ComputerInfo;
use crate::computers::event::{DETECTION_FAILED, Event};
use crate::metadata::sample;
use crate::notifications;
use crate::notifications::channel::{Channel, Target, Topic};
use crate::notifications::webhook::Webhook;
use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::state::{self, Counted, Decision, Outgoing, Registration, State};
use crate::store::memory::MemoryStore;
use crate::upstream::records::{ContentMode, SourceRecord};
use crate::upstream::{self, CANCELLED, FAILED, Patience, Upstream};
use crate::wire::types::UpdateIdentity;

const DAY: i64 = 86_400;
const BEGAN: i64 = 1_800_000_000;
/// The event of an installation that failed.
const FAILED_INSTALL: i16 = 182;

/// A server without listeners, the clock of which can be set. Each test has a clock of its own.
fn subject(dir: &Path, store: &MemoryStore, now: fn() -> i64, settings: Settings) -> Subject {
    patient(dir, store, now, settings, upstream::Settings::default())
}

/// The same with settings for what it does with its upstream server.
fn patient(
    dir: &Path,
    store: &MemoryStore,
    now: fn() -> i64,
    settings: Settings,
    with_upstream: upstream::Settings,
) -> Subject {
    let store = Box::new(store.clone());
    let state = State::with_store(dir, store, &state::Settings::default(), now).expect("a state");
    let state = Arc::new(state);
    let upstream = Upstream::new(Arc::clone(&state), with_upstream);
    let monitor = Arc::new(Monitor::new(settings, state.now()));
    Subject::new(state, upstream, monitor)
}

async fn found(subject: &Subject, name: CheckName) -> (CheckStatus, String) {
    let mut checks = subject.check(&[name]).await;
    let check = checks.pop().expect("a check");
    assert!(checks.is_empty() && check.name == name);
    (check.status, check.text)
}

async fn status(subject: &Subject, name: CheckName) -> CheckStatus {
    found(subject, name).await.0
}

async fn register(state: &State, name: &str) {
    let info = ComputerInfo { dns_name: name.into(), ..ComputerInfo::default() };
    let registration = Registration {
        client_id: name.into(),
        info,
        requested_group: String::new(),
        client_side_targeting: false,
        address: String::new(),
    };
    state.register(registration).await.expect("registered");
}

#[tokio::test]
async fn the_machine_is_looked_at() {
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let with = |settings| subject(dir.path(), &store, || BEGAN, settings);
    let fine = with(Settings::default());
    assert_eq!(status(&fine, CheckName::Store).await, Fine);
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(dir.path(), private).expect("set");
    assert_eq!(status(&fine, CheckName::Permissions).await, Fine);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o750);
    std::fs::set_permissions(dir.path(), open).expect("set");
    let (found_open, text) = found(&fine, CheckName::Permissions).await;
    assert_eq!(found_open, Warn);
    assert!(text.contains(dir.path().to_str().expect("a name")), "{text}");
    assert_eq!(status(&fine, CheckName::Certificate).await, Fine, "there is no TLS");
    for (warn, error, expected) in [(0, 0, Fine), (u64::MAX, 0, Warn), (u64::MAX, u64::MAX, Error)]
    {
        fine.state.close().await;
        let settings = Settings { disk_warn: warn, disk_error: error, ..Settings::default() };
        let subject = with(settings);
        let (status, text) = found(&subject, CheckName::DiskSpace).await;
        assert_eq!(status, expected, "{text}");
        assert!(text.ends_with("MB are left on the disk"), "{text}");
        subject.state.close().await;
    }
    let stopped = with(Settings::default());
    stopped.state.close().await;
    let (status, text) = found(&stopped, CheckName::Store).await;
    assert_eq!((status, text.as_str()), (Error, "the server is stopping"));
    let health = Health::of(stopped.check(&[CheckName::Store, CheckName::ClientsExist]).await);
    assert_eq!((health.healthy, health.status, health.checks.len()), (false, Error, 2));
}

#[tokio::test]
async fn a_clock_that_was_set_is_noticed() {
    static NOW: AtomicI64 = AtomicI64::new(BEGAN);
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let now = || NOW.load(Ordering::Relaxed);
    let subject = subject(dir.path(), &store, now, Settings::default());
    assert_eq!(status(&subject, CheckName::Clock).await, Fine);
    NOW.store(BEGAN + 3600, Ordering::Relaxed);
    let (jumped, text) = found(&subject, CheckName::Clock).await;
    assert_eq!(jumped, Warn, "{text}");
    assert!(text.contains("by 3600 seconds") || text.contains("by 359"), "{text}");
    register(&subject.state, "pc").await;
    NOW.store(BEGAN, Ordering::Relaxed);
    let (behind, text) = found(&subject, CheckName::Clock).await;
    assert_eq!(behind, Error, "{text}");
    assert!(text.contains("2027-01-15T09:00:00Z before"), "{text}");
}

#[tokio::test]
async fn computers_are_missed_when_they_are_silent_or_fail() {
    static NOW: AtomicI64 = AtomicI64::new(BEGAN);
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let now = || NOW.load(Ordering::Relaxed);
    let settings = Settings { computers: 10, ..Settings::default() };
    let subject = subject(dir.path(), &store, now, settings);
    let state = &subject.state;
    assert_eq!(status(&subject, CheckName::ClientsExist).await, Warn);
    let documents = sample::documents().iter();
    let documents =
        documents.map(|(name, bytes)| Source { name: (*name).into(), bytes: bytes.to_vec() });
    let by = By::administrator();
    import_into(state, &by, documents.collect(), false).await.expect("imported");
    for number in 0..9 {
        register(state, &format!("pc-{number}")).await;
    }
    assert_eq!(status(&subject, CheckName::ClientsExist).await, Fine);
    assert_eq!(status(&subject, CheckName::TooManyClients).await, Fine);
    for (number, expected) in [(9, Warn), (10, Error)] {
        register(state, &format!("pc-{number}")).await;
        assert_eq!(status(&subject, CheckName::TooManyClients).await, expected);
    }
    for name in [CheckName::SilentClients, CheckName::InstallFailures, CheckName::InventoryFailures]
    {
        assert_eq!(status(&subject, name).await, Fine, "{name:?}");
    }

    let update = sample_update(state);
    let event = |instance: u128, event_id| Event {
        instance: Uuid::from_u128(instance),
        event_id,
        update: Some(UpdateIdentity { update_id: update, revision_number: 1 }),
        result: 0x8024_0017_u32.cast_signed(),
        ..Event::status(BEGAN, &[])
    };
    for (number, expected) in [(1, Fine), (2, Warn), (3, Error)] {
        let needs = Event::status(BEGAN, &[("U", &[update])]);
        let needs = Event { instance: Uuid::from_u128(number), ..needs };
        for event in
            [needs, event(10 + number, FAILED_INSTALL), event(20 + number, DETECTION_FAILED)]
        {
            let reported = state.report(format!("pc-{number}"), vec![event], false).await;
            assert!(reported.expect("reported"));
        }
        for name in [CheckName::InstallFailures, CheckName::InventoryFailures] {
            let (status, text) = found(&subject, name).await;
            assert_eq!(status, expected, "{text}");
            assert!(text.starts_with(&format!("{number} of 11 computers")), "{text}");
        }
    }
    NOW.store(BEGAN + 31 * DAY, Ordering::Relaxed);
    let (silent, text) = found(&subject, CheckName::SilentClients).await;
    assert_eq!(
        (silent, text.as_str()),
        (Error, "11 of 11 computers were not heard of for 30 days")
    );

    let terms = ApprovalAction::Install.into();
    let approve = Decision::Approve { group: "All Computers".into(), terms };
    assert_eq!(status(&subject, CheckName::ContentSync).await, Fine, "nothing is approved");
    state.decide(by, update, approve).await.expect("approved");
    let (content, text) = found(&subject, CheckName::ContentSync).await;
    assert_eq!(content, Warn, "{text}");
}

/// An update of the sample that has a file.
fn sample_update(state: &State) -> Uuid {
    let published = state.published();
    let catalog = &published.catalog;
    let mut tops = published.scope.tops.iter();
    let with_file = tops.find(|index| !catalog.files(*index).is_empty()).expect("a file");
    catalog.revision(with_file).expect("a revision").metadata.identity.update_id
}

#[tokio::test]
async fn a_synchronization_that_fails_or_is_long_ago_is_told() {
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let subject = subject(dir.path(), &store, || BEGAN, Settings::default());
    assert_eq!(status(&subject, CheckName::CatalogSync).await, Fine, "there is no upstream server");
    let source = SourceRecord { url: "http://127.0.0.1:9".into(), ..SourceRecord::default() };
    subject.upstream.set_source(By::administrator(), source).await.expect("set");
    let (never, text) = found(&subject, CheckName::CatalogSync).await;
    assert_eq!((never, text.as_str()), (Warn, "nothing was ever synchronised"));
    for (ended, status_of, expected) in [
        (BEGAN - 3600, 6702, Fine),
        (BEGAN - 7 * DAY, 6708, Fine),
        (BEGAN - 8 * DAY, 6702, Warn),
        // The one before counts, which was good or was not.
        (BEGAN - 3600, CANCELLED, Warn),
        (BEGAN - 3600, FAILED, Error),
        (BEGAN - 1800, CANCELLED, Error),
        (BEGAN - 900, 6702, Fine),
    ] {
        subject.upstream.remember(ended, status_of).await;
        let (status, text) = found(&subject, CheckName::CatalogSync).await;
        assert_eq!(status, expected, "{text}");
    }
}

/// A listener that answers everything so, whatever it is asked.
async fn answering(status: &'static str, body: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(answer(stream, status, body));
        }
    });
    address
}

/// The same on a socket of this machine.
fn answering_at(path: &Path, status: &'static str, body: &'static str) {
    let listener = UnixListener::bind(path).expect("bound");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(answer(stream, status, body));
        }
    });
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, status: &str, body: &str) {
    let mut asked = [0; 4096];
    let _ = stream.read(&mut asked).await;
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    let answer = format!("{head}Connection: close\r\n\r\n{body}");
    let _ = stream.write_all(answer.as_bytes()).await;
}

#[tokio::test]
async fn a_listener_that_answers_something_else_does_not_work() {
    const CLIENTS: [CheckName; 6] = [
        CheckName::SelfUpdate,
        CheckName::ClientWebService,
        CheckName::SimpleAuthWebService,
        CheckName::ReportingWebService,
        CheckName::ServerSyncWebService,
        CheckName::DssAuthWebService,
    ];
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        listener.local_addr().expect("an address")
    };
    let failed = "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
                  <PingResponse xmlns=\"http://www.microsoft.com/SoftwareDistribution\"><PingResult>\
                  <SuccessFlag>false</SuccessFlag></PingResult></PingResponse></soap:Body></soap:Envelope>";
    for http in [
        closed,
        answering("200 OK", "it works!").await,
        answering("404 Not Found", "no such page").await,
        answering("200 OK", failed).await,
    ] {
        let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
        let subject = subject(dir.path(), &store, || BEGAN, Settings::default());
        let socket = dir.path().join("socket");
        answering_at(&socket, "200 OK", "{}");
        subject.monitor.listens(Listeners {
            socket,
            http: Some(http),
            https: None,
            admin: Some((http, false)),
            certificates: None,
        });
        for name in CLIENTS {
            let (status, text) = found(&subject, name).await;
            assert_eq!(status, Error, "{name:?}: {text}");
            assert!(text.starts_with("over http: "), "{name:?}: {text}");
        }
        let (status, text) = found(&subject, CheckName::Api).await;
        assert_eq!(status, Error, "{text}");
        assert!(text.starts_with("over the socket: ") && text.contains("no problem"), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_does_not_come_is_told() {
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let usual = upstream::Settings::default();
    let once = Patience { attempts: 1, ..usual.patience };
    let once = upstream::Settings { patience: once, ..usual };
    let subject = patient(dir.path(), &store, || BEGAN, Settings::default(), once);
    let documents = sample::documents().iter();
    let documents =
        documents.map(|(name, bytes)| Source { name: (*name).into(), bytes: bytes.to_vec() });
    let by = By::administrator();
    import_into(&subject.state, &by, documents.collect(), false).await.expect("imported");
    let source = SourceRecord {
        url: "http://127.0.0.1:9".into(),
        content: ContentMode::Approved,
        ..SourceRecord::default()
    };
    subject.upstream.set_source(by.clone(), source).await.expect("set");
    let approve =
        Decision::Approve { group: "All Computers".into(), terms: ApprovalAction::Install.into() };
    subject.state.decide(by, sample_update(&subject.state), approve).await.expect("approved");
    let follow = tokio::spawn(Arc::clone(&subject.upstream).follow_downloads());
    let began = std::time::Instant::now();
    let text = loop {
        let (status, text) = found(&subject, CheckName::ContentSync).await;
        if status == Error {
            break text;
        }
        assert!(began.elapsed().as_secs() < 60, "{text}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(text.contains("files did not come; "), "{text}");
    follow.abort();
}

#[tokio::test]
async fn messages_that_nobody_takes_are_told() {
    static NOW: AtomicI64 = AtomicI64::new(BEGAN);
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let now = || NOW.load(Ordering::Relaxed);
    let subject = subject(dir.path(), &store, now, Settings::default());
    let state = &subject.state;
    assert_eq!(status(&subject, CheckName::Notifications).await, Fine, "nobody wants any");
    let channel = Channel {
        name: "ops".into(),
        target: Target::Webhook(Webhook { url: "http://127.0.0.1:9".into(), secret: None }),
        topics: [Topic::SyncFailed].into(),
        failing_computers: 1,
        digest: None,
    };
    let of = (&**state, &*subject.upstream);
    notifications::put(of, By::administrator(), channel).await.expect("put");
    let message = Outgoing {
        number: 0,
        channel: "ops".into(),
        event: "sync_failed".into(),
        created: BEGAN,
        attempts: 0,
        next: 0,
        subject: String::new(),
        text: String::new(),
        data: "{}".into(),
        error: None,
    };
    state.put_outgoing(vec![message], ("noted", Counted::default())).await.expect("put");
    let (waiting, _) = state.outbox().await.expect("read");
    let refused = Outgoing { error: Some("it was answered with 500".into()), ..waiting[0].clone() };
    state.refused(refused.clone(), Some(0)).await.expect("noted");
    assert_eq!(status(&subject, CheckName::Notifications).await, Fine);
    NOW.store(BEGAN + 2 * 3600, Ordering::Relaxed);
    let (late, text) = found(&subject, CheckName::Notifications).await;
    assert_eq!(late, Warn);
    assert!(text.contains("'ops'") && text.ends_with("answered with 500"), "{text}");
    state.refused(refused, None).await.expect("noted");
    let (dropped, text) = found(&subject, CheckName::Notifications).await;
    assert_eq!((dropped, text.as_str()), (Error, "1 messages never reached 'ops'"));
    NOW.store(BEGAN + 4 * DAY, Ordering::Relaxed);
    assert_eq!(status(&subject, CheckName::Notifications).await, Fine);
}

#[tokio::test]
async fn what_is_off_is_made_when_it_is_named_and_what_was_found_is_kept() {
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let settings = Settings { off: vec![CheckName::ClientsExist], ..Settings::default() };
    let subject = subject(dir.path(), &store, || BEGAN, settings);
    let made: Vec<CheckName> = subject.check(&[]).await.iter().map(|check| check.name).collect();
    let expected = CheckName::ALL.iter().copied().filter(|it| *it != CheckName::ClientsExist);
    assert_eq!(made, expected.collect::<Vec<_>>());
    assert_eq!(subject.monitor.last().len(), made.len());
    assert_eq!(status(&subject, CheckName::ClientsExist).await, Warn);
    assert_eq!(subject.monitor.last().len(), made.len() + 1);
    let (served, text) = found(&subject, CheckName::ClientWebService).await;
    assert_eq!((served, text.as_str()), (Warn, "this process serves nobody"));
}
