//! Parts of a file as a response body.
//!
//! The next chunk is read when the connection asks for it, which it does once the last one is on
//! its way: a slow client costs one chunk of memory whatever the size of the file.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::chunk::{self, AtHand, CHUNK};
use crate::content::files::ContentFile;
use crate::content::ranges::ByteRange;

/// One part of a body.
#[derive(Debug)]
pub(crate) enum Segment {
    /// Text between ranges, never empty.
    Text(Bytes),
    /// A range of the file.
    Range(ByteRange),
}

impl Segment {
    fn len(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Range(range) => range.len(),
        }
    }
}

/// Reads [`Segment`]s of one file, chunk by chunk.
#[derive(Debug)]
pub(crate) struct FileBody {
    file: Arc<ContentFile>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    segments: VecDeque<Segment>,
    remaining: u64,
}

impl FileBody {
    pub(crate) fn new(file: Arc<ContentFile>, segments: impl IntoIterator<Item = Segment>) -> Self {
        let segments: VecDeque<_> = segments.into_iter().collect();
        let remaining = segments.iter().map(Segment::len).sum();
        Self { file, reading: None, segments, remaining }
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }

    pub(crate) fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        let chunk = match &mut self.reading {
            Some(reading) => {
                let outcome = ready!(Pin::new(reading).poll(context));
                self.reading = None;
                outcome.map_err(io::Error::other).flatten()
            }
            None => match self.segments.pop_front() {
                None => return Poll::Ready(None),
                Some(Segment::Text(text)) => Ok(text),
                Some(Segment::Range(range)) => match self.read(range) {
                    Ok(AtHand::Read(bytes)) => Ok(bytes),
                    Ok(AtHand::OnDisk) => return self.poll_chunk(context),
                    Err(error) => Err(error),
                },
            },
        };
        if let Ok(bytes) = &chunk {
            self.remaining = self.remaining.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(Some(chunk))
    }

    /// Reads the first chunk of `range`, or begins to; what is left of it goes back to the segments.
    /// What many download is in the system's memory, and then a hop to another thread costs more
    /// than reading it.
    fn read(&mut self, range: ByteRange) -> io::Result<AtHand> {
        let wanted = usize::try_from(range.len()).unwrap_or(usize::MAX).min(CHUNK);
        let found = chunk::read_at_hand(&self.file.file, range.first, wanted)?;
        let read = match &found {
            AtHand::Read(bytes) => bytes.len(),
            AtHand::OnDisk => {
                let file = Arc::clone(&self.file);
                self.reading = Some(tokio::task::spawn_blocking(move || {
                    chunk::read(&file.file, range.first, wanted)
                }));
                wanted
            }
        } as u64;
        if read < range.len() {
            let rest = ByteRange { first: range.first + read, last: range.last };
            self.segments.push_front(Segment::Range(rest));
        }
        Ok(found)
    }
}
