//! Answers that are bytes, made while they are sent: events as they happen, a backup.
//!
//! An operation that says so ([`Operation::DOWNLOAD`](super::Operation::DOWNLOAD)) puts pieces into
//! its [`Sink`], which takes the next when somebody has taken the one before: nothing gathers in
//! memory. Over HTTP the pieces are the body of the answer.

use bytes::Bytes;
use schemars::{Schema, SchemaGenerator};
use tokio::sync::mpsc;

use super::AdminError;

/// Pieces that wait to be taken.
const PIECES: usize = 2;

/// A body of an answer that is not JSON.
#[derive(Debug, Clone, Copy)]
pub struct Download {
    /// Its media type.
    pub media_type: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Whether it goes on until somebody ends it. Any other is whole, or cut off.
    pub endless: bool,
    /// The schema of what comes in it, where that is JSON.
    pub item: Option<fn(&mut SchemaGenerator) -> Schema>,
}

/// Where the pieces go.
#[derive(Debug, Clone)]
pub struct Sink(mpsc::Sender<Bytes>);

impl Sink {
    /// A sink, and where its pieces come out.
    pub(super) fn new() -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, pieces) = mpsc::channel(PIECES);
        (Self(sender), pieces)
    }

    /// Puts a piece in, once there is room.
    ///
    /// # Errors
    /// [`AdminError::Cancelled`] when nobody takes any more.
    pub(super) async fn send(&self, piece: impl Into<Bytes>) -> Result<(), AdminError> {
        self.0.send(piece.into()).await.map_err(|_| AdminError::Cancelled)
    }

    /// The same, for who knows nothing of administration.
    pub(super) fn sender(&self) -> mpsc::Sender<Bytes> {
        self.0.clone()
    }

    /// Waits until nobody takes any more.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }
}
