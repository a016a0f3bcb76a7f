//! A program that takes JSON over HTTP, and can know that it is from here.
//!
//! The signature is over the time, the delivery's id and the body, with a secret that both know: so none
//! of them can be changed on the way. What was sent once, somebody who saw it can send again; a receiver
//! that refuses old times and remembers the ids of the last minutes takes it once. On the way over plain
//! HTTP anybody can see it and change it, so a secret is demanded there, unless it does not leave this
//! machine. Redirects are not followed: the administrator named this address and no other.

use std::time::Duration;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NotifyError;
use crate::http::{Client, ClientLimits, Location, Server, Trust};
use crate::state::Outgoing;

/// Characters of a secret.
const SECRET: std::ops::RangeInclusive<usize> = 16..=256;
/// Most bytes of an answer that are read; what it says does not matter.
const ANSWER: u64 = 64 << 10;
/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a webhook is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its URL, http or https. The certificate has to be by an issuer that the system trusts.
    #[schemars(length(min = 1, max = 4096))]
    pub url: String,
    /// The secret that signs: 16 to 256 characters. If none is given, that of before stays as long as
    /// the server is the same. It is never shown. Over http to another machine there has to be one.
    pub secret: Option<String>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

impl Webhook {
    pub(super) fn check(&self) -> Result<(), NotifyError> {
        let Some(location) = Location::parse(&self.url) else {
            let problem = "has to be a http or https URL without a user in it";
            return Err(NotifyError::Invalid("url", problem.into()));
        };
        let fits = |secret: &String| SECRET.contains(&secret.chars().count());
        if !self.secret.as_ref().is_none_or(fits) {
            return Err(NotifyError::Invalid("secret", "has to have 16 to 256 characters".into()));
        }
        let in_the_open = location.origin.starts_with("http:") && !location.is_loopback();
        if in_the_open && self.secret.is_none() {
            let problem = "is needed over http: without, a receiver cannot know who sent it";
            return Err(NotifyError::Invalid("secret", problem.into()));
        }
        Ok(())
    }

    pub(super) fn keep_secret_of(&mut self, old: &Self) {
        let origin = |webhook: &Self| Location::parse(&webhook.url).map(|it| it.origin);
        if self.secret.is_none() && origin(self).is_some() && origin(self) == origin(old) {
            self.secret.clone_from(&old.secret);
        }
    }

    /// Delivers a message at `now`, in Unix seconds.
    ///
    /// # Errors
    /// In words, when it was not taken: anything but a status of 200 to 299 is that.
    pub(super) async fn deliver(&self, message: &Outgoing, now: i64) -> Result<(), String> {
        let location = Location::parse(&self.url).ok_or("the URL is none")?;
        let in_words = |error: &dyn std::error::Error| error.to_string();
        let trust = match location.origin.starts_with("https:") {
            true => Some(Trust::system(None).map_err(|error| in_words(&error))?),
            false => None,
        };
        let server = Server::new(&location.origin, trust).map_err(|error| in_words(&error))?;
        let id = message.id();
        let mut request = Request::builder()
            .method("POST")
            .uri(&location.target)
            .header(HOST, server.authority())
            .header(USER_AGENT, concat!("weir/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .header("X-Weir-Event", &message.event)
            .header("X-Weir-Delivery", &id)
            .header("X-Weir-Timestamp", now);
        if let Some(secret) = &self.secret {
            request =
                request.header("X-Weir-Signature", signature(secret, now, &id, &message.data));
        }
        let body = Full::new(Bytes::from(message.data.clone()));
        let request = request.body(body).map_err(|error| in_words(&error))?;
        let limits =
            ClientLimits { body: ANSWER, connect: Duration::from_secs(10), exchange: PATIENCE };
        let mut client = Client::new(server, limits);
        // Not kept: an answer of any length is not worth more than its status.
        let answer = client.whole(request, false).await.map_err(|error| in_words(&error))?;
        match answer.head.status.is_success() {
            true => Ok(()),
            false => Err(format!("it was answered with {}", answer.head.status)),
        }
    }
}

/// `sha256=` and the HMAC of the time, the delivery's id and the body, with dots between, in
/// hexadecimal digits. The body begins with a brace, so no id can be taken for a part of it.
fn signature(secret: &str, now: i64, id: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{now}.{id}.{body}").as_bytes());
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_time_id_and_body() {
        // printf '1700000000.1699999999.7.{}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let expected = "sha256=d426c8b6e310c45b018a63d82ec7754a6081f041d0c507a97d00eef694884552";
        let (secret, now, id) = ("0123456789abcdef", 1_700_000_000, "1699999999.7");
        let one = signature(secret, now, id, "{}");
        assert_eq!(one, expected);
        assert_ne!(one, signature(secret, now + 1, id, "{}"));
        assert_ne!(one, signature(secret, now, "1699999999.8", "{}"));
        assert_ne!(one, signature("0123456789abcdeg", now, id, "{}"));
        assert_ne!(one, signature(secret, now, id, "{} "));
    }
}
