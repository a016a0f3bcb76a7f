//! Asking for a run of bytes, along redirects.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, HOST, LOCATION, RANGE, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use tokio::time::timeout;

use super::address;
use crate::http::{Client, ClientError, ClientLimits, Location};
use crate::upstream::records::SourceRecord;

/// Most redirects in a row: content networks use one.
const REDIRECTS: usize = 5;

/// How long a server may take to begin its answer, and then to send the next bytes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a place did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    /// It does not have the file.
    #[error("{0} does not have it (404)")]
    NotFound(String),
    /// It answers something else.
    #[error("{place}: {why}")]
    Unexpected {
        /// Where.
        place: String,
        /// What.
        why: String,
    },
    /// It cannot be asked.
    #[error("{place}: {error}")]
    Client {
        /// Where.
        place: String,
        /// Why.
        #[source]
        error: ClientError,
    },
    /// The way there cannot be gone.
    #[error(transparent)]
    Way(#[from] Box<crate::upstream::SyncError>),
}

/// A connection for several runs of one file.
pub(super) struct Runs {
    client: Option<(Location, Client)>,
}

/// Bytes on their way.
pub(super) struct Run {
    body: Incoming,
    place: String,
    /// What came and was not taken yet.
    kept: Bytes,
}

impl Runs {
    pub(super) fn new() -> Self {
        Self { client: None }
    }

    /// Asks for the bytes from `first` up to `end`, which is not among them, of a file of `size`.
    pub(super) async fn ask(
        &mut self,
        source: &SourceRecord,
        place: &Location,
        (first, end): (u64, u64),
        size: u64,
    ) -> Result<Run, RunError> {
        let mut place = place.clone();
        for _ in 0..=REDIRECTS {
            let response = self.get(source, &place, (first, end)).await?;
            let shown = format!("{}{}", place.origin, place.target);
            let unexpected = |why: String| RunError::Unexpected { place: shown.clone(), why };
            match response.status() {
                StatusCode::PARTIAL_CONTENT => {
                    let range = text(&response, CONTENT_RANGE.as_str());
                    let expected = format!("bytes {first}-{}/", end.saturating_sub(1));
                    let total = range.strip_prefix(&expected);
                    if total.is_none_or(|total| total != "*" && total.parse() != Ok(size)) {
                        return Err(unexpected(format!("it sends '{range}'")));
                    }
                    return Ok(Run {
                        body: response.into_body(),
                        place: shown,
                        kept: Bytes::new(),
                    });
                }
                // It knows no ranges: good enough for the beginning of a file.
                StatusCode::OK if first == 0 => {
                    let length = text(&response, CONTENT_LENGTH.as_str());
                    if !length.is_empty() && length.parse() != Ok(size) {
                        return Err(unexpected(format!("the file there has {length} bytes")));
                    }
                    return Ok(Run {
                        body: response.into_body(),
                        place: shown,
                        kept: Bytes::new(),
                    });
                }
                StatusCode::NOT_FOUND => return Err(RunError::NotFound(shown)),
                status if status.is_redirection() => {
                    let to = text(&response, LOCATION.as_str());
                    let next = place.redirected(&to);
                    place = next.ok_or_else(|| unexpected(format!("it redirects to '{to}'")))?;
                }
                status => return Err(unexpected(format!("it answers {status}"))),
            }
        }
        let place = format!("{}{}", place.origin, place.target);
        Err(RunError::Unexpected { place, why: "it redirects in circles".into() })
    }

    /// After an answer that was not read to its end the connection cannot be used again.
    pub(super) fn hang_up(&mut self) {
        self.client = None;
    }

    async fn get(
        &mut self,
        source: &SourceRecord,
        place: &Location,
        (first, end): (u64, u64),
    ) -> Result<Response<Incoming>, RunError> {
        let kept = self.client.take().filter(|(at, _)| at.origin == place.origin);
        let mut client = match kept {
            Some((_, client)) => client,
            None => {
                let server = address::server(source, place).map_err(Box::new)?;
                Client::new(server, ClientLimits::default())
            }
        };
        let shown = || format!("{}{}", place.origin, place.target);
        let request = Request::get(&place.target)
            .header(HOST, client.server().authority())
            .header(USER_AGENT, concat!("weir/", env!("CARGO_PKG_VERSION")))
            .header(RANGE, format!("bytes={first}-{}", end.saturating_sub(1)))
            .body(Full::<Bytes>::default());
        let request = request
            .map_err(|error| RunError::Unexpected { place: shown(), why: error.to_string() })?;
        let asked = timeout(PATIENCE, client.exchange(request)).await;
        let failed = |error| RunError::Client { place: shown(), error };
        let response =
            asked.map_err(|_| failed(ClientError::Timeout(PATIENCE)))?.map_err(failed)?;
        self.client = Some((place.clone(), client));
        Ok(response)
    }
}

impl Run {
    /// Whether the answer goes on behind what was taken.
    pub(super) fn has_more(&self) -> bool {
        !self.kept.is_empty() || !hyper::body::Body::is_end_stream(&self.body)
    }

    /// Takes exactly `length` bytes.
    pub(super) async fn take(&mut self, length: usize) -> Result<Vec<u8>, RunError> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            if self.kept.is_empty() {
                self.kept = self.next().await?;
            }
            let wanted = (length - bytes.len()).min(self.kept.len());
            bytes.extend_from_slice(&self.kept.split_to(wanted));
        }
        Ok(bytes)
    }

    async fn next(&mut self) -> Result<Bytes, RunError> {
        let place = || self.place.clone();
        let frame = timeout(PATIENCE, self.body.frame()).await.map_err(|_| RunError::Client {
            place: place(),
            error: ClientError::Timeout(PATIENCE),
        })?;
        match frame {
            None => Err(RunError::Unexpected { place: place(), why: "the file ends early".into() }),
            Some(Err(error)) => Err(RunError::Client { place: place(), error: error.into() }),
            // A trailer is empty.
            Some(Ok(frame)) => Ok(frame.into_data().unwrap_or_default()),
        }
    }
}

fn text(response: &Response<Incoming>, header: &str) -> String {
    let value = response.headers().get(header).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().chars().take(1000).collect()
}
