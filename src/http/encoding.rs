//! Undoing the content encodings that update servers use.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::wire::xpress::{self, XpressError};

/// Why a body could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodingError {
    /// Not what the header promises.
    #[error("the body is not gzip: {0}")]
    Gzip(#[from] std::io::Error),
    /// Not what the header promises, or too large.
    #[error("the body is not xpress: {0}")]
    Xpress(#[from] XpressError),
    /// An encoding that no client asked for.
    #[error("content encoding '{0}' is unknown")]
    Unknown(String),
    /// More than the limit when decoded.
    #[error("the decoded body has more than {0} bytes")]
    TooLarge(u64),
}

/// The body before the `Content-Encoding` called `encoding`, at most `limit` bytes of it.
pub fn decode(encoding: &str, body: Vec<u8>, limit: u64) -> Result<Vec<u8>, EncodingError> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        // The answer to HEAD names the encoding of a body that it does not have.
        _ if body.is_empty() => Ok(body),
        "" | "identity" => Ok(body),
        "xpress" => Ok(xpress::decode(&body, usize::try_from(limit).unwrap_or(usize::MAX))?),
        "gzip" | "x-gzip" => {
            let mut decoded = Vec::new();
            let decoder = MultiGzDecoder::new(&*body);
            let read = decoder.take(limit.saturating_add(1)).read_to_end(&mut decoded)?;
            if read as u64 > limit {
                return Err(EncodingError::TooLarge(limit));
            }
            Ok(decoded)
        }
        other => Err(EncodingError::Unknown(other.chars().take(40).collect())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn both_encodings_are_undone_up_to_the_limit() {
        let plain = vec![b'x'; 40_000];
        let mut packed = Vec::new();
        xpress::encode(&plain, &mut packed);
        for (encoding, body) in [("xpress", packed), ("GZIP", gzip(&plain))] {
            assert_eq!(decode(encoding, body.clone(), 40_000).unwrap(), plain, "{encoding}");
            assert!(decode(encoding, body, 39_999).is_err(), "{encoding}");
        }
        assert_eq!(decode("", plain.clone(), 0).unwrap(), plain);
        assert!(matches!(decode("br", plain, 9), Err(EncodingError::Unknown(_))));
        assert!(matches!(decode("gzip", b"no".to_vec(), 9), Err(EncodingError::Gzip(_))));
    }
}
