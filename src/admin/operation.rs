//! One thing that an administrator can see or do, as a value.
//!
//! An operation is a struct: its fields are what it needs to be told, [`Operation::Answer`] is what
//! it tells, [`Operation::ROUTE`] is where HTTP has it. Everything else follows from these: the
//! router, the description of the API, what a request is checked against, the roles, and the
//! request that the command line makes of it. So there is no list of paths to keep in step with a
//! list of commands.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::identity::Identity;
use super::jobs::{Jobs, Progress};
use super::{AdminError, Download, Sink, Subject, endpoint};
use crate::policy::by::By;
use crate::state::State;
use crate::upstream::Upstream;

/// One thing that an administrator can see or do.
///
/// The documentation of the struct is the operation's in the description of the API, that of its
/// fields theirs, and the struct's name is the operation's id. A field that the route's path names
/// travels in the path; the others travel in the query of GET, DELETE and uploads, and in a JSON
/// body otherwise.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Send + 'static {
    /// What it tells.
    type Answer: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    /// Where it is.
    const ROUTE: Route;

    /// The body that comes with it, if that is not JSON.
    const UPLOAD: Option<Upload> = None;

    /// The body of its answer, if that is not JSON; [`Self::Answer`] is nothing then.
    const DOWNLOAD: Option<Download> = None;

    /// Whether it may take minutes. Over HTTP it is then a [job](super::jobs).
    const LONG: bool = false;

    /// Whether it names files of the server's machine, and is asked for there alone: from elsewhere
    /// they are not to be read, written or probed.
    const HERE: bool = false;

    /// Does it. Runs where the disk may be waited for.
    ///
    /// # Errors
    /// When it is refused or fails.
    fn run(self, call: Call) -> impl Future<Output = Result<Self::Answer, AdminError>> + Send;
}

/// Method and path of an operation, and who may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// Below [`BASE`](super::api::BASE); `{field}` stands for the value of that field.
    pub path: &'static str,
    /// The least that the caller has to be; none for whoever comes.
    pub role: Option<Role>,
}

impl Route {
    /// Reads something, which reporters may.
    pub const fn get(path: &'static str) -> Self {
        Self { method: Method::Get, path, role: Some(Role::Reporter) }
    }

    /// Makes or does something, which administrators may.
    pub const fn post(path: &'static str) -> Self {
        Self { method: Method::Post, path, role: Some(Role::Administrator) }
    }

    /// Sets something, however often it is said, which administrators may.
    pub const fn put(path: &'static str) -> Self {
        Self { method: Method::Put, path, role: Some(Role::Administrator) }
    }

    /// Takes something away, which administrators may.
    pub const fn delete(path: &'static str) -> Self {
        Self { method: Method::Delete, path, role: Some(Role::Administrator) }
    }

    /// The same, for this role instead.
    pub const fn for_role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    /// The same, for whoever comes.
    pub const fn for_anybody(self) -> Self {
        Self { role: None, ..self }
    }

    /// The names of the fields that travel in the path.
    pub fn fields(self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(field)
    }
}

/// The field that a segment of a route's path stands for, if it stands for one.
pub(super) fn field(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes or does.
    Post,
    /// Sets.
    Put,
    /// Takes away.
    Delete,
}

impl Method {
    /// Whether its fields travel in a body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put)
    }

    /// As HTTP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What an account or a token may do; who may do more is greater.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees everything and changes nothing.
    Reporter,
    /// May do everything.
    Administrator,
}

/// A body that is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// Its media type.
    pub media_type: &'static str,
    /// Most bytes of it; none where they are not held in memory and end with what is expected.
    pub limit: Option<u64>,
    /// What it is.
    pub description: &'static str,
}

/// Carries out an operation. Of what takes long it is noted who began it: it may change nothing that
/// would be noted, and the job that tells of it is forgotten at a restart.
///
/// # Errors
/// Those of the operation; and when it cannot be noted, in which case nothing is done.
pub(super) async fn carry_out<O: Operation>(
    operation: O,
    call: Call,
) -> Result<O::Answer, AdminError> {
    if O::LONG {
        let what = serde_json::to_value(&operation).unwrap_or_default();
        let mut entry = json!({ "operation": endpoint::name::<O>() });
        // Others may be secrets.
        for field in O::ROUTE.fields() {
            entry[field] = what[field].clone();
        }
        if let Some(job) = call.job {
            entry["job"] = job.into();
        }
        call.state().note(call.by(), json!({ "start_job": entry })).await?;
    }
    operation.run(call).await
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As the audit trail names them.
    pub name: String,
    /// What they may do; none for somebody who did not say who they are.
    pub role: Option<Role>,
    /// Whether they are on the server's own machine, as whoever runs it.
    pub local: bool,
}

impl Caller {
    /// Somebody who did not say who they are.
    pub fn unknown() -> Self {
        Self { name: "unknown".to_owned(), role: None, local: false }
    }

    /// Whoever may open the data directory, or its socket.
    pub fn local() -> Self {
        Self { name: By::administrator().who, role: Some(Role::Administrator), local: true }
    }

    /// Somebody who is known by a token or a session.
    pub fn remote(name: String, role: Role) -> Self {
        Self { name, role: Some(role), local: false }
    }
}

/// The bytes of an upload, which arrive while they are read.
pub type Bytes = Box<dyn Read + Send>;

/// What an operation is carried out with.
pub struct Call {
    subject: Arc<Subject>,
    caller: Caller,
    peer: IpAddr,
    /// The secret of the session that it belongs to.
    session: Option<String>,
    /// Behind a lock so that a call can be shared; it is taken once.
    upload: Mutex<Option<Bytes>>,
    progress: Arc<Progress>,
    /// The number of the job that it is, if it is one.
    job: Option<u64>,
    cookie: Arc<Mutex<Option<SessionCookie>>>,
    sink: Option<Sink>,
}

/// What becomes of the cookie in which a browser keeps its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCookie {
    /// It is set to this secret.
    Set(String),
    /// It is removed.
    Removed,
}

impl Call {
    /// A call by `caller`, with the bytes that the operation's [`Operation::UPLOAD`] asks for.
    pub fn new(subject: Arc<Subject>, caller: Caller, upload: Option<Bytes>) -> Self {
        Self {
            subject,
            caller,
            peer: Ipv4Addr::LOCALHOST.into(),
            session: None,
            upload: Mutex::new(upload),
            progress: Arc::default(),
            job: None,
            cookie: Arc::default(),
            sink: None,
        }
    }

    /// The same, with where the pieces of its answer go.
    pub(super) fn into(self, sink: Sink) -> Self {
        Self { sink: Some(sink), ..self }
    }

    /// Where the pieces of its answer go.
    ///
    /// # Errors
    /// When nobody asked for any.
    pub(super) fn sink(&self) -> Result<&Sink, AdminError> {
        self.sink.as_ref().ok_or(AdminError::Cancelled)
    }

    /// The same, from this address and within this session; what becomes of its cookie is then
    /// found in `cookie`.
    pub fn from(
        self,
        peer: IpAddr,
        session: Option<String>,
        cookie: Arc<Mutex<Option<SessionCookie>>>,
    ) -> Self {
        Self { peer, session, cookie, ..self }
    }

    /// The same, as the job of this number.
    pub(super) fn numbered(self, number: u64) -> Self {
        Self { job: Some(number), ..self }
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.subject.identity
    }

    pub(super) fn subject(&self) -> &Arc<Subject> {
        &self.subject
    }

    pub(super) fn jobs(&self) -> &Jobs {
        &self.subject.jobs
    }

    /// How far it is, if it is long.
    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(super) fn peer(&self) -> IpAddr {
        self.peer
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    pub(super) fn set_cookie(&self, cookie: SessionCookie) {
        *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = Some(cookie);
    }

    pub(super) fn state(&self) -> &Arc<State> {
        &self.subject.state
    }

    pub(super) fn upstream(&self) -> &Arc<Upstream> {
        &self.subject.upstream
    }

    /// As [`Operation::HERE`], for an operation of which only some fields name such files.
    ///
    /// # Errors
    /// [`AdminError::NotFromElsewhere`] for whoever comes over the network.
    pub(super) fn only_here(&self) -> Result<(), AdminError> {
        if self.caller.local { Ok(()) } else { Err(AdminError::NotFromElsewhere) }
    }

    /// Who decides, for the journal.
    pub(super) fn by(&self) -> By {
        By::person(self.caller.name.as_str())
    }

    /// The bytes that came with it; nothing when they are asked for again.
    pub(super) fn upload(&self) -> Bytes {
        let upload = self.upload.lock().unwrap_or_else(PoisonError::into_inner).take();
        upload.unwrap_or_else(|| Box::new(std::io::empty()))
    }
}
