//! The container: header, folders, files and the chain of data blocks, with every offset and
//! count held against the bytes that are there.

use std::ops::Range;

use lzxd::WindowSize;

use super::{CabinetError, MAX_FILES};
use crate::wire::little_endian::Reader;

const SIGNATURE: [u8; 4] = *b"MSCF";
const MAJOR_VERSION: u8 = 1;

// Header flags.
const PREVIOUS_CABINET: u16 = 1;
const NEXT_CABINET: u16 = 2;
const RESERVE_PRESENT: u16 = 4;

/// From here on a file's folder index says that it continues from or in another cabinet.
const CONTINUED: u16 = 0xfffd;

/// What a cabinet declares. Nothing of it is unpacked.
#[derive(Debug)]
pub(super) struct Container<'a> {
    pub(super) folders: Vec<Folder<'a>>,
    pub(super) files: Vec<File>,
}

/// A run of data blocks that are one compressed stream.
#[derive(Debug)]
pub(super) struct Folder<'a> {
    pub(super) compression: Compression,
    first_block: Reader<'a>,
    block_count: u16,
    block_reserve: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Compression {
    Stored,
    MsZip,
    Lzx(WindowSize),
}

/// A part of an unpacked folder.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) folder: usize,
    pub(super) range: Range<usize>,
}

/// A data block, its checksum verified.
pub(super) struct Block<'a> {
    pub(super) packed: &'a [u8],
    /// Bytes when unpacked.
    pub(super) unpacked_size: usize,
}

impl<'a> Container<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, CabinetError> {
        let mut start = Reader::new(bytes);
        if start.array() != Ok(SIGNATURE) {
            return Err(CabinetError::NotACabinet);
        }
        start.u32()?;
        let size = start.u32()?;
        // A signature may follow the cabinet. Everything that it declares must be inside.
        let cabinet = Reader::new(Reader::new(bytes).take(to_usize(size)?)?);
        let mut header = at(cabinet, 16)?;
        let first_file = header.u32()?;
        header.u32()?;
        let _minor_version = header.u8()?;
        if header.u8()? != MAJOR_VERSION {
            return Err(CabinetError::NotACabinet);
        }
        let folder_count = count("folders", header.u16()?)?;
        let file_count = count("files", header.u16()?)?;
        let flags = header.u16()?;
        if flags & (PREVIOUS_CABINET | NEXT_CABINET) != 0 {
            return Err(CabinetError::Set);
        }
        let _set_id = header.u16()?;
        let _index_in_set = header.u16()?;
        let (mut folder_reserve, mut block_reserve) = (0, 0);
        if flags & RESERVE_PRESENT != 0 {
            let header_reserve = header.u16()?;
            folder_reserve = usize::from(header.u8()?);
            block_reserve = usize::from(header.u8()?);
            header.take(usize::from(header_reserve))?;
        }

        let folders = (0..folder_count)
            .map(|_| {
                let folder = Folder::read(&mut header, cabinet, block_reserve)?;
                header.take(folder_reserve)?;
                Ok(folder)
            })
            .collect::<Result<_, CabinetError>>()?;
        let mut entries = at(cabinet, first_file)?;
        let files = (0..file_count).map(|_| File::read(&mut entries)).collect::<Result<_, _>>()?;
        Ok(Self { folders, files })
    }

    /// Holds everything declared against `limit`, and the files against their folders.
    pub(super) fn check_sizes(&self, limit: usize) -> Result<(), CabinetError> {
        let mut left = limit;
        let mut folder_sizes = Vec::with_capacity(self.folders.len());
        for folder in &self.folders {
            let mut size = 0;
            for block in folder.blocks() {
                let block = block?;
                left =
                    left.checked_sub(block.unpacked_size).ok_or(CabinetError::Limit { limit })?;
                size += block.unpacked_size;
            }
            folder_sizes.push(size);
        }
        let mut left = limit;
        for file in &self.files {
            left = left.checked_sub(file.range.len()).ok_or(CabinetError::Limit { limit })?;
            if folder_sizes.get(file.folder).is_none_or(|size| file.range.end > *size) {
                return Err(CabinetError::FileRange(file.name.clone()));
            }
        }
        Ok(())
    }
}

impl<'a> Folder<'a> {
    fn read(
        entry: &mut Reader<'a>,
        cabinet: Reader<'a>,
        block_reserve: usize,
    ) -> Result<Self, CabinetError> {
        Ok(Self {
            first_block: at(cabinet, entry.u32()?)?,
            block_count: entry.u16()?,
            compression: Compression::from_bits(entry.u16()?)?,
            block_reserve,
        })
    }

    /// The data blocks in order, read anew with every call.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Result<Block<'a>, CabinetError>> {
        let mut reader = self.first_block;
        (0..self.block_count).map(move |_| Block::read(&mut reader, self.block_reserve))
    }
}

impl Compression {
    fn from_bits(bits: u16) -> Result<Self, CabinetError> {
        // The low nibble is the kind; LZX keeps its window, as a power of two, in the high byte.
        Ok(match (bits & 0x000f, bits >> 8) {
            (0, _) => Self::Stored,
            (1, _) => Self::MsZip,
            (3, 15) => Self::Lzx(WindowSize::KB32),
            (3, 16) => Self::Lzx(WindowSize::KB64),
            (3, 17) => Self::Lzx(WindowSize::KB128),
            (3, 18) => Self::Lzx(WindowSize::KB256),
            (3, 19) => Self::Lzx(WindowSize::KB512),
            (3, 20) => Self::Lzx(WindowSize::MB1),
            (3, 21) => Self::Lzx(WindowSize::MB2),
            _ => return Err(CabinetError::Compression(bits)),
        })
    }
}

impl File {
    fn read(entry: &mut Reader<'_>) -> Result<Self, CabinetError> {
        let size = to_usize(entry.u32()?)?;
        let start = to_usize(entry.u32()?)?;
        let folder = entry.u16()?;
        let _date_time_attributes = entry.take(6)?;
        let name = String::from_utf8_lossy(entry.until_zero()?).chars().take(255).collect();
        if folder >= CONTINUED {
            return Err(CabinetError::Set);
        }
        match start.checked_add(size) {
            Some(end) => Ok(Self { name, folder: usize::from(folder), range: start..end }),
            None => Err(CabinetError::FileRange(name)),
        }
    }
}

impl<'a> Block<'a> {
    fn read(reader: &mut Reader<'a>, reserve: usize) -> Result<Self, CabinetError> {
        let checksum = reader.u32()?;
        let covered = reader.rest();
        let packed_size = usize::from(reader.u16()?);
        let unpacked_size = usize::from(reader.u16()?);
        reader.take(reserve)?;
        let packed = reader.take(packed_size)?;
        // Zero is "not computed".
        let covered = Reader::new(covered).take(4 + reserve + packed_size)?;
        if checksum != 0 && checksum != checksum_of(covered) {
            return Err(CabinetError::Checksum);
        }
        if unpacked_size == 0 && packed_size != 0 {
            return Err(CabinetError::Set);
        }
        Ok(Self { packed, unpacked_size })
    }
}

/// The exclusive or of all little-endian words; the bytes left over are taken big-endian.
pub(super) fn checksum_of(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let words = words.iter().fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
    words ^ rest.iter().fold(0, |last, byte| last << 8 | u32::from(*byte))
}

fn count(what: &'static str, count: u16) -> Result<u16, CabinetError> {
    if usize::from(count) > MAX_FILES {
        return Err(CabinetError::TooMany { what, count });
    }
    Ok(count)
}

/// The cabinet from `offset` on.
fn at(mut cabinet: Reader<'_>, offset: u32) -> Result<Reader<'_>, CabinetError> {
    cabinet.take(to_usize(offset)?)?;
    Ok(cabinet)
}

fn to_usize(number: u32) -> Result<usize, CabinetError> {
    usize::try_from(number).map_err(|_| CabinetError::Truncated)
}
