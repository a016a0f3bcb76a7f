//! Files: names, sizes and digests, and the bytes of the small ones.
//!
//! A catalogue of gigabytes must fit on a laptop. So the bytes of a small file are made from its
//! digest key whenever someone needs them, and its digests are right; a large file has a size and
//! digests that nothing will ever have.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::random::Random;
use crate::wire::types::{Sha1, Sha256};

/// One file.
#[derive(Debug, Clone)]
pub(super) struct StoredFile {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha1: Sha1,
    pub(super) sha256: Sha256,
    pub(super) patching_type: Option<&'static str>,
    /// The bytes, if it is small.
    pub(super) bytes: Option<Vec<u8>>,
}

impl StoredFile {
    /// A file with `bytes`.
    pub(super) fn small(name: String, bytes: Vec<u8>) -> Self {
        let mut sha1 = [0; 20];
        sha1.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, &bytes).as_ref());
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        Self {
            name,
            size: bytes.len() as u64,
            sha1: Sha1(sha1),
            sha256: Sha256(sha256),
            patching_type: None,
            bytes: Some(bytes),
        }
    }

    /// A file of `size` bytes drawn from `random`, which must not compress.
    pub(super) fn drawn(name: String, size: u64, random: &mut Random) -> Self {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let mut left = size;
        while left > 0 {
            let chunk = random.next().to_le_bytes();
            let taken = left.min(8);
            bytes.extend_from_slice(&chunk[..taken as usize]);
            left -= taken;
        }
        Self::small(name, bytes)
    }

    /// A file of `size` bytes that exists nowhere.
    pub(super) fn large(name: String, size: u64, random: &mut Random) -> Self {
        let (sha1, sha256) = (Sha1(random.bytes()), Sha256(random.bytes()));
        Self { name, size, sha1, sha256, patching_type: None, bytes: None }
    }

    /// The same, to be fetched in the given way.
    pub(super) fn patching(self, patching_type: &'static str) -> Self {
        Self { patching_type: Some(patching_type), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_files_have_their_size_and_right_digests() {
        for size in [0, 1, 7, 8, 9, 1000] {
            let mut random = Random::keyed(1, &[size]);
            let file = StoredFile::drawn("a".into(), size, &mut random);
            let bytes = file.bytes.unwrap();
            assert_eq!((bytes.len() as u64, file.size), (size, size));
            assert_eq!(digest(&SHA256, &bytes).as_ref(), file.sha256.0);
        }
        let empty = StoredFile::small("a".into(), Vec::new());
        assert_eq!(empty.sha1.to_hex(), "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709");
    }

    #[test]
    fn large_files_differ_and_hold_nothing() {
        let mut random = Random::keyed(1, &[]);
        let one = StoredFile::large("a".into(), 5 << 32, &mut random);
        let other = StoredFile::large("a".into(), 5 << 32, &mut random);
        assert_ne!(one.sha1, other.sha1);
        assert!(one.bytes.is_none() && one.size > u64::from(u32::MAX));
    }
}
