//! Channels: who is told what, and how.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::NotifyError;
use super::email::Email;
use super::webhook::Webhook;
use crate::http::Location;
use crate::state::records::first_version;

/// Most channels.
const CHANNELS: usize = 20;
/// Most characters of a name.
const NAME: usize = 64;

/// What somebody may want to be told.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A synchronization brought updates.
    NewUpdates,
    /// A synchronization failed.
    SyncFailed,
    /// An update fails on more computers than a threshold.
    InstallsFailed,
    /// Content files did not come.
    ContentFailed,
    /// How computers stand, once a day or a week.
    Digest,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NewUpdates,
        Self::SyncFailed,
        Self::InstallsFailed,
        Self::ContentFailed,
        Self::Digest,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewUpdates => "new_updates",
            Self::SyncFailed => "sync_failed",
            Self::InstallsFailed => "installs_failed",
            Self::ContentFailed => "content_failed",
            Self::Digest => "digest",
        }
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// The first.
    Monday,
    /// The second.
    Tuesday,
    /// The third.
    Wednesday,
    /// The fourth.
    Thursday,
    /// The fifth.
    Friday,
    /// The sixth.
    Saturday,
    /// The last.
    Sunday,
}

impl Day {
    /// All of them, the first first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}

/// When a digest is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestTime {
    /// On which day of the week; daily if none is given.
    pub day: Option<Day>,
    /// Minutes after midnight, UTC.
    #[schemars(range(min = 0, max = 1439))]
    pub minute: u16,
}

/// By which way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// E-mail.
    Email(Email),
    /// A program that takes JSON over HTTP.
    Webhook(Webhook),
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// By which way.
    pub target: Target,
    /// What.
    pub topics: BTreeSet<Topic>,
    /// From how many computers on an update counts as failing.
    pub failing_computers: u32,
    /// When digests are sent, if they are wanted.
    pub digest: Option<DigestTime>,
}

impl Channel {
    /// As the journal has it, without secrets: what follows the host in the address of a webhook often
    /// is one.
    pub(super) fn told(&self) -> Value {
        let topics: Vec<&str> = self.topics.iter().map(|topic| topic.name()).collect();
        let to = match &self.target {
            Target::Email(email) => json!({
                "server": email.server,
                "port": email.port,
                "tls": email.tls,
                "user": email.user,
                "from": email.from,
                "to": email.to,
                "has_password": email.password.is_some(),
            }),
            Target::Webhook(webhook) => json!({
                "origin": Location::parse(&webhook.url).map(|it| it.origin),
                "has_secret": webhook.secret.is_some(),
            }),
        };
        json!({
            "name": self.name,
            "to": to,
            "topics": topics,
            "failing_computers": self.failing_computers,
            "digest": self.digest,
        })
    }
}

/// All channels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelsRecord {
    /// In the order of their names.
    pub channels: Vec<Channel>,
}

first_version! {
    ChannelsRecord, "notification channels";
}

impl ChannelsRecord {
    /// The channel of this name.
    pub fn find(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    /// Puts a channel in, or in the place of that of the same name. Where it keeps its way, it also
    /// keeps the secret that is not said again.
    ///
    /// # Errors
    /// When it cannot be used, or there are too many.
    pub(super) fn put(&mut self, mut channel: Channel) -> Result<(), NotifyError> {
        let harmless = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
        let name = &channel.name;
        let fits = (1..=NAME).contains(&name.chars().count()) && name.chars().all(harmless);
        if !fits || name.trim() != name {
            let problem = format!("has to be 1 to {NAME} letters, digits, spaces and any of -_.");
            return Err(NotifyError::Invalid("name", problem));
        }
        let old = self.find(&channel.name).map(|old| old.target.clone());
        match (&mut channel.target, old) {
            (Target::Email(new), Some(Target::Email(old))) => new.keep_secret_of(&old),
            (Target::Webhook(new), Some(Target::Webhook(old))) => new.keep_secret_of(&old),
            _ => {}
        }
        match &channel.target {
            Target::Email(email) => email.check()?,
            Target::Webhook(webhook) => webhook.check()?,
        }
        if channel.topics.is_empty() {
            return Err(NotifyError::Invalid("topics", "name at least one thing to tell".into()));
        }
        if channel.topics.contains(&Topic::Digest) != channel.digest.is_some() {
            let problem = "a digest and its time are wanted together, or neither";
            return Err(NotifyError::Invalid("digest", problem.into()));
        }
        if channel.digest.is_some_and(|digest| digest.minute >= 24 * 60) {
            return Err(NotifyError::Invalid("digest", "a day has 1440 minutes".into()));
        }
        self.channels.retain(|other| other.name != channel.name);
        if self.channels.len() >= CHANNELS {
            return Err(NotifyError::Invalid("name", format!("{CHANNELS} channels are the limit")));
        }
        self.channels.push(channel);
        self.channels.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(name: &str, url: &str, secret: Option<&str>) -> Channel {
        let secret = secret.map(str::to_owned);
        Channel {
            name: name.to_owned(),
            target: Target::Webhook(Webhook { url: url.to_owned(), secret }),
            topics: BTreeSet::from([Topic::SyncFailed]),
            failing_computers: 1,
            digest: None,
        }
    }

    #[test]
    fn a_secret_stays_where_it_was_given_for_and_goes_nowhere_else() {
        let mut all = ChannelsRecord::default();
        let secret = "0123456789abcdef";
        all.put(hook("a", "https://one.example/x", Some(secret))).expect("good");
        all.put(hook("a", "https://one.example/y", None)).expect("good");
        let kept = |all: &ChannelsRecord| match &all.channels[0].target {
            Target::Webhook(webhook) => webhook.secret.clone(),
            Target::Email(_) => None,
        };
        assert_eq!(kept(&all).as_deref(), Some(secret));
        all.put(hook("a", "https://other.example/x", None)).expect("good");
        assert_eq!(kept(&all), None, "somebody else does not get it");
    }

    #[test]
    fn what_is_told_of_a_channel_has_no_secret() {
        let channel =
            hook("a", "https://one.example/services/T0K3N?key=x", Some("0123456789abcdef"));
        let told = channel.told();
        assert_eq!(told["to"], json!({ "origin": "https://one.example", "has_secret": true }));
        assert!(!told.to_string().contains("T0K3N") && !told.to_string().contains("0123"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_field() {
        let field = |channel: Channel| match ChannelsRecord::default().put(channel) {
            Err(NotifyError::Invalid(field, _)) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(hook("", "https://one.example", None)), "name");
        assert_eq!(field(hook("a\r\nb", "https://one.example", None)), "name");
        assert_eq!(field(hook("a", "ftp://one.example", None)), "url");
        assert_eq!(field(hook("a", "https://u@one.example", None)), "url");
        assert_eq!(field(hook("a", "https://one.example", Some("short"))), "secret");
        assert_eq!(field(hook("a", "http://one.example", None)), "secret");
        for (url, secret) in
            [("http://one.example", Some("0123456789abcdef")), ("http://127.0.0.1:9/x", None)]
        {
            ChannelsRecord::default().put(hook("a", url, secret)).expect("good");
        }
        let none = Channel { topics: BTreeSet::new(), ..hook("a", "https://one.example", None) };
        assert_eq!(field(none), "topics");
        let topics = BTreeSet::from([Topic::Digest]);
        assert_eq!(field(Channel { topics, ..hook("a", "https://one.example", None) }), "digest");
        let mut all = ChannelsRecord::default();
        for number in 0..CHANNELS {
            all.put(hook(&number.to_string(), "https://one.example", None)).expect("room");
        }
        assert!(all.put(hook("x", "https://one.example", None)).is_err());
        all.put(hook("7", "https://one.example", None)).expect("it replaces one");
    }
}
