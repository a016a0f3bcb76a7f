//! An answer on its way to the client, copied as it passes.
//!
//! The client sees every byte when it comes, however long the answer; the copy stops growing at
//! the limit. The exchange is handed to the writer when the answer has ended, or was given up.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc::OwnedPermit;

use super::writer::Taken;

/// The upstream server's body with a copy taken of it.
pub(super) struct Relayed {
    incoming: Incoming,
    copy: Option<(Taken, OwnedPermit<Taken>)>,
    limit: u64,
    ended: bool,
}

impl Relayed {
    /// Copies at most `limit` bytes of the body into `taken`, if it wants any, and sends it with
    /// `place` in the end.
    pub(super) fn new(
        incoming: Incoming,
        taken: Taken,
        place: OwnedPermit<Taken>,
        limit: u64,
    ) -> Self {
        Self { incoming, copy: Some((taken, place)), limit, ended: false }
    }

    fn take(&mut self, data: &Bytes) {
        let Some((taken, _)) = &mut self.copy else { return };
        taken.wire_length = taken.wire_length.saturating_add(data.len() as u64);
        if taken.wire_length > self.limit {
            taken.response_body = None;
        }
        if let Some(body) = &mut taken.response_body {
            body.extend_from_slice(data);
        }
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.take(data);
                }
            }
            Some(Err(_)) => {}
            None => self.ended = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Relayed {
    /// The server drops a body as soon as its promised length is reached, without asking for the
    /// end, so this is the one place that sees every answer off.
    fn drop(&mut self) {
        let Some((mut taken, place)) = self.copy.take() else { return };
        if !self.ended && !self.incoming.is_end_stream() {
            tracing::warn!(number = taken.number, "the answer was cut off; its body is not kept");
            taken.response_body = None;
        }
        place.send(taken);
    }
}
