//! Files on their way: a name and a length before each, so that documents of any size and encoding
//! travel unchanged, thousands in one request.

use std::io::{self, Read};

use super::Source;
use super::import::DOCUMENT_LIMIT;

/// The media type of such a body.
pub(super) const MEDIA_TYPE: &str = "application/vnd.weir.files";
/// Most bytes of files in one request: two of the largest documents.
pub(super) const LIMIT: u64 = 2 * DOCUMENT_LIMIT as u64;
/// Most bytes of a name.
const NAME_LIMIT: usize = 4096;

/// Files as they travel.
pub(super) fn write(sources: &[Source]) -> Vec<u8> {
    let mut out = Vec::new();
    for source in sources {
        let name = &source.name[..source.name.floor_char_boundary(NAME_LIMIT)];
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&(source.bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(&source.bytes);
    }
    out
}

/// Files that arrive (blocking). Memory is taken as bytes come, never as they are announced, and for
/// no more than [`LIMIT`] of them.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when the bytes are not such, or too many.
pub(super) fn read(body: impl Read) -> io::Result<Vec<Source>> {
    // One more, to tell a body that ends there from one that goes on.
    let mut body = body.take(LIMIT + 1);
    let mut sources = Vec::new();
    while let Some(length) = number::<4>(&mut body)? {
        let length = u64::from(u32::from_le_bytes(length));
        if length > NAME_LIMIT as u64 {
            return Err(cut());
        }
        let name = exactly(&mut body, length)?;
        let length = number::<8>(&mut body)?.ok_or_else(cut)?;
        let bytes = exactly(&mut body, u64::from_le_bytes(length))?;
        sources.push(Source { name: String::from_utf8_lossy(&name).into_owned(), bytes });
    }
    Ok(sources)
}

/// The bytes of a number; none when there are no more bytes at all.
fn number<const N: usize>(body: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    let mut bytes = Vec::with_capacity(N);
    body.by_ref().take(N as u64).read_to_end(&mut bytes)?;
    match bytes.as_slice().try_into() {
        Ok(number) => Ok(Some(number)),
        Err(_) if bytes.is_empty() => Ok(None),
        Err(_) => Err(cut()),
    }
}

fn exactly(body: &mut io::Take<impl Read>, length: u64) -> io::Result<Vec<u8>> {
    if length > body.limit() {
        return Err(cut());
    }
    let mut bytes = Vec::new();
    body.by_ref().take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(cut()) }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the files are cut")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_arrive_as_they_left_and_cut_ones_do_not() {
        let file = |name: &str, bytes: &[u8]| Source { name: name.into(), bytes: bytes.to_vec() };
        let written = write(&[file("ä.xml", b"<x/>"), file("", b"")]);
        let read_back = read(written.as_slice()).expect("whole");
        assert_eq!(read_back.len(), 2);
        assert_eq!((read_back[0].name.as_str(), &*read_back[0].bytes), ("ä.xml", &b"<x/>"[..]));
        let boundary = 4 + "ä.xml".len() + 8 + 4;
        for length in (1..written.len()).filter(|length| *length != boundary) {
            assert!(read(&written[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_length_that_lies_takes_no_memory() {
        for lie in [LIMIT, LIMIT + 1, u64::MAX] {
            let mut body = 0u32.to_le_bytes().to_vec();
            body.extend(lie.to_le_bytes());
            assert!(read(body.as_slice()).is_err(), "{lie}");
        }
    }
}
