//! E-mail, over the administrator's own server.
//!
//! What computers and publishers say of themselves stands in messages: as plain text, and in no
//! header but the subject, from which line ends are taken before the library encodes it.

use std::time::{Duration, SystemTime};

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NotifyError;
use crate::http::Trust;
use crate::state::Outgoing;

/// Most recipients.
const RECIPIENTS: usize = 50;
/// Most characters of an address, a name of a server, a user and a password.
const LONGEST: usize = 256;
/// Most characters of a subject.
const SUBJECT: usize = 200;
/// How long the server may take for each answer, and how long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(30);
const WHOLE: Duration = Duration::from_secs(120);

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// From the first byte on; usually port 465.
    Implicit,
    /// After STARTTLS, without which nothing is sent; usually port 587.
    Starttls,
    /// Not at all: for a server on this machine. No password is sent then.
    None,
}

/// To whom, from whom, and over which server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The name of the mail server, which its certificate has to have.
    #[schemars(length(min = 1, max = 256))]
    pub server: String,
    /// Its port.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: MailTls,
    /// The user that signs in; none if the server wants none.
    pub user: Option<String>,
    /// The user's password. If none is given, that of before stays as long as server, encryption and
    /// user are the same. It is never shown.
    pub password: Option<String>,
    /// Whom it is from: `Weir <weir@example.com>`.
    #[schemars(length(min = 1, max = 256))]
    pub from: String,
    /// To whom it goes.
    #[schemars(length(min = 1, max = 50))]
    pub to: Vec<String>,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Email {
    pub(super) fn check(&self) -> Result<(), NotifyError> {
        let invalid = |field, problem: &str| Err(NotifyError::Invalid(field, problem.to_owned()));
        let harmless = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
        if !(1..=LONGEST).contains(&self.server.len()) || !self.server.chars().all(harmless) {
            return invalid("server", "has to be the name of a server, or its address");
        }
        if self.port == 0 {
            return invalid("port", "is none");
        }
        if self.user.is_some() != self.password.is_some() {
            return invalid("password", "a user and a password are wanted together, or neither");
        }
        if self.user.is_some() && self.tls == MailTls::None {
            return invalid("tls", "a password is not sent without encryption");
        }
        let secrets = [&self.user, &self.password].into_iter().flatten();
        if secrets.into_iter().any(|it| it.len() > LONGEST || it.chars().any(char::is_control)) {
            return invalid("user", "user and password are at most 256 printable characters");
        }
        if mailbox(&self.from).is_none() {
            return invalid("from", "has to be an address, or a name with one in angle brackets");
        }
        if !(1..=RECIPIENTS).contains(&self.to.len()) {
            return invalid("to", "there have to be 1 to 50 recipients");
        }
        match self.to.iter().all(|to| mailbox(to).is_some()) {
            true => Ok(()),
            false => invalid("to", "has to be an address, or a name with one in angle brackets"),
        }
    }

    pub(super) fn keep_secret_of(&mut self, old: &Self) {
        let way = |it: &Self| (it.server.clone(), it.port, it.tls, it.user.clone());
        if self.password.is_none() && way(self) == way(old) {
            self.password.clone_from(&old.password);
        }
    }

    /// Delivers a message.
    ///
    /// # Errors
    /// In words, when the server did not take it.
    pub(super) async fn deliver(&self, message: &Outgoing) -> Result<(), String> {
        let mail = self.compose(message)?;
        let transport = self.transport()?;
        let sent = tokio::time::timeout(WHOLE, transport.send(mail)).await;
        match sent.map_err(|_| "the mail server takes too long".to_owned())? {
            Ok(_) => Ok(()),
            Err(error) => Err(in_words(&error)),
        }
    }

    fn compose(&self, message: &Outgoing) -> Result<Message, String> {
        let unusable = || "an address cannot be used".to_owned();
        let from = mailbox(&self.from).ok_or_else(unusable)?;
        let id = format!("<{}.weir@{}>", message.id(), from.email.domain());
        let mut mail = Message::builder()
            .from(from)
            .subject(one_line(&message.subject))
            .message_id(Some(id))
            .date(SystemTime::now())
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            mail = mail.to(mailbox(to).ok_or_else(unusable)?);
        }
        mail.body(message.text.clone()).map_err(|error| in_words(&error))
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.server);
        let tls = match self.tls {
            MailTls::None => Tls::None,
            MailTls::Implicit => Tls::Wrapper(self.tls_parameters()?),
            MailTls::Starttls => Tls::Required(self.tls_parameters()?),
        };
        let mut builder = builder.port(self.port).timeout(Some(PATIENCE)).tls(tls);
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(builder.build())
    }

    fn tls_parameters(&self) -> Result<TlsParameters, String> {
        let bundle = Trust::system_bundle().ok_or("the system trusts no issuer")?;
        let unreadable = |error| format!("{}: {error}", bundle.display());
        let issuers = std::fs::read(&bundle).map_err(unreadable)?;
        let issuers = Certificate::from_pem(&issuers).map_err(|error| in_words(&error))?;
        TlsParameters::builder(self.server.clone())
            .certificate_store(CertificateStore::None)
            .add_root_certificate(issuers)
            .build_rustls()
            .map_err(|error| in_words(&error))
    }
}

/// An address, with or without the name of whose it is.
fn mailbox(text: &str) -> Option<Mailbox> {
    let printable = text.len() <= LONGEST && !text.chars().any(char::is_control);
    text.parse().ok().filter(|_| printable)
}

/// Text that is one line, and not a long one.
fn one_line(text: &str) -> String {
    let line = text.chars().map(|c| match c {
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
        c => c,
    });
    line.take(SUBJECT).collect()
}

fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email() -> Email {
        Email {
            server: "mail.example".into(),
            port: 587,
            tls: MailTls::Starttls,
            user: None,
            password: None,
            from: "Weir <weir@example.com>".into(),
            to: vec!["ann@example.com".into()],
        }
    }

    fn message(subject: &str, text: &str) -> Outgoing {
        Outgoing {
            number: 7,
            channel: "c".into(),
            event: "sync_failed".into(),
            created: 0,
            attempts: 0,
            next: 0,
            subject: subject.into(),
            text: text.into(),
            data: "{}".into(),
            error: None,
        }
    }

    #[test]
    fn no_subject_makes_another_header_or_a_body() {
        for subject in [
            "x\r\nBcc: evil@example.com\r\n\r\n<script>",
            "x\nBcc: evil@example.com",
            "x\rBcc: evil@example.com",
            "\u{e4}\r\nBcc: evil@example.com",
            "x\u{2028}Bcc: evil@example.com\u{0}",
            &"y\r\n".repeat(1000),
        ] {
            let mail = email().compose(&message(subject, "text")).expect("a mail").formatted();
            let mail = String::from_utf8(mail).expect("ASCII");
            let (head, body) = mail.split_once("\r\n\r\n").expect("a head");
            let names: Vec<&str> = head
                .split("\r\n")
                .filter(|line| !line.starts_with([' ', '\t']))
                .filter_map(|line| line.split_once(':').map(|(name, _)| name))
                .collect();
            assert!(!names.iter().any(|name| name.eq_ignore_ascii_case("bcc")), "{head}");
            assert_eq!(names.iter().filter(|name| **name == "Subject").count(), 1, "{head}");
            assert_eq!(body.trim_end(), "text", "{mail}");
        }
    }

    #[test]
    fn a_script_stays_text() {
        let mail = email().compose(&message("s", "pc-<script>alert(1)</script>"));
        let mail = String::from_utf8(mail.expect("a mail").formatted()).expect("ASCII");
        assert!(mail.contains("Content-Type: text/plain; charset=utf-8"), "{mail}");
        assert!(mail.contains("pc-<script>alert(1)</script>"), "{mail}");
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_field() {
        let field = |change: fn(&mut Email)| {
            let mut email = email();
            change(&mut email);
            match email.check() {
                Err(NotifyError::Invalid(field, _)) => field,
                other => panic!("{other:?}"),
            }
        };
        email().check().expect("good");
        assert_eq!(field(|it| it.server = "a b".into()), "server");
        assert_eq!(field(|it| it.port = 0), "port");
        assert_eq!(field(|it| it.user = Some("u".into())), "password");
        assert_eq!(field(|it| it.from = "nobody".into()), "from");
        assert_eq!(field(|it| it.from = "a@b.example\r\nBcc: c@d.example".into()), "from");
        assert_eq!(field(|it| it.to = Vec::new()), "to");
        assert_eq!(field(|it| it.to = vec!["a@b.example, c@d.example".into()]), "to");
        let unencrypted = |it: &mut Email| {
            (it.tls, it.user, it.password) = (MailTls::None, Some("u".into()), Some("p".into()));
        };
        assert_eq!(field(unencrypted), "tls");
    }
}
