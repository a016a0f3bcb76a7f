//! Where clients find content: the URL of a file, whether or not its bytes are here.
//!
//! An agent drops an update of which any file has no location, so every file has one; one that is
//! not here answers 404, as on the real server.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::content::address::content_path;
use crate::metadata::model::UpdateFile;
use crate::services::call::SoapCall;
use crate::services::{ServiceError, Services};
use crate::wire::types::Sha1;
use crate::wire::wusp::client::GetFileLocationsRequest;
use crate::wire::wusp::types::FileLocation;

impl Services {
    /// Locations of distinct files, in order.
    pub(super) fn file_locations<'f>(
        &self,
        files: impl Iterator<Item = &'f UpdateFile>,
        call: &SoapCall,
        algorithm: Option<&'static str>,
    ) -> Vec<FileLocation<'static>> {
        let base = self.content_base(call);
        let mut seen = HashSet::new();
        files
            .filter(|file| seen.insert(file.sha1))
            .map(|file| FileLocation {
                file_digest: file.sha1,
                url: Cow::Owned(content_url(&base, file)),
                file_digest_algorithm: algorithm,
            })
            .collect()
    }

    /// GetFileLocations ([MS-WUSP] 3.1.5.10): a digest that no revision names has no location.
    pub(super) fn locations_of(
        &self,
        request: &GetFileLocationsRequest,
        call: &SoapCall,
    ) -> Result<Vec<FileLocation<'static>>, ServiceError> {
        let invalid = || ServiceError::parameter("fileDigests");
        let digests = request.file_digests.as_ref().ok_or_else(invalid)?;
        let mut wanted = Vec::with_capacity(digests.len());
        for digest in digests {
            wanted.push(Sha1(digest.as_slice().try_into().map_err(|_| invalid())?));
        }
        let published = self.state.published();
        let mut files = Vec::with_capacity(wanted.len());
        for sha1 in wanted {
            files.extend(self.state.file(&published, &sha1)?);
        }
        Ok(self.file_locations(files.iter(), call, None))
    }

    /// What content URLs start with: the configured address, or the one the client itself used.
    fn content_base(&self, call: &SoapCall) -> String {
        if let Some(base) = &self.settings.public_url {
            return base.trim_end_matches('/').to_owned();
        }
        let scheme = if call.https { "https" } else { "http" };
        format!("{scheme}://{}", call.host.as_deref().unwrap_or("localhost"))
    }
}

/// Where a file is below this address.
fn content_url(base: &str, file: &UpdateFile) -> String {
    format!("{base}/{}", content_path(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> UpdateFile {
        let sha1 = Sha1::from_hex("A379D5526FB3A7A0423DA1CD7FC3182A8D448449").expect("a digest");
        UpdateFile { sha1, sha256: None, name: name.into(), size: 1 }
    }

    #[test]
    fn a_url_is_made_as_the_real_server_makes_it() {
        assert_eq!(
            content_url("http://192.0.2.1:8530", &file("AM_Base.exe")),
            "http://192.0.2.1:8530/Content/49/A379D5526FB3A7A0423DA1CD7FC3182A8D448449.exe"
        );
    }

    #[test]
    fn a_publishers_name_cannot_shape_the_url() {
        for name in ["..\\..\\x", "a.b/../c", "x.", "noext", "x.e:stream", "x.%2e%2e"] {
            assert!(content_url("", &file(name)).ends_with("449.bin"), "{name}");
        }
    }
}
