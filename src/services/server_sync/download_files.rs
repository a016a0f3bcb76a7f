//! DownloadFiles: a downstream server needs files that this one does not have ([MS-WSUSSS]
//! 3.1.4.11).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::services::call::Outcome;
use crate::services::{ServiceError, Services};
use crate::wire::fault::ErrorCode;
use crate::wire::types::Sha1;
use crate::wire::wsusss::server_sync::{DownloadFilesRequest, DownloadFilesResponse};

/// Most files in one request.
const MAX_FILES: usize = 100;

impl Services {
    /// DownloadFiles: takes note of what is wanted. Whoever downloads does so at its own time, and
    /// the other server asks for the files until they are here.
    ///
    /// # Errors
    /// FileDigestsMissing, with those files that no revision here names.
    pub(super) async fn download_files(
        &self,
        request: &DownloadFilesRequest,
        outcome: &mut Outcome,
    ) -> Result<DownloadFilesResponse, ServiceError> {
        self.server_session(request.cookie.as_ref(), outcome)?;
        let digests = request.file_digest_list.as_ref().filter(|list| list.len() <= MAX_FILES);
        let digests = digests.ok_or_else(|| ServiceError::parameter("fileDigestList"))?;
        let published = self.state.published();
        let mut wanted = Vec::with_capacity(digests.len());
        let mut missing = Vec::new();
        for digest in digests {
            let sha1 = <[u8; 20]>::try_from(digest.as_slice()).map(Sha1);
            match sha1.ok().filter(|sha1| published.holder(sha1).is_some()) {
                Some(sha1) => wanted.push(sha1),
                None => missing.push(STANDARD.encode(digest)),
            }
        }
        if !missing.is_empty() {
            return Err(ServiceError::Protocol {
                code: ErrorCode::FileDigestsMissing,
                message: Some(missing.join("|")),
            });
        }
        self.state.want_content(wanted).await?;
        Ok(DownloadFilesResponse {})
    }
}
