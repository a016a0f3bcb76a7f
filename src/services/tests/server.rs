//! A server without sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;
use uuid::Uuid;

use super::documents::{Document, id};
use crate::policy::by::By;
use crate::policy::terms::Terms;
use crate::services::call::SoapCall;
use crate::services::{Services, Settings};
use crate::state::{Children, ContentHandling, Decision, ImportOutcome, Members, State};
use crate::store::memory::MemoryStore;
use crate::store::{Batch, Store, Tree};
use crate::wire::operation::Operation;
use crate::wire::types::RevisionId;

/// 2026-10-04T12:00:00Z, when every test begins.
pub(super) const START: i64 = 1_791_115_200;

pub(super) const MINUTE: i64 = 60;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// A clock of one test. The state takes a plain function, so each test has its own: [`clock`].
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) seconds: &'static AtomicI64,
    pub(super) now: fn() -> i64,
}

macro_rules! clock {
    () => {{
        use std::sync::atomic::{AtomicI64, Ordering};
        static SECONDS: AtomicI64 = AtomicI64::new($crate::services::tests::server::START);
        let now = || SECONDS.load(Ordering::Relaxed);
        $crate::services::tests::server::Clock { seconds: &SECONDS, now }
    }};
}
pub(super) use clock;

/// An answer, read.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) text: String,
    /// What the server would log of it.
    pub(super) fault: Option<&'static str>,
}

pub(super) struct Server {
    services: Services,
    pub(super) state: Arc<State>,
    clock: Clock,
    data: TempDir,
    store: MemoryStore,
    settings: Settings,
    content: ContentHandling,
}

impl Server {
    pub(super) async fn start(clock: Clock) -> Self {
        Self::with(clock, Settings::default()).await
    }

    pub(super) async fn with(clock: Clock, settings: Settings) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let (store, content) = (MemoryStore::new(), ContentHandling::default());
        let (services, state) = open(&data, &store, &settings, content, clock).await;
        Self { services, state, clock, data, store, settings, content }
    }

    /// Stops the server and starts it again on the same data with other settings.
    pub(super) async fn restart(
        &mut self,
        change: impl FnOnce(&mut Settings, &mut ContentHandling),
    ) {
        self.state.close().await;
        change(&mut self.settings, &mut self.content);
        let (services, state) =
            open(&self.data, &self.store, &self.settings, self.content, self.clock).await;
        (self.services, self.state) = (services, state);
    }

    /// A copy of everything that is stored: a backup.
    pub(super) fn store_as_it_is(&self) -> MemoryStore {
        copy(&self.store)
    }

    /// Goes back to a backup.
    pub(super) async fn restore(&mut self, backup: &MemoryStore) {
        self.state.close().await;
        self.store = copy(backup);
        self.restart(|_, _| ()).await;
        let told = serde_json::json!("a test");
        self.state.begin_timeline(By::administrator(), told).await.expect("begun");
    }

    pub(super) fn services(&self) -> &Services {
        &self.services
    }

    pub(super) fn now(&self) -> i64 {
        (self.clock.now)()
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.clock.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Imports the documents and says what they are called here.
    pub(super) async fn import<const N: usize>(&self, documents: [Document; N]) -> [u32; N] {
        let documents = documents.map(Document::importable).into();
        let outcomes =
            self.state.import(By::administrator(), documents, false).await.expect("a commit");
        std::array::from_fn(|position| match &outcomes[position] {
            ImportOutcome::New(RevisionId(id)) => *id,
            other => panic!("not imported: {other:?}"),
        })
    }

    pub(super) async fn approve(&self, update: u128, group: &str, terms: impl Into<Terms>) {
        let decision = Decision::Approve { group: group.into(), terms: terms.into() };
        self.state.decide(By::administrator(), id(update), decision).await.expect("a decision");
    }

    pub(super) async fn decline(&self, update: u128) {
        let by = By::administrator();
        self.state.decide(by, id(update), Decision::Decline).await.expect("a decision");
    }

    pub(super) async fn group(&self, name: &str) {
        self.group_below(name, "All Computers").await;
    }

    pub(super) async fn group_below(&self, name: &str, parent: &str) {
        let (by, id, parent) = (By::administrator(), Uuid::new_v4(), Some(parent.into()));
        self.state.create_group(by, id, name.into(), parent).await.expect("a group");
    }

    /// Puts a computer into these groups and no others.
    pub(super) async fn place(&self, client_id: &str, groups: &[&str]) {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        let by = By::administrator();
        self.state.move_computer(by, client_id.to_owned(), groups).await.expect("moved");
    }

    pub(super) async fn delete_group(&self, name: &str) {
        let (by, children) = (By::administrator(), Children::Refuse);
        let deleted = self.state.delete_group(by, name.into(), children, Members::Release);
        deleted.await.expect("deleted");
    }

    /// Brings the content that a document was given under this name.
    pub(super) async fn add_content(&self, text: &'static str) {
        let source = std::io::Cursor::new(text.as_bytes());
        let sha1 = super::documents::digests(text).sha1;
        self.state.add_content(By::administrator(), sha1, source).await.expect("content");
    }

    /// Calls an operation with the children of its element.
    pub(super) async fn call(&self, operation: Operation, children: &str) -> Answer {
        self.soap(call(operation, children)).await
    }

    /// Makes any call.
    pub(super) async fn soap(&self, call: SoapCall) -> Answer {
        let answer = self.services.soap(call).await;
        let bytes: Vec<u8> =
            answer.pieces.iter().flat_map(|it| it.bytes().expect("whole")).collect();
        Answer {
            status: answer.status,
            content_type: answer.content_type,
            text: String::from_utf8(bytes).expect("UTF-8"),
            fault: answer.outcome.fault,
        }
    }
}

fn copy(store: &MemoryStore) -> MemoryStore {
    let mut batch = Batch::default();
    for tree in Tree::ALL {
        let put = &mut |key: &[u8], value: &[u8]| {
            batch.put(tree, key, value);
            Ok(())
        };
        store.load(tree, put).expect("readable");
    }
    let mut copy = MemoryStore::new();
    copy.commit(&batch).expect("writable");
    copy
}

async fn open(
    data: &TempDir,
    store: &MemoryStore,
    settings: &Settings,
    content: ContentHandling,
    clock: Clock,
) -> (Services, Arc<State>) {
    let state_settings = crate::state::Settings { content, ..Default::default() };
    let store = Box::new(store.clone());
    let state = State::with_store(data.path(), store, &state_settings, clock.now);
    let state = Arc::new(state.expect("a state"));
    let services = Services::start(Arc::clone(&state), settings.clone()).await;
    (services.expect("services"), state)
}

/// A call as an agent makes it, in SOAP 1.1.
pub(super) fn call(operation: Operation, children: &str) -> SoapCall {
    let namespace = operation.service().namespace();
    let name = operation.name();
    let body = format!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><{name} xmlns="{namespace}">{children}</{name}></s:Body></s:Envelope>"#
    );
    SoapCall {
        service: operation.service(),
        operation: Some(operation),
        soap_action: Some(format!("\"{}\"", operation.action())),
        content_type: Some("text/xml; charset=utf-8".into()),
        body: body.into(),
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000)),
        host: Some("wsus.example:8530".into()),
        https: false,
    }
}

/// A recorded body with other data in its cookie.
pub(super) fn with_cookie(body: &str, data: &str) -> String {
    const BEFORE: &str = "<EncryptedData>";
    let start = body.find(BEFORE).expect("a cookie") + BEFORE.len();
    let end = body.find("</EncryptedData>").expect("a cookie");
    format!("{}{data}{}", &body[..start], &body[end..])
}

impl Answer {
    /// The text of every element with this name, in order.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let document = self.document();
        let named = document.descendants().filter(|node| node.tag_name().name() == name);
        named.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    /// The text of the only element with this name.
    pub(super) fn text_of(&self, name: &str) -> String {
        let texts = self.texts(name);
        assert_eq!(texts.len(), 1, "{name} in {}", self.text);
        texts.into_iter().next().unwrap_or_default()
    }

    pub(super) fn document(&self) -> roxmltree::Document<'_> {
        roxmltree::Document::parse(&self.text).expect("XML")
    }

    /// The answer, which is no fault.
    #[track_caller]
    pub(super) fn ok(self) -> Self {
        assert_eq!((self.status, self.fault), (200, None), "{}", self.text);
        self
    }

    /// Checks that the answer is exactly this fault.
    #[track_caller]
    pub(super) fn is_fault(&self, code: &str, message: &str) {
        assert_eq!(self.status, 500, "{}", self.text);
        let found = (self.text_of("ErrorCode"), self.text_of("Message"));
        assert_eq!(found, (code.to_owned(), message.to_owned()));
        assert_eq!(self.fault, Some(code));
    }
}
