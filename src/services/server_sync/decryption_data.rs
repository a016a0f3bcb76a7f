//! GetUpdateDecryptionData: the keys of encrypted files, as the upstream server told them
//! ([MS-WSUSSS] 3.1.4.18).

use crate::services::call::Outcome;
use crate::services::{ServiceError, Services};
use crate::wire::wsusss::server_sync::{
    GetUpdateDecryptionDataRequest, GetUpdateDecryptionDataResponse, ServerDecryptionData,
    ServerSyncFileDecryption, ServerSyncUpdateFileDecryption,
};

impl Services {
    /// GetUpdateDecryptionData. A file that is not encrypted has no key.
    pub(super) async fn decryption_data(
        &self,
        request: &GetUpdateDecryptionDataRequest,
        outcome: &mut Outcome,
    ) -> Result<GetUpdateDecryptionDataResponse, ServiceError> {
        self.server_session(request.cookie.as_ref(), outcome)?;
        let records = self.asked_revisions(request.update_ids.as_deref()).await?;
        let wanted = records.iter().flat_map(|record| record.files()).map(|file| file.sha1);
        let origins = self.state.origins(wanted.collect()).await?;
        let updates = records.iter().map(|record| {
            let keys = record.files().map(|file| ServerSyncFileDecryption {
                file_digest: Some(file.sha1.0.to_vec()),
                decryption_key: origins.get(&file.sha1).and_then(|it| it.decryption_key.clone()),
            });
            ServerSyncUpdateFileDecryption {
                update_id: Some(record.identity()),
                file_decryption_data: Some(keys.collect()),
            }
        });
        let result = ServerDecryptionData { update_file_decryption_data: Some(updates.collect()) };
        Ok(GetUpdateDecryptionDataResponse { result: Some(result) })
    }
}
