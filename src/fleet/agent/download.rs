//! Downloads as Delivery Optimization makes them: closed ranges of 1 MiB, in no order, over several
//! connections.
//!
//! The digests want the bytes in order, and memory is to be bounded. So the ranges of all files are
//! taken in windows of a few; within one they are asked for in any order, and when all of it is
//! there the digests take it and it is forgotten.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use super::Agent;
use super::details::Locations;
use super::requests::{self, Agency};
use super::session::no_answer;
use super::world::World;
use crate::conformance::client::{Client, Server};
use crate::conformance::head::ResponseHead;
use crate::fleet::catalogue::random::Random;
use crate::fleet::referee::{Complaint, Rule};
use crate::metadata::model::UpdateFile;

/// Bytes of a range.
const RANGE: u64 = 1 << 20;

/// Ranges that are under way or waiting to be digested: the memory of one download in MiB.
const WINDOW: usize = 8;

/// Connections of one download.
const CONNECTIONS: usize = 3;

/// A range of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    /// Position among the files.
    file: usize,
    first: u64,
    /// Included.
    last: u64,
}

/// A file while it is downloaded.
struct Progress<'f> {
    file: &'f UpdateFile,
    server: Server,
    target: String,
    sha1: Context,
    sha256: Context,
}

impl Agent {
    /// Downloads files and checks their digests. Returns the bytes that came.
    pub(super) async fn download(&mut self, files: &[UpdateFile]) -> Result<u64, Complaint> {
        let world = std::sync::Arc::clone(&self.world);
        let _turn = world.downloads.acquire().await;
        let mut progress = Vec::with_capacity(files.len());
        for file in files {
            progress.push(Progress::new(file, &world, &self.locations)?);
        }
        let pieces = pieces(files);
        let mut connections: Vec<Connection> = Vec::new();
        connections.resize_with(CONNECTIONS, Connection::default);
        let mut bytes = 0;
        for window in pieces.chunks(WINDOW) {
            let shuffled = shuffled(window.len(), &mut self.download_order);
            let got =
                fetch(&world, &self.computer.agency, &mut connections, &progress, window, shuffled);
            for (piece, data) in window.iter().zip(got.await?) {
                bytes += data.len() as u64;
                if let Some(progress) = progress.get_mut(piece.file) {
                    progress.take(&data);
                }
            }
        }
        progress.into_iter().try_for_each(Progress::finish)?;
        Ok(bytes)
    }
}

/// All ranges of all files in order. Files without bytes have none.
fn pieces(files: &[UpdateFile]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let mut first = 0;
        while first < file.size {
            let last = file.size.min(first.saturating_add(RANGE)) - 1;
            pieces.push(Piece { file: number, first, last });
            first = last + 1;
        }
    }
    pieces
}

/// The numbers below `count` in any order.
fn shuffled(count: usize, random: &mut Random) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for end in (1..count).rev() {
        let other = random.between(0, end as u64);
        order.swap(end, usize::try_from(other).unwrap_or(end));
    }
    order
}

/// A connection of a download: it is opened to the server of the first range that it fetches, and
/// again for a range of another server.
#[derive(Default)]
struct Connection {
    open: Option<(String, Client)>,
    sequence: u32,
}

/// Fetches a window's pieces in the given order and returns them in the window's.
async fn fetch(
    world: &World,
    agency: &Agency,
    connections: &mut [Connection],
    files: &[Progress<'_>],
    window: &[Piece],
    order: Vec<usize>,
) -> Result<Vec<Vec<u8>>, Complaint> {
    let waiting = Mutex::new(order);
    let got: Mutex<Vec<Vec<u8>>> = Mutex::new(vec![Vec::new(); window.len()]);
    let work = async |connection: &mut Connection| -> Result<(), Complaint> {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(position) = next else { return Ok(()) };
            let Some(piece) = window.get(position) else { return Ok(()) };
            let Some(file) = files.get(piece.file) else { return Ok(()) };
            let data = connection.fetch(world, agency, file, *piece).await?;
            let mut got = got.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = got.get_mut(position) {
                *place = data;
            }
        }
    };
    let [one, two, three] = connections else { return Ok(Vec::new()) };
    let (one, two, three) = tokio::join!(work(one), work(two), work(three));
    one.and(two).and(three)?;
    Ok(got.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl Connection {
    async fn fetch(
        &mut self,
        world: &World,
        agency: &Agency,
        file: &Progress<'_>,
        piece: Piece,
    ) -> Result<Vec<u8>, Complaint> {
        let authority = file.server.authority();
        if self.open.as_ref().is_none_or(|(open, _)| open != authority) {
            let client = Client::new(file.server.clone(), world.limits);
            self.open = Some((authority.to_owned(), client));
        }
        let Some((_, client)) = &mut self.open else { return Ok(Vec::new()) };
        self.sequence = self.sequence.saturating_add(1);
        let Piece { first, last, .. } = piece;
        let head = requests::content(agency, &file.target, first, last, self.sequence);
        let wanted = usize::try_from(last - first + 1).unwrap_or(0);
        let mut data = Vec::with_capacity(wanted);
        let started = Instant::now();
        let answer = client.stream(&head, Vec::new(), |part| {
            let fits = data.len() + part.len() <= wanted;
            data.extend_from_slice(if fits { part } else { &[] });
            fits
        });
        let (head, length) = answer.await.map_err(|error| no_answer("a range", &error))?;
        world.statistics.downloaded(started.elapsed(), length);
        check(&head, piece, file.file.size, length)?;
        Ok(data)
    }
}

/// Holds the answer for a range of a file of `size` bytes to what was asked for.
fn check(head: &ResponseHead, piece: Piece, size: u64, length: u64) -> Result<(), Complaint> {
    let Piece { first, last, .. } = piece;
    let wanted = last - first + 1;
    let refused = |what: String| {
        let what = format!("bytes {first}-{last} of {size}: {what}");
        Err(Complaint::new(Rule::Range, what))
    };
    if head.status != 206 {
        return refused(format!("status {}", head.status));
    }
    let range = head.headers.value("Content-Range").unwrap_or("none");
    if range != format!("bytes {first}-{last}/{size}") {
        return refused(format!("Content-Range {range}"));
    }
    if let Some(encoding) = head.headers.value("Content-Encoding") {
        return refused(format!("Content-Encoding {encoding}"));
    }
    let announced = head.headers.value("Content-Length").unwrap_or("none");
    if announced != wanted.to_string() || length != wanted {
        return refused(format!("Content-Length {announced}, {length} bytes"));
    }
    Ok(())
}

impl<'f> Progress<'f> {
    fn new(file: &'f UpdateFile, world: &World, locations: &Locations) -> Result<Self, Complaint> {
        let digest = file.sha1.to_hex();
        let url = locations.get(&file.sha1).ok_or_else(|| {
            Complaint::new(Rule::FileLocationMissing, format!("no location of {digest}"))
        })?;
        let (server, target) = world
            .content_server(url)
            .map_err(|error| Complaint::new(Rule::FileLocation, format!("{digest}: {error}")))?;
        let (sha1, sha256) = (Context::new(&SHA1_FOR_LEGACY_USE_ONLY), Context::new(&SHA256));
        Ok(Self { file, server, target, sha1, sha256 })
    }

    fn take(&mut self, data: &[u8]) {
        self.sha1.update(data);
        self.sha256.update(data);
    }

    fn finish(self) -> Result<(), Complaint> {
        let Self { file, sha1, sha256, .. } = self;
        let (sha1, sha256) = (sha1.finish(), sha256.finish());
        let is_right = sha1.as_ref() == file.sha1.0
            && file.sha256.is_none_or(|expected| sha256.as_ref() == expected.0);
        if is_right {
            return Ok(());
        }
        let what = format!("{} came as something else", file.sha1.to_hex());
        Err(Complaint::new(Rule::DigestDiffers, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::types::{Sha1, Sha256};

    fn file(size: u64) -> UpdateFile {
        let (sha1, sha256) = (Sha1([1; 20]), Some(Sha256([1; 32])));
        UpdateFile { sha1, sha256, name: "a.cab".to_owned(), size }
    }

    #[test]
    fn ranges_are_aligned_and_cover_every_file_once() {
        let sizes = [0, 1, RANGE - 1, RANGE, RANGE + 1, 5 * RANGE / 2];
        let files = sizes.map(file);
        let pieces = pieces(&files);
        for (number, size) in sizes.into_iter().enumerate() {
            let own = pieces.iter().filter(|piece| piece.file == number);
            let mut next = 0;
            for piece in own {
                assert_eq!((piece.first, piece.first % RANGE), (next, 0));
                assert!(piece.last < size && piece.last - piece.first < RANGE);
                next = piece.last + 1;
            }
            assert_eq!(next, size);
        }
        assert_eq!(pieces.len(), 1 + 1 + 1 + 2 + 3);
    }

    #[test]
    fn the_order_is_a_permutation_and_not_the_same_each_time() {
        let mut random = Random::keyed(1, &[]);
        let orders: Vec<_> = (0..5).map(|_| shuffled(8, &mut random)).collect();
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..8).collect::<Vec<_>>());
        }
        assert!(orders.iter().any(|order| *order != orders[0]));
    }

    #[test]
    fn an_answer_is_held_to_the_range() {
        let good = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 10-19/30\r\n\
                    Content-Length: 10\r\n\r\n";
        let piece = Piece { file: 0, first: 10, last: 19 };
        let broken = |from: &str, to: &str, length| {
            let head = ResponseHead::parse(&good.replace(from, to)).unwrap();
            check(&head, piece, 30, length).err().map(|complaint| complaint.rule)
        };
        assert_eq!(broken("", "", 10), None);
        assert_eq!(broken("206", "200", 10), Some(Rule::Range));
        assert_eq!(broken("/30", "/31", 10), Some(Rule::Range));
        assert_eq!(broken("10-19", "0-9", 10), Some(Rule::Range));
        assert_eq!(broken("Length: 10", "Length: 11", 10), Some(Rule::Range));
        assert_eq!(broken("", "", 9), Some(Rule::Range));
        assert_eq!(broken("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n", 10), Some(Rule::Range));
    }

    #[test]
    fn digests_decide() {
        use aws_lc_rs::digest::digest;
        let bytes = b"the bytes of a file";
        let mut right = file(bytes.len() as u64);
        right.sha1.0.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, bytes).as_ref());
        right.sha256 = Some(Sha256(sha256));
        let finish = |file: &UpdateFile| {
            let server = Server::new("http://h", None).unwrap();
            let (sha1, sha256) = (Context::new(&SHA1_FOR_LEGACY_USE_ONLY), Context::new(&SHA256));
            let mut progress = Progress { file, server, target: String::new(), sha1, sha256 };
            bytes.chunks(7).for_each(|part| progress.take(part));
            progress.finish().err().map(|complaint| complaint.rule)
        };
        assert_eq!(finish(&right), None);
        let wrong = UpdateFile { sha256: Some(Sha256([0; 32])), ..right.clone() };
        assert_eq!(finish(&wrong), Some(Rule::DigestDiffers));
        let wrong = UpdateFile { sha1: Sha1([0; 20]), ..right };
        assert_eq!(finish(&wrong), Some(Rule::DigestDiffers));
    }
}
