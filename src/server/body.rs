//! A response body: frames by reference or a file in chunks, with the log line that it completes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::encoding::Part;
use super::file_body::FileBody;
use super::log::AccessLine;
use crate::wire::xpress::XpressError;

/// What a response carries. The length of what clients are sent is always known, so that none of
/// their responses is chunked.
#[derive(Debug)]
pub(crate) enum Payload {
    /// Parts in memory; prepared fragments among them are shared, not copied.
    Parts(std::vec::IntoIter<Part>),
    /// Parts of a file.
    File(FileBody),
    /// What is made while it is sent, for administrators alone.
    Stream(mpsc::Receiver<io::Result<Bytes>>),
}

impl Payload {
    pub(crate) fn parts(parts: Vec<Part>) -> Self {
        Self::Parts(parts.into_iter())
    }

    /// Bytes that are still to come, if that is known.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match self {
            Self::Parts(parts) => Some(parts.as_slice().iter().map(|part| part.len() as u64).sum()),
            Self::File(file) => Some(file.remaining()),
            Self::Stream(_) => None,
        }
    }
}

/// A [`Payload`] on its way to the socket.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    payload: Payload,
    line: AccessLine,
}

impl ResponseBody {
    pub(crate) fn new(payload: Payload, line: AccessLine) -> Self {
        Self { payload, line }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = match &mut self.payload {
            Payload::Parts(parts) => parts.next().map(|part| part.take().map_err(damaged)),
            Payload::File(file) => std::task::ready!(file.poll_chunk(context)),
            Payload::Stream(pieces) => std::task::ready!(pieces.poll_recv(context)),
        };
        Poll::Ready(next.map(|chunk| {
            chunk.map(|bytes| {
                self.line.sent(bytes.len());
                Frame::data(bytes)
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.payload.remaining() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.remaining().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The head is sent: all that is left is to end the connection before the body ends.
fn damaged(cause: XpressError) -> io::Error {
    tracing::error!(%cause, "a stored fragment is damaged; restore the packs from a backup");
    io::Error::new(io::ErrorKind::InvalidData, cause)
}
