//! Parts of a file as a response body: of one that is stored, or of one that comes from elsewhere
//! meanwhile.
//!
//! The next chunk is read when the connection asks for it, which it does once the last one is on
//! its way: a slow client costs one chunk of memory whatever the size of the file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::content::pulled::RangeSource;
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

/// Where the bytes come from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A stored file.
    Stored(File),
    /// A file that is not here, or not whole.
    Pulled(Arc<dyn RangeSource>),
}

type Reading = JoinHandle<io::Result<(Origin, Vec<u8>)>>;

/// Reads [`Segment`]s of one file, chunk by chunk.
#[derive(Debug)]
pub(crate) struct FileBody {
    /// Absent while it is being read, and after an error.
    origin: Option<Origin>,
    reading: Option<Reading>,
    segments: VecDeque<Segment>,
    remaining: u64,
}

impl FileBody {
    pub(crate) fn new(origin: Origin, segments: impl IntoIterator<Item = Segment>) -> Self {
        let segments: VecDeque<_> = segments.into_iter().collect();
        let remaining = segments.iter().map(Segment::len).sum();
        Self { origin: Some(origin), reading: None, segments, remaining }
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
        let chunk = outcome.map_err(io::Error::other).flatten().map(|(origin, chunk)| {
            self.origin = Some(origin);
            self.remaining -= chunk.len() as u64;
            Bytes::from(chunk)
        });
        Poll::Ready(Some(chunk))
    }

    /// Reads the first chunk of `range`; what is left of it goes back to the segments.
    fn start_reading(&mut self, range: ByteRange) -> io::Result<()> {
        let Some(origin) = self.origin.take() else {
            return Err(io::Error::other("the file failed before"));
        };
        let wanted = range.len().min(CHUNK);
        if wanted < range.len() {
            let rest = ByteRange { first: range.first + wanted, last: range.last };
            self.segments.push_front(Segment::Range(rest));
        }
        self.reading = Some(match origin {
            Origin::Stored(mut file) => tokio::task::spawn_blocking(move || {
                let mut chunk = Vec::with_capacity(usize::try_from(wanted).unwrap_or_default());
                file.seek(SeekFrom::Start(range.first))?;
                (&mut file).take(wanted).read_to_end(&mut chunk)?;
                if chunk.len() as u64 == wanted {
                    Ok((Origin::Stored(file), chunk))
                } else {
                    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file shrank"))
                }
            }),
            // A task of its own: what was begun for a client that goes away is good for the next.
            Origin::Pulled(source) => tokio::spawn(async move {
                let chunk = source.read(range.first, wanted).await?;
                Ok((Origin::Pulled(source), chunk))
            }),
        });
        Ok(())
    }
}
