//! Who is notified of what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdminError, Call, Operation, Role, Route, instant};
use crate::notifications::channel::{Channel, DigestTime, Target, Topic};
use crate::notifications::email::{Email, MailTls};
use crate::notifications::webhook::Webhook;
use crate::notifications::{self, NotifyError};
use crate::state::{Counted, Outgoing};

/// From how many computers on an update counts as failing, if it is not said.
const FAILING_COMPUTERS: u32 = 5;

/// All channels of notifications, without their secrets, and what waits for them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListNotifications {}

impl Operation for ListNotifications {
    type Answer = Vec<ShownChannel>;
    // Addresses of webhooks are often secrets themselves.
    const ROUTE: Route = Route::get("/notifications").for_role(Role::Administrator);

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let all = notifications::channels(call.state()).await?;
        let (waiting, counted) = call.state().outbox().await?;
        let shown = all.channels.iter().map(|it| ShownChannel::of(it, &waiting, &counted));
        Ok(shown.collect())
    }
}

/// Set up a channel of notifications, or replace the one of the same name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PutNotification {
    /// Its name: letters, digits, spaces and any of -_.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// By which way.
    pub target: Target,
    /// What to tell.
    #[schemars(length(min = 1, max = 5))]
    pub topics: Vec<Topic>,
    /// From how many computers on an update counts as failing; 5 if it is not said.
    #[schemars(range(min = 1))]
    pub failing_computers: Option<u32>,
    /// When a digest is sent, if one is wanted.
    pub digest: Option<DigestTime>,
}

impl Operation for PutNotification {
    type Answer = ShownChannel;
    const ROUTE: Route = Route::put("/notifications/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let channel = Channel {
            name: self.name,
            target: self.target,
            topics: self.topics.into_iter().collect(),
            failing_computers: self.failing_computers.unwrap_or(FAILING_COMPUTERS),
            digest: self.digest,
        };
        let of = (&**call.state(), &**call.upstream());
        let put = notifications::put(of, call.by(), channel).await?;
        let (waiting, counted) = call.state().outbox().await?;
        Ok(ShownChannel::of(&put, &waiting, &counted))
    }
}

/// Remove a channel of notifications, and what waits for it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveNotification {
    /// Its name.
    pub name: String,
}

impl Operation for RemoveNotification {
    type Answer = RemovedChannel;
    const ROUTE: Route = Route::delete("/notifications/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        notifications::remove(call.state(), call.by(), &self.name).await?;
        Ok(RemovedChannel { removed: self.name })
    }
}

/// A channel that is no more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemovedChannel {
    /// Its name.
    pub removed: String,
}

/// Send a message over a channel at once, to see whether it arrives.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TestNotification {
    /// Its name.
    pub name: String,
}

impl Operation for TestNotification {
    type Answer = TestedChannel;
    const ROUTE: Route = Route::post("/notifications/{name}/test");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        notifications::test(call.state(), &self.name).await?;
        Ok(TestedChannel { delivered: true })
    }
}

/// How a test went.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TestedChannel {
    /// True; a message that was not taken is a problem.
    pub delivered: bool,
}

/// A channel, without its secrets.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownChannel {
    /// Its name.
    pub name: String,
    /// What it tells.
    pub topics: Vec<Topic>,
    /// E-mail, if that is its way.
    pub email: Option<ShownEmail>,
    /// The URL of a webhook, if that is its way.
    pub webhook: Option<String>,
    /// Whether there is a password, or a secret that signs.
    pub secret: bool,
    /// From how many computers on an update counts as failing.
    pub failing_computers: u32,
    /// When digests are sent.
    pub digest: Option<DigestTime>,
    /// How many messages wait for it.
    pub waiting: u64,
    /// How many it never got: too many waited, or they were not taken for three days.
    pub dropped: u64,
    /// Why the first of them was not taken.
    pub error: Option<String>,
    /// When it is tried again.
    pub next: Option<String>,
}

/// To whom, from whom, and over which server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownEmail {
    /// The mail server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: MailTls,
    /// The user that signs in.
    pub user: Option<String>,
    /// Whom it is from.
    pub from: String,
    /// To whom it goes.
    pub to: Vec<String>,
}

impl ShownChannel {
    fn of(channel: &Channel, waiting: &[Outgoing], counted: &Counted) -> Self {
        let (mut email, mut webhook) = (None, None);
        let secret = match &channel.target {
            Target::Email(Email { server, port, tls, user, password, from, to }) => {
                email = Some(ShownEmail {
                    server: server.clone(),
                    port: *port,
                    tls: *tls,
                    user: user.clone(),
                    from: from.clone(),
                    to: to.clone(),
                });
                password.is_some()
            }
            Target::Webhook(Webhook { url, secret }) => {
                webhook = Some(url.clone());
                secret.is_some()
            }
        };
        let waiting: Vec<_> = waiting.iter().filter(|it| it.channel == channel.name).collect();
        let first = waiting.first().filter(|it| it.error.is_some());
        Self {
            name: channel.name.clone(),
            topics: channel.topics.iter().copied().collect(),
            email,
            webhook,
            secret,
            failing_computers: channel.failing_computers,
            digest: channel.digest,
            waiting: waiting.len() as u64,
            dropped: counted.dropped.get(&channel.name).map_or(0, |dropped| dropped.count),
            error: first.and_then(|it| it.error.clone()),
            next: first.and_then(|it| instant(it.next)),
        }
    }
}

impl From<NotifyError> for AdminError {
    fn from(error: NotifyError) -> Self {
        match error {
            NotifyError::State(error) => error.into(),
            NotifyError::Invalid(field, problem) => Self::invalid(field, problem),
            NotifyError::NotDelivered(_) => Self::Refused(error.to_string()),
        }
    }
}
