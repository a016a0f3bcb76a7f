//! One conversation with the server: a connection, a cookie, a configuration.
//!
//! A call is made as a native agent makes it, and its answer is held to what agents were seen to be
//! answered: a status, a type, a length, an encoding that was asked for.

use std::time::{Duration, Instant};

use super::answers::{self, Config};
use super::requests::{self, Cookie};
use super::trouble::Trouble;
use super::world::World;
use crate::conformance::client::{Client, ClientError};
use crate::conformance::head::ResponseHead;
use crate::fleet::library::Library;
use crate::fleet::referee::{Complaint, Rule};
use crate::wire::operation::Operation;
use crate::wire::xml::Cursor;

/// How long a busy server is left alone if it does not say.
const BUSY: Duration = Duration::from_secs(2);

/// Longest time for which a server can send an agent away within a run.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What reads the answer to a call.
pub(super) type Reader<'r, T> = &'r (dyn Fn(Cursor<'_>, &Library) -> Result<T, Complaint> + Sync);

/// The conversation.
pub(super) struct Session {
    client: Client,
    agency: requests::Agency,
    sequence: u32,
    /// The cookie for the next call.
    pub(super) cookie: Cookie,
    /// What GetConfig said.
    pub(super) config: Option<Config>,
    /// Whether this computer has registered.
    pub(super) is_registered: bool,
}

impl Session {
    /// A conversation that has not begun.
    pub(super) fn new(world: &World, agency: requests::Agency) -> Self {
        Self {
            client: Client::new(world.server.clone(), world.limits),
            agency,
            sequence: 0,
            cookie: Cookie::default(),
            config: None,
            is_registered: false,
        }
    }

    /// Makes a call and reads its answer.
    pub(super) async fn call<T>(
        &mut self,
        world: &World,
        operation: Operation,
        body: Vec<u8>,
        read: Reader<'_, T>,
    ) -> Result<T, Trouble> {
        let text = self.exchange(world, operation, body).await?;
        let cursor = answers::open(&text, operation)?;
        Ok(read(cursor, &world.library)?)
    }

    /// Closes the connection, as an agent does a minute after its last call.
    pub(super) fn close(&mut self) {
        self.client.close();
    }

    async fn exchange(
        &mut self,
        world: &World,
        operation: Operation,
        body: Vec<u8>,
    ) -> Result<String, Trouble> {
        // A thousand large answers at once would be more memory than the machine has. Waiting for
        // a turn is not the server's time.
        let _turn = world.exchanges.acquire().await;
        self.sequence = self.sequence.saturating_add(1);
        let mut head = requests::soap(&self.agency, operation, self.sequence);
        if let (Operation::GetAuthorizationCookie, Some(config)) = (operation, &self.config) {
            head.target = format!("/{}", config.service_url.trim_start_matches('/'));
        }
        let sent = body.len() as u64;
        let started = Instant::now();
        let answer = self.client.send(&head, body, true).await;
        let name = operation.name();
        let answer = answer.map_err(|error| no_answer(name, &error))?;
        let received = (answer.wire_length, answer.body.len() as u64);
        world.statistics.called(operation, started.elapsed(), sent, received);
        let status = answer.head.status;
        if status == 503 {
            return Err(Trouble::Busy(retry_after(&answer.head)));
        }
        check(name, &answer.head, answer.wire_length)?;
        let text = String::from_utf8(answer.body)
            .map_err(|_| Complaint::new(Rule::Envelope, format!("{name}: not UTF-8")))?;
        Ok(text)
    }
}

/// Why there is no answer to `name`.
pub(super) fn no_answer(name: &str, error: &ClientError) -> Complaint {
    let rule = match error {
        ClientError::Encoding(_) => Rule::ContentEncoding,
        ClientError::Broken(broken) if broken.is_incomplete_message() => Rule::ContentLength,
        _ => Rule::NoAnswer,
    };
    Complaint::new(rule, format!("{name}: {error}"))
}

fn retry_after(head: &ResponseHead) -> Duration {
    let seconds = head.headers.value("Retry-After").and_then(|text| text.trim().parse().ok());
    seconds.map_or(BUSY, Duration::from_secs).min(LONGEST_WAIT)
}

/// Holds the head of an answer to what agents were seen to be answered.
fn check(name: &str, head: &ResponseHead, length: u64) -> Result<(), Complaint> {
    let refused = |rule, what: String| Err(Complaint::new(rule, format!("{name}: {what}")));
    if !matches!(head.status, 200 | 500) {
        return refused(Rule::Status, format!("status {}", head.status));
    }
    let media_type = head.headers.value("Content-Type").unwrap_or_default();
    if !media_type.eq_ignore_ascii_case("text/xml; charset=utf-8") {
        return refused(Rule::ContentType, format!("Content-Type '{media_type}'"));
    }
    let announced = head.headers.value("Content-Length");
    if announced.and_then(|text| text.trim().parse().ok()) != Some(length) {
        let announced = announced.unwrap_or("none");
        return refused(Rule::ContentLength, format!("Content-Length {announced} of {length}"));
    }
    match head.headers.value("Content-Encoding") {
        None => Ok(()),
        Some(encoding) if encoding.eq_ignore_ascii_case("xpress") => Ok(()),
        Some(encoding) => refused(Rule::ContentEncoding, format!("'{encoding}' was not asked for")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::encoding::EncodingError;

    fn broken(change: (&str, &str)) -> Option<Rule> {
        let good = "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n\
                    Content-Length: 10\r\nContent-Encoding: xpress\r\n\r\n";
        let head = good.replace(change.0, change.1);
        assert!(change.0.is_empty() || head != good);
        check("GetConfig", &ResponseHead::parse(&head).unwrap(), 10).err().map(|it| it.rule)
    }

    #[test]
    fn heads_are_held_to_what_agents_know() {
        assert_eq!(broken(("", "")), None);
        assert_eq!(broken(("200", "500")), None);
        assert_eq!(broken(("200", "404")), Some(Rule::Status));
        assert_eq!(broken(("text/xml", "text/html")), Some(Rule::ContentType));
        assert_eq!(broken(("Length: 10", "Length: 11")), Some(Rule::ContentLength));
        assert_eq!(broken(("Content-Length: 10\r\n", "")), Some(Rule::ContentLength));
        assert_eq!(broken(("xpress", "gzip")), Some(Rule::ContentEncoding));
    }

    #[test]
    fn what_kept_an_answer_away_says_which_rule_is_broken() {
        let rule = |error: ClientError| no_answer("GetConfig", &error).rule;
        assert_eq!(rule(ClientError::Timeout(BUSY)), Rule::NoAnswer);
        assert_eq!(rule(ClientError::TooLarge(1)), Rule::NoAnswer);
        let encoding = EncodingError::Unknown("br".to_owned());
        assert_eq!(rule(ClientError::Encoding(encoding)), Rule::ContentEncoding);
    }

    #[test]
    fn a_busy_server_is_left_alone_for_as_long_as_it_says_within_reason() {
        let head = |value: &str| {
            ResponseHead::parse(&format!("HTTP/1.1 503 x\r\nRetry-After: {value}\r\n\r\n")).unwrap()
        };
        assert_eq!(retry_after(&head("7")), Duration::from_secs(7));
        assert_eq!(retry_after(&head("86400")), LONGEST_WAIT);
        assert_eq!(retry_after(&head("soon")), BUSY);
    }
}
