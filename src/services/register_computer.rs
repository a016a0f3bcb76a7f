//! RegisterComputer ([MS-WUSP] 3.1.5.5).

use crate::computers::computer::{ComputerInfo, bounded};
use crate::services::call::Outcome;
use crate::services::call::SoapCall;
use crate::services::{ServiceError, Services};
use crate::state::Registration;
use crate::wire::wusp::client::{self, RegisterComputerRequest};

impl Services {
    pub(super) async fn register(
        &self,
        request: RegisterComputerRequest<'_>,
        call: &SoapCall,
        outcome: &mut Outcome,
    ) -> Result<(), ServiceError> {
        let session = self.session(request.cookie.as_ref(), outcome)?;
        let info = request.computer_info.ok_or_else(|| ServiceError::parameter("computerInfo"))?;
        let registration = Registration {
            info: describe(info, &session.state.dns_name),
            client_id: session.state.client_id,
            requested_group: session.state.target_group,
            client_side_targeting: self.settings.client_side_targeting,
            address: call.peer.ip().to_string(),
        };
        Ok(self.state.register(registration).await?)
    }
}

/// All of it is informational ([MS-WUSP] 3.1.5.5), so nothing of it is a reason to refuse.
fn describe(info: client::ComputerInfo<'_>, dns_name: &str) -> ComputerInfo {
    let text = |text: Option<std::borrow::Cow<'_, str>>| bounded(&text.unwrap_or_default());
    let number = |number: Option<i32>| number.unwrap_or_default();
    ComputerInfo {
        dns_name: info.dns_name.as_deref().map_or_else(|| dns_name.to_owned(), bounded),
        os_version: (
            number(info.os_major_version),
            number(info.os_minor_version),
            number(info.os_build_number),
        ),
        os_service_pack: (
            number(info.os_service_pack_major_number),
            number(info.os_service_pack_minor_number),
        ),
        os_locale: text(info.os_locale),
        manufacturer: text(info.computer_manufacturer),
        model: text(info.computer_model),
        bios_version: text(info.bios_version),
        bios_name: text(info.bios_name),
        bios_release_date: info.bios_release_date.map_or(0, |date| date.unix_seconds()),
        processor_architecture: text(info.processor_architecture),
        suite_mask: number(info.suite_mask),
        old_product_type: number(info.old_product_type),
        new_product_type: number(info.new_product_type),
        system_metrics: number(info.system_metrics),
        client_version: (
            number(info.client_version_major_number),
            number(info.client_version_minor_number),
            number(info.client_version_build_number),
            number(info.client_version_qfe_number),
        ),
        os_description: text(info.os_description),
        oem: text(info.oem),
        device_type: text(info.device_type),
        firmware_version: text(info.firmware_version),
        mobile_operator: text(info.mobile_operator),
    }
}
