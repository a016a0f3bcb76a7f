//! GetConfigData ([MS-WSUSSS] 3.1.4.4): what the upstream server is and allows.

use super::drivers::DriverLimits;
use super::error::SyncError;
use super::records::{Language, UpstreamRecord};
use super::session::Connection;
use crate::wire::operation::Operation;
use crate::wire::wsusss::server_sync::GetConfigDataRequest;

/// Revisions in a request where the upstream server does not say how many it takes.
const UPDATES: u32 = 100;

/// Most revisions in a request, whatever the upstream server would take: an answer has to fit
/// memory.
const MOST_UPDATES: u32 = 1_000;

/// Asks, and returns what is known, the new anchor, and how drivers can be asked for. `known` is what was said before, of which
/// the answer only tells the changes.
pub(super) async fn configuration(
    connection: &mut Connection,
    known: &UpstreamRecord,
    anchor: Option<&str>,
) -> Result<(UpstreamRecord, Option<String>, DriverLimits), SyncError> {
    let anchor = anchor.map(ToOwned::to_owned);
    let request = move |cookie| GetConfigDataRequest {
        cookie: Some(cookie),
        config_anchor: anchor.clone().map(Into::into),
    };
    let answer = connection.call(request, |answer| {
        let config = answer.result?;
        let limit = |limit: Option<i32>| u32::try_from(limit.unwrap_or_default()).unwrap_or(0);
        let updates = limit(config.max_number_of_updates_per_request);
        let languages = config.language_update_list.unwrap_or_default().into_iter();
        let said = UpstreamRecord {
            catalog_only: config.catalog_only_sync.unwrap_or(false),
            lazy: config.lazy_sync.unwrap_or(true),
            express_files: config.server_hosts_psf_files.unwrap_or(false),
            updates_per_request: if updates == 0 { UPDATES } else { updates.min(MOST_UPDATES) },
            decryptions_per_request: limit(
                config.max_updates_per_request_in_get_update_decryption_data,
            )
            .min(MOST_UPDATES),
            protocol_version: config.protocol_version.unwrap_or_default().into_owned(),
            languages: languages
                .filter_map(|language| {
                    Some(Language {
                        id: language.language_id?,
                        tag: language.short_language?.into_owned(),
                        name: language.long_language.unwrap_or_default().into_owned(),
                        enabled: language.enabled.unwrap_or(false),
                    })
                })
                .collect(),
        };
        let ids = |most| usize::try_from(limit(most)).unwrap_or(usize::MAX);
        let drivers = DriverLimits {
            devices: ids(config.max_number_of_pnp_hardware_ids_in_request),
            computers: ids(config.max_number_of_computer_ids_in_request),
        };
        Some((said, config.new_config_anchor.map(std::borrow::Cow::into_owned), drivers))
    });
    let (mut said, anchor, drivers) = answer.await?.ok_or(SyncError::Incomplete {
        operation: Operation::GetConfigData,
        missing: "GetConfigDataResult",
    })?;
    said.languages = merge(&known.languages, said.languages);
    Ok((said, anchor, drivers))
}

/// The languages after those that changed took the place of what they were.
fn merge(known: &[Language], changed: Vec<Language>) -> Vec<Language> {
    let is_changed = |id: i32| changed.iter().any(|language| language.id == id);
    let kept = known.iter().filter(|language| !is_changed(language.id)).cloned();
    let mut languages: Vec<Language> = kept.collect();
    languages.extend(changed);
    languages.sort_by_key(|language| language.id);
    languages
}
