//! The one task that writes: it turns what passed by into an exchange of a dialogue.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;

use super::super::dialogue::{self, DialogueError, Exchange, Meta, RecordedResponse};
use super::super::head::{RequestHead, ResponseHead};
use super::RecordReport;
use super::sanitize::Sanitizer;
use crate::http::encoding;

/// One exchange as it travelled.
#[derive(Debug)]
pub(super) struct Taken {
    /// Its place in the order of arrival.
    pub(super) number: u64,
    /// The client's head.
    pub(super) request: RequestHead,
    /// The client's body.
    pub(super) request_body: Bytes,
    /// The server's head.
    pub(super) response: ResponseHead,
    /// The server's body, if it is to be kept.
    pub(super) response_body: Option<Vec<u8>>,
    /// Bytes of the server's body.
    pub(super) wire_length: u64,
}

/// Writes exchanges until nobody can send any more.
pub(super) async fn write_all(
    out: PathBuf,
    sanitizer: Option<Sanitizer>,
    limit: u64,
    mut exchanges: Receiver<Taken>,
) -> RecordReport {
    let out = Arc::new((out, sanitizer));
    let mut report = RecordReport::default();
    while let Some(taken) = exchanges.recv().await {
        let number = taken.number;
        let out = Arc::clone(&out);
        let writing = tokio::task::spawn_blocking(move || {
            let (directory, sanitizer) = &*out;
            let (exchange, meta) = prepare(taken, sanitizer.as_ref(), limit);
            dialogue::write_exchange(directory, &exchange, &meta)
        });
        let result: Result<Result<(), DialogueError>, _> = writing.await;
        match result {
            Ok(Ok(())) => report.written += 1,
            Ok(Err(error)) => {
                tracing::error!(number, %error, "an exchange was not written");
                report.failed += 1;
            }
            Err(error) => {
                tracing::error!(number, %error, "an exchange was not written");
                report.failed += 1;
            }
        }
    }
    report
}

/// Decodes the answer, so that people and replays can read it, and takes secrets out.
fn prepare(taken: Taken, sanitizer: Option<&Sanitizer>, limit: u64) -> (Exchange, Meta) {
    let Taken { number, request, request_body, mut response, response_body, wire_length } = taken;
    let wire_encoding = response.headers.value("Content-Encoding").map(str::to_owned);
    let meta = Meta {
        method: request.method.clone(),
        path: request.target.clone(),
        soap_action: request.headers.value("SOAPAction").map(str::to_owned),
        status: response.status,
        wire_request_content_length: request_body.len() as u64,
        wire_response_content_encoding: wire_encoding.clone(),
        wire_response_content_length: wire_length,
        sanitized: sanitizer.is_some(),
    };
    let body = response_body.map(|body| match wire_encoding {
        None => body,
        Some(encoding) => match encoding::decode(&encoding, body.clone(), limit) {
            Ok(decoded) => {
                response.headers.remove("Content-Encoding");
                decoded
            }
            Err(error) => {
                tracing::warn!(number, %error, "an answer is kept as it came");
                body
            }
        },
    });
    let mut exchange = Exchange {
        name: format!("{number:06}"),
        request,
        request_body: request_body.into(),
        response: Some(RecordedResponse { head: response, body }),
    };
    if let Some(sanitizer) = sanitizer {
        sanitizer.sanitize(&mut exchange);
    }
    state_lengths(&mut exchange);
    (exchange, meta)
}

/// Heads state the length of the bodies beside them.
fn state_lengths(exchange: &mut Exchange) {
    let request = &mut exchange.request.headers;
    request.remove("Transfer-Encoding");
    if !exchange.request_body.is_empty() || request.value("Content-Length").is_some() {
        request.set("Content-Length", exchange.request_body.len().to_string());
    }
    let head = exchange.request.method == "HEAD";
    if let Some(RecordedResponse { head: response, body: Some(body) }) = &mut exchange.response
        && !head
    {
        response.headers.remove("Transfer-Encoding");
        response.headers.set("Content-Length", body.len().to_string());
    }
}
