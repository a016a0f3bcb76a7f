//! Writing a backup: what has to be sent, piece by piece, and the digest of it.

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::super::{Change, StoreError};
use super::{FORMAT, Header, Line};

/// A backup on its way. Nothing is kept but its digest.
pub struct Writer {
    context: Context,
    lines: u64,
}

impl Writer {
    /// Begins one, whose first bytes go to `out`.
    ///
    /// # Errors
    /// [`StoreError::Unencodable`], which never happens.
    pub fn begin(header: Header, out: &mut Vec<u8>) -> Result<Self, StoreError> {
        let mut writer = Self { context: Context::new(&SHA256), lines: 0 };
        writer.line(&Line::WeirBackup { format: FORMAT, header }, out)?;
        Ok(writer)
    }

    /// A record as it is from here on.
    pub fn change(&mut self, change: &Change, out: &mut Vec<u8>) -> Result<(), StoreError> {
        let line = match change {
            Change::Put { tree, key, value } => Line::Record {
                tree: tree.name().to_owned(),
                key: BASE64.encode(key),
                value: BASE64.encode(value),
            },
            Change::Delete { tree, key } => {
                Line::Gone { tree: tree.name().to_owned(), key: BASE64.encode(key) }
            }
        };
        self.line(&line, out)
    }

    /// A file, whose bytes follow through [`Writer::bytes`].
    pub fn file(&mut self, path: String, length: u64, out: &mut Vec<u8>) -> Result<(), StoreError> {
        self.line(&Line::File { path, length }, out)
    }

    /// Notes bytes of a file, which are sent as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// The end.
    pub fn end(mut self, out: &mut Vec<u8>) -> Result<(), StoreError> {
        let sha256 = hex(self.context.clone());
        self.line(&Line::End { lines: self.lines, sha256 }, out)
    }

    fn line(&mut self, line: &Line, out: &mut Vec<u8>) -> Result<(), StoreError> {
        let from = out.len();
        serde_json::to_writer(&mut *out, line).map_err(|error| StoreError::Unencodable {
            record: "line of a backup",
            reason: error.to_string(),
        })?;
        out.push(b'\n');
        self.context.update(out.get(from..).unwrap_or_default());
        self.lines += 1;
        Ok(())
    }
}

pub(super) fn hex(context: Context) -> String {
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
