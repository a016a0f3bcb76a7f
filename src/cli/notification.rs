//! `weir notification`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::notifications::{
    ListNotifications, PutNotification, RemoveNotification, TestNotification,
};
use crate::notifications::channel::{Day, DigestTime, Target, Topic};
use crate::notifications::email::{Email, MailTls};
use crate::notifications::webhook::Webhook;

/// Manage who is notified of what, by e-mail or by webhook.
#[derive(Debug, Subcommand)]
pub(super) enum Notification {
    /// All channels, without their secrets, and what waits for them.
    List,
    /// Set up a channel, or replace the one of the same name.
    Set(Box<Set>),
    /// Remove a channel, and what waits for it.
    Remove {
        /// Its name.
        name: String,
    },
    /// Send a message at once, to see whether it arrives.
    Test {
        /// Its name.
        name: String,
    },
}

/// A channel.
#[derive(Debug, Args)]
pub(super) struct Set {
    /// Its name.
    name: String,
    /// What to tell: new-updates, sync-failed, installs-failed, content-failed, digest. May be given
    /// several times.
    #[arg(long = "topic", required = true, value_parser = topic, value_name = "TOPIC")]
    topics: Vec<Topic>,
    /// A URL that takes JSON by POST.
    #[arg(long, value_name = "URL", required_unless_present = "to", conflicts_with = "to")]
    webhook: Option<String>,
    /// A file with the secret that signs what the webhook is sent.
    #[arg(long, value_name = "FILE", requires = "webhook")]
    secret_file: Option<PathBuf>,
    /// Whom e-mail goes to. May be given several times.
    #[arg(long, value_name = "ADDRESS", requires = "from", requires = "server")]
    to: Vec<String>,
    /// Whom e-mail is from.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// The mail server.
    #[arg(long, value_name = "HOST")]
    server: Option<String>,
    /// Its port [default: 465 with --tls implicit, 25 with none, 587 otherwise].
    #[arg(long)]
    port: Option<u16>,
    /// How the connection is encrypted: starttls, implicit, or none for a server on this machine.
    #[arg(long, value_parser = tls, default_value = "starttls")]
    tls: MailTls,
    /// The user that signs in at the mail server.
    #[arg(long, requires = "to")]
    user: Option<String>,
    /// A file with the user's password.
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// From how many computers on an update counts as failing [default: 5].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    failing_computers: Option<u32>,
    /// When a digest is sent, UTC: HH:MM for every day, or "monday HH:MM".
    #[arg(long, value_parser = digest, value_name = "TIME")]
    digest: Option<DigestTime>,
}

impl Notification {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.show(ListNotifications {}, list).await,
            Self::Set(set) => {
                let Set { name, topics, failing_computers, digest, .. } = &*set;
                let (name, topics) = (name.clone(), topics.clone());
                let (failing_computers, digest) = (*failing_computers, *digest);
                let target = set.target()?;
                let put = PutNotification { name, target, topics, failing_computers, digest };
                context.show(put, fields).await
            }
            Self::Remove { name } => context.show(RemoveNotification { name }, fields).await,
            Self::Test { name } => context.show(TestNotification { name }, fields).await,
        }
    }
}

impl Set {
    fn target(&self) -> Result<Target, CliError> {
        if let Some(url) = &self.webhook {
            let secret = self.secret_file.as_deref().map(first_line).transpose()?;
            return Ok(Target::Webhook(Webhook { url: url.clone(), secret }));
        }
        let usual = match self.tls {
            MailTls::Implicit => 465,
            MailTls::Starttls => 587,
            MailTls::None => 25,
        };
        Ok(Target::Email(Email {
            server: self.server.clone().unwrap_or_default(),
            port: self.port.unwrap_or(usual),
            tls: self.tls,
            user: self.user.clone(),
            password: self.password_file.as_deref().map(first_line).transpose()?,
            from: self.from.clone().unwrap_or_default(),
            to: self.to.clone(),
        }))
    }
}

fn first_line(file: &Path) -> Result<String, CliError> {
    let unreadable = |error| CliError::Failed(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn topic(text: &str) -> Result<Topic, String> {
    let named = |topic: &Topic| topic.name() == text.replace('-', "_");
    let names = Topic::ALL.map(|topic| topic.name().replace('_', "-"));
    Topic::ALL.into_iter().find(named).ok_or_else(|| format!("is one of {}", names.join(", ")))
}

fn tls(text: &str) -> Result<MailTls, String> {
    match text {
        "starttls" => Ok(MailTls::Starttls),
        "implicit" => Ok(MailTls::Implicit),
        "none" => Ok(MailTls::None),
        _ => Err("is one of starttls, implicit, none".to_owned()),
    }
}

fn digest(text: &str) -> Result<DigestTime, String> {
    let wrong = || "is HH:MM, or a day of the week and HH:MM".to_owned();
    let (day, time) = match text.split_once(' ') {
        None => (None, text),
        Some((day, time)) => {
            let named = |it: &Day| format!("{it:?}").eq_ignore_ascii_case(day);
            (Some(Day::ALL.into_iter().find(named).ok_or_else(wrong)?), time)
        }
    };
    let (hour, minute) = time.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<u16>().map_err(|_| wrong());
    match (number(hour)?, number(minute)?) {
        (hour @ 0..24, minute @ 0..60) => Ok(DigestTime { day, minute: hour * 60 + minute }),
        _ => Err(wrong()),
    }
}

fn list(channels: &Value) -> String {
    let rows = channels.as_array().into_iter().flatten().map(|channel| {
        let email = &channel["email"];
        let way = if email.is_null() { cell(&channel["webhook"]) } else { cell(&email["to"]) };
        let waiting = cell(&channel["waiting"]);
        vec![
            cell(&channel["name"]),
            way,
            cell(&channel["topics"]),
            waiting,
            cell(&channel["dropped"]),
            cell(&channel["error"]),
        ]
    });
    table(&["NAME", "TO", "TOPICS", "WAITING", "DROPPED", "ERROR"], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_digests_are_read() {
        let at = |day, minute| Ok(DigestTime { day, minute });
        assert_eq!(digest("07:30"), at(None, 450));
        assert_eq!(digest("Monday 00:00"), at(Some(Day::Monday), 0));
        for wrong in ["", "24:00", "7", "07:60", "someday 07:00", "07:00 monday", "-1:00"] {
            assert!(digest(wrong).is_err(), "{wrong}");
        }
    }
}
