//! A client's connection, with two things that neither hyper nor the system take care of.
//!
//! A peer that stops reading would hold its connection and the response for ever: a write that
//! makes no progress for `stall_time` fails. And a server that closes while the client is still
//! sending a body nobody wants makes the client's system throw away the refusal it has already
//! received: then the rest of the body is read and dropped for a moment before the socket closes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a closed connection goes on taking what its client still sends.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// How many bytes it takes at most.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// A connection that neither stalls nor resets.
#[derive(Debug)]
pub(crate) struct ClientStream<T> {
    inner: T,
    stall_time: Duration,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
    /// Set by the handler when the client may still be sending.
    unread: Arc<AtomicBool>,
    lingering: Option<usize>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> ClientStream<T> {
    pub(crate) fn new(inner: T, stall_time: Duration, unread: Arc<AtomicBool>) -> Self {
        let timer = Box::pin(sleep(stall_time));
        Self { inner, stall_time, timer, waiting: false, unread, lingering: None }
    }

    /// Passes the outcome of a write on, unless writes have been stuck for too long.
    fn watch<O>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<O>>,
    ) -> Poll<io::Result<O>> {
        if outcome.is_ready() {
            self.waiting = false;
            return outcome;
        }
        if !self.waiting {
            self.waiting = true;
            self.timer.as_mut().reset(Instant::now() + self.stall_time);
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")))
    }

    /// Reads and drops what the client sends until it is done, or has had enough time.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut left = match self.lingering {
            Some(left) => left,
            None => {
                self.timer.as_mut().reset(Instant::now() + LINGER_TIME);
                LINGER_BYTES
            }
        };
        let mut scratch = [0; 8 * 1024];
        while left > 0 {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    left = left.saturating_sub(buffer.filled().len());
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    self.lingering = Some(left);
                    return self.timer.as_mut().poll(context).map(Ok);
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ClientStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watch(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.watch(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(context))?;
        }
        if self.unread.load(Ordering::Relaxed) {
            return self.poll_linger(context);
        }
        Poll::Ready(Ok(()))
    }
}
