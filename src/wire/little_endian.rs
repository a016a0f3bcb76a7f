//! Reading fixed-layout bytes: every read checked, nothing consumed that is not there.

/// The bytes ended before what was to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndOfBytes;

/// What is left to read. Numbers are little-endian.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], EndOfBytes> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(EndOfBytes)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], EndOfBytes> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(EndOfBytes)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// The bytes up to the next zero, which is passed over.
    pub fn until_zero(&mut self) -> Result<&'a [u8], EndOfBytes> {
        let zero = self.0.iter().position(|&byte| byte == 0).ok_or(EndOfBytes)?;
        let taken = self.take(zero)?;
        self.take(1)?;
        Ok(taken)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, EndOfBytes> {
        self.array().map(u8::from_le_bytes)
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Result<u16, EndOfBytes> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Result<u32, EndOfBytes> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes.
    pub fn u64(&mut self) -> Result<u64, EndOfBytes> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_order_and_stops_at_the_end() {
        let mut bytes = Reader::new(b"\x01\x02\x03\x04\0\0\0name\0rest");
        assert_eq!(bytes.u8(), Ok(1));
        assert_eq!(bytes.u16(), Ok(0x0302));
        assert_eq!(bytes.u32(), Ok(4));
        assert_eq!(bytes.until_zero(), Ok(&b"name"[..]));
        assert_eq!(bytes.u64(), Err(EndOfBytes));
        assert_eq!(bytes.until_zero(), Err(EndOfBytes));
        assert_eq!(bytes.take(5), Err(EndOfBytes));
        assert_eq!(bytes.array(), Ok(*b"re"), "a failed read consumes nothing");
        assert_eq!(bytes.rest(), b"st");
        assert_eq!(bytes.take(2), Ok(&b"st"[..]));
        assert!(bytes.is_empty());
    }
}
