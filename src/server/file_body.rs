//! Parts of a file as a response body.
//!
//! The next chunk is read when the connection asks for it, which it does once the last one is on
//! its way: a slow client costs one chunk of memory whatever the size of the file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::content::ranges::ByteRange;

/// Bytes read at a time: few enough for thousands of slow clients, enough that the hop to a
/// blocking thread does not matter.
const CHUNK: u64 = 256 * 1024;

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

type Reading = JoinHandle<io::Result<(File, Vec<u8>)>>;

/// Reads [`Segment`]s of one file, chunk by chunk.
#[derive(Debug)]
pub(crate) struct FileBody {
    /// Absent while it is being read, and after an error.
    file: Option<File>,
    reading: Option<Reading>,
    segments: VecDeque<Segment>,
    remaining: u64,
}

impl FileBody {
    pub(crate) fn new(file: File, segments: impl IntoIterator<Item = Segment>) -> Self {
        let segments: VecDeque<_> = segments.into_iter().collect();
        let remaining = segments.iter().map(Segment::len).sum();
        Self { file: Some(file), reading: None, segments, remaining }
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }

    pub(crate) fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        if self.reading.is_none() {
            match self.segments.pop_front() {
                None => return Poll::Ready(None),
                Some(Segment::Text(text)) => {
                    self.remaining -= text.len() as u64;
                    return Poll::Ready(Some(Ok(text)));
                }
                Some(Segment::Range(range)) => {
                    if let Err(error) = self.start_reading(range) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
        }
        let Some(reading) = self.reading.as_mut() else { return Poll::Ready(None) };
        let outcome = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        let chunk = outcome.map_err(io::Error::other).flatten().map(|(file, chunk)| {
            self.file = Some(file);
            self.remaining -= chunk.len() as u64;
            Bytes::from(chunk)
        });
        Poll::Ready(Some(chunk))
    }

    /// Reads the first chunk of `range`; what is left of it goes back to the segments.
    fn start_reading(&mut self, range: ByteRange) -> io::Result<()> {
        let Some(mut file) = self.file.take() else {
            return Err(io::Error::other("the file failed before"));
        };
        let wanted = range.len().min(CHUNK);
        if wanted < range.len() {
            let rest = ByteRange { first: range.first + wanted, last: range.last };
            self.segments.push_front(Segment::Range(rest));
        }
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let mut chunk = Vec::with_capacity(usize::try_from(wanted).unwrap_or_default());
            file.seek(SeekFrom::Start(range.first))?;
            (&mut file).take(wanted).read_to_end(&mut chunk)?;
            if chunk.len() as u64 == wanted {
                Ok((file, chunk))
            } else {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file shrank"))
            }
        }));
        Ok(())
    }
}
