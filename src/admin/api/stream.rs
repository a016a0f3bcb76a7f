//! Answers that are made while they are sent.
//!
//! Such an answer may last for days, so whoever asked is looked at again and again: it ends when the
//! token, the session or the account ends by which they asked, when the server stops, and when they
//! go away. What should be whole and is not is cut off, so that nobody takes it for whole.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::{Refusal, harden, identify};
use crate::admin::{AdminError, Call, Download, Endpoint, Sink, Subject, explain};
use crate::server::{ApiBody, Way};
use crate::state::StateError;

/// How soon an answer ends after the time of a token or a session.
const LOOK: Duration = Duration::from_secs(1);

/// An answer on its way.
struct Stream {
    subject: Arc<Subject>,
    endpoint: &'static Endpoint,
    download: Download,
    /// By what the caller is known.
    way: Way,
    headers: HeaderMap,
    running: JoinHandle<Result<Value, AdminError>>,
    pieces: mpsc::Receiver<Bytes>,
    body: mpsc::Sender<io::Result<Bytes>>,
}

/// Begins an answer. What fails before its first piece is a problem like any other.
pub(super) async fn begin(
    subject: &Arc<Subject>,
    (endpoint, download): (&'static Endpoint, Download),
    (fields, call): (Value, Call),
    (way, headers): (Way, HeaderMap),
) -> Result<Response<ApiBody>, Refusal> {
    // From before the caller was looked at last, so that no change is missed.
    let changes = subject.identity.changes();
    let (sink, mut pieces) = Sink::new();
    let running = tokio::spawn(endpoint.run(fields, call.into(sink)));
    let first = pieces.recv().await;
    if first.is_none() {
        running.await.map_err(|_| AdminError::from(StateError::Stopped))??;
        return Ok(response(download.media_type, ApiBody::Whole(Vec::new())));
    }
    let (body, sent) = mpsc::channel(1);
    let subject = Arc::clone(subject);
    let stream = Stream { subject, endpoint, download, way, headers, running, pieces, body };
    tokio::spawn(stream.go_on(first, changes));
    Ok(response(download.media_type, ApiBody::Stream(sent)))
}

impl Stream {
    async fn go_on(mut self, first: Option<Bytes>, mut changes: watch::Receiver<()>) {
        let mut stopping = self.subject.stopping();
        let stopped = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
        let mut stopped = std::pin::pin!(stopped);
        let mut look = tokio::time::interval(LOOK);
        let mut pending = first;
        let ended = loop {
            tokio::select! {
                biased;
                () = &mut stopped => break Err("the server stops"),
                _ = changes.changed() => if !self.may_go_on().await { break Err(REVOKED) },
                _ = look.tick() => if !self.may_go_on().await { break Err(REVOKED) },
                () = self.body.closed() => break Err("nobody reads it"),
                room = self.body.reserve(), if pending.is_some() => {
                    match (room, pending.take()) {
                        (Ok(room), Some(piece)) => room.send(Ok(piece)),
                        _ => break Err("nobody reads it"),
                    }
                },
                piece = self.pieces.recv(), if pending.is_none() => match piece {
                    Some(piece) => pending = Some(piece),
                    None => break Ok(()),
                },
            }
        };
        let operation = self.endpoint.name;
        let cut_off = match ended {
            Ok(()) => {
                let failure = match (&mut self.running).await {
                    Ok(Ok(_)) => return,
                    Ok(Err(error)) => explain(&error),
                    Err(_) => "it broke off".to_owned(),
                };
                tracing::warn!(operation, failure, "an answer failed half way");
                failure
            }
            Err(reason) => {
                self.running.abort();
                tracing::info!(operation, reason, "an answer was ended");
                reason.to_owned()
            }
        };
        if !self.download.endless {
            drop(self.body.send(Err(io::Error::other(cut_off))).await);
        }
    }

    /// Whether the caller still is who may ask for this.
    async fn may_go_on(&self) -> bool {
        let identity = &self.subject.identity;
        identify::still(identity, self.endpoint, self.way, &self.headers).await
    }
}

const REVOKED: &str = "whoever asked for it may no longer";

fn response(media_type: &'static str, body: ApiBody) -> Response<ApiBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    harden(response.headers_mut());
    response
}
