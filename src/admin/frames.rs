//! Files on the socket: a name and a length before each, so that documents of any size and
//! encoding travel unchanged.

use super::Source;

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

/// Files that arrived; none when the bytes are not such.
pub(super) fn read(mut bytes: &[u8]) -> Option<Vec<Source>> {
    let mut sources = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (name, rest) = rest.split_at_checked(length).filter(|_| length <= NAME_LIMIT)?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (content, rest) = rest.split_at_checked(length)?;
        sources.push(Source {
            name: String::from_utf8_lossy(name).into_owned(),
            bytes: content.to_vec(),
        });
        bytes = rest;
    }
    Some(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_arrive_as_they_left_and_cut_ones_do_not() {
        let file = |name: &str, bytes: &[u8]| Source { name: name.into(), bytes: bytes.to_vec() };
        let written = write(&[file("ä.xml", b"<x/>"), file("", b"")]);
        let read_back = read(&written).expect("whole");
        assert_eq!(read_back.len(), 2);
        assert_eq!((read_back[0].name.as_str(), &*read_back[0].bytes), ("ä.xml", &b"<x/>"[..]));
        let boundary = 4 + "ä.xml".len() + 8 + 4;
        for length in (1..written.len()).filter(|length| *length != boundary) {
            assert!(read(&written[..length]).is_none(), "cut at {length}");
        }
    }
}
