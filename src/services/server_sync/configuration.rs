//! GetAuthConfig and GetConfigData: what this upstream server is, and allows ([MS-WSUSSS] 3.1.4.1,
//! 3.1.4.4).

use std::borrow::Cow;

use crate::services::call::Outcome;
use crate::services::{ServiceError, Services};
use crate::wire::wsusss::server_sync::{
    AuthPlugInInfo, GetAuthConfigResponse, GetConfigDataRequest, GetConfigDataResponse,
    ServerAuthConfig, ServerSyncConfigData, ServerSyncLanguageData,
};

use super::anchor::Anchor;
use super::languages::{self, LANGUAGES};
use super::{MAX_UPDATES, PLUG_IN, PROTOCOL_VERSION};

impl Services {
    /// GetAuthConfig.
    pub(super) fn authorization_configuration(&self) -> GetAuthConfigResponse<'static> {
        let plug_in = AuthPlugInInfo {
            plug_in_id: Some(Cow::Borrowed(PLUG_IN)),
            service_url: Some(Cow::Borrowed("DssAuthWebService/DssAuthWebService.asmx")),
            // The specification wants it absent. The real server writes it.
            parameter: Some(Cow::Borrowed("")),
        };
        let result = ServerAuthConfig {
            last_change: Some(self.last_change),
            auth_info: Some(vec![plug_in]),
            allowed_event_ids: None,
        };
        GetAuthConfigResponse { result: Some(result) }
    }

    /// GetConfigData.
    pub(super) fn sync_configuration(
        &self,
        request: &GetConfigDataRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<GetConfigDataResponse<'static>, ServiceError> {
        self.server_session(request.cookie.as_ref(), outcome)?;
        let anchor = Anchor::read(request.config_anchor.as_deref(), "configAnchor")?;
        let languages = match anchor {
            Some(anchor) if anchor.at >= self.server_sync.languages_since => Vec::new(),
            _ => self.languages(),
        };
        let published = self.state.published();
        let number = published.catalog.newest().map_or(0, |newest| newest.0);
        let now = Anchor { number, at: self.now() };
        let result = ServerSyncConfigData {
            catalog_only_sync: Some(false),
            // Content is fetched when somebody needs it.
            lazy_sync: Some(true),
            server_hosts_psf_files: Some(published.handling.express_files),
            // There are no driver sets, by which alone a computer's own ids would count.
            max_number_of_computer_ids_in_request: Some(0),
            max_number_of_driver_sets_per_request: Some(0),
            max_number_of_pnp_hardware_ids_in_request: Some(
                self.settings.downstream_hardware_ids.into(),
            ),
            max_number_of_updates_per_request: Some(MAX_UPDATES as i32),
            new_config_anchor: Some(Cow::Owned(now.to_string())),
            protocol_version: Some(Cow::Borrowed(PROTOCOL_VERSION)),
            language_update_list: Some(languages),
            max_updates_per_request_in_get_update_decryption_data: Some(MAX_UPDATES as i32),
        };
        Ok(GetConfigDataResponse { result: Some(result) })
    }

    /// All languages and which of them there are updates in; those of the configuration, or all.
    fn languages(&self) -> Vec<ServerSyncLanguageData<'static>> {
        let enabled = &self.settings.downstream_languages;
        let all = std::iter::once((languages::ALL, enabled.is_empty()));
        let each = LANGUAGES.iter().map(|language| {
            let named = enabled.iter().any(|tag| tag.eq_ignore_ascii_case(language.short));
            (*language, enabled.is_empty() || named)
        });
        let data = all.chain(each).map(|(language, enabled)| ServerSyncLanguageData {
            language_id: Some(language.id),
            short_language: Some(Cow::Borrowed(language.short)),
            long_language: Some(Cow::Borrowed(language.long)),
            enabled: Some(enabled),
        });
        data.collect()
    }
}
