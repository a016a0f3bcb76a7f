//! `weir replay`: a recorded client speaks to a server under test.
//!
//! Requests go out one after the other in recorded order, because that is how an agent speaks and
//! because each may quote the answer before it. An exchange that fails is reported and the next
//! one follows: one wrong answer should not hide the ones after it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::carry::Carry;
use super::client::{Client, ClientError, ClientLimits, Server};
use super::compare::{self, Answer, Comparison, Difference, Verdict};
use super::dialogue::{Dialogue, DialogueError, Exchange};
use super::report::{ExchangeReport, ReplayReport};

/// What to replay against which server.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// Folder of the dialogue.
    pub dialogue: PathBuf,
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub against: String,
    /// PEM certificates of the issuers to trust; needed for https.
    pub ca_file: Option<PathBuf>,
    /// Sizes and times.
    pub limits: ClientLimits,
}

/// Why a dialogue could not be replayed to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The recording cannot be read.
    #[error(transparent)]
    Dialogue(#[from] DialogueError),
    /// There is no such server.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// The thread that reads files is gone: the process is ending.
    #[error("reading the dialogue was interrupted")]
    Interrupted,
}

/// Replays a dialogue. Errors are for what makes all further exchanges pointless; everything else
/// is in the report.
pub async fn replay(options: ReplayOptions) -> Result<ReplayReport, ReplayError> {
    let server = Server::new(&options.against, options.ca_file.as_deref())?;
    let dialogue = Arc::new(Dialogue::open(&options.dialogue, options.limits.body)?);
    let mut client = Client::new(server, options.limits);
    let mut carry = Carry::default();
    let mut report = ReplayReport::default();
    for name in dialogue.names() {
        let exchange = read(&dialogue, name).await?;
        report.push(judge(exchange, &mut client, &mut carry).await?);
    }
    Ok(report)
}

async fn read(dialogue: &Arc<Dialogue>, name: &str) -> Result<Exchange, ReplayError> {
    let (dialogue, name) = (Arc::clone(dialogue), name.to_owned());
    let reading = tokio::task::spawn_blocking(move || dialogue.read(&name));
    Ok(reading.await.map_err(|_| ReplayError::Interrupted)??)
}

async fn judge(
    exchange: Exchange,
    client: &mut Client,
    carry: &mut Carry,
) -> Result<ExchangeReport, ReplayError> {
    let Exchange { name, request, request_body, response } = exchange;
    let operation = request.operation();
    let body = rewrite(request_body, carry);
    let keep = response.as_ref().is_none_or(|recorded| recorded.body.is_some());

    let started = Instant::now();
    let answer = client.send(&request, body, keep).await;
    let ms = started.elapsed().as_secs_f64() * 1000.0;

    let comparison = match (answer, response) {
        (Err(error @ ClientError::Connect { .. }), _) => return Err(error.into()),
        (Err(error), _) => {
            let why = error.to_string();
            Comparison::from(Difference::new("exchange", Some("an answer"), None, why))
        }
        (Ok(got), Some(recorded)) => compare::compare(&recorded, &got, carry),
        (Ok(got), None) => accepted(&got, carry),
    };
    let Comparison { verdict, freedoms, difference } = comparison;
    Ok(ExchangeReport { name, operation, verdict, freedoms, difference, ms })
}

/// A body that is not XML, such as that of a download, has nothing to carry over.
fn rewrite(body: Vec<u8>, carry: &Carry) -> Vec<u8> {
    match std::str::from_utf8(&body).ok().and_then(|text| carry.rewrite(text).ok()) {
        Some(text) => text.into_bytes(),
        None => body,
    }
}

/// All that can be said without a recorded answer: the server took the request or refused it.
fn accepted(got: &Answer, carry: &mut Carry) -> Comparison {
    if got.head.status >= 400 {
        let (status, body) = (got.head.status.to_string(), String::from_utf8_lossy(&got.body));
        let why = format!("refused: {}", body.chars().take(400).collect::<String>());
        return Difference::new("status", None, Some(&status), why).into();
    }
    if let Ok(tree) = compare::read(&got.body) {
        carry.learn_live(&tree);
    }
    Comparison { verdict: Verdict::Unjudged, freedoms: [].into(), difference: None }
}

#[cfg(test)]
mod tests;
