//! Where a file is found below a server's or a distribution point's root.

use crate::metadata::model::UpdateFile;

/// `Content/<last two hexadecimal digits>/<SHA-1>.<extension>`, the digest in upper case.
pub fn content_path(file: &UpdateFile) -> String {
    let digest = file.sha1.to_hex();
    let folder = &digest[digest.len() - 2..];
    // Only an extension that is plainly one is repeated: the name is a publisher's text.
    let extension = file.name.rsplit_once('.').map(|(_, extension)| extension);
    let extension = extension
        .filter(|e| (1..=8).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric()))
        .unwrap_or("bin");
    format!("Content/{folder}/{digest}.{extension}")
}
