//! A response body: frames by reference or a file in chunks, with the log line that it completes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::file_body::FileBody;
use super::log::AccessLine;

/// What a response carries. Its length is always known, so that no response is chunked.
#[derive(Debug)]
pub(crate) enum Payload {
    /// Bytes in memory; prepared fragments among them are shared, not copied.
    Frames(std::vec::IntoIter<Bytes>),
    /// Parts of a file.
    File(FileBody),
}

impl Payload {
    pub(crate) fn frames(frames: Vec<Bytes>) -> Self {
        Self::Frames(frames.into_iter())
    }

    /// Bytes that are still to come.
    pub(crate) fn remaining(&self) -> u64 {
        match self {
            Self::Frames(frames) => frames.as_slice().iter().map(|frame| frame.len() as u64).sum(),
            Self::File(file) => file.remaining(),
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
            Payload::Frames(frames) => frames.next().map(Ok),
            Payload::File(file) => std::task::ready!(file.poll_chunk(context)),
        };
        Poll::Ready(next.map(|chunk| {
            chunk.map(|bytes| {
                self.line.sent(bytes.len());
                Frame::data(bytes)
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.payload.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.payload.remaining())
    }
}
