//! The operation of a request, from its headers alone.

use crate::wire::operation::{Operation, Service};

use super::{SoapError, SoapVersion};

/// The operation that a request to `service` names in its headers, before its body is read.
///
/// SOAP 1.1 names it in the SOAPAction header, SOAP 1.2 in the `action` parameter of the
/// Content-Type; both may be given, and then have to agree. `None` when neither is, or is empty:
/// then [`super::open`] finds the operation in the body.
pub fn identify(
    service: Service,
    soap_action: Option<&str>,
    content_type: Option<&str>,
) -> Result<Option<Operation>, SoapError> {
    let header = soap_action.map(unquoted).filter(|action| !action.is_empty());
    let parameter = content_type
        .filter(|it| SoapVersion::of_content_type(Some(it)) == SoapVersion::V12)
        .and_then(|it| parameter(it, "action"))
        .filter(|action| !action.is_empty());
    let operation =
        |action| Operation::from_action(service, action).ok_or_else(|| SoapError::unknown(action));
    match (header.map(operation).transpose()?, parameter.map(operation).transpose()?) {
        (Some(header), Some(parameter)) if header != parameter => {
            Err(SoapError::mismatch(header, parameter))
        }
        (header, parameter) => Ok(header.or(parameter)),
    }
}

/// The value of a media type's parameter.
///
/// None of the values that matter here (a URI, a charset) can hold a semicolon or a quote, so
/// quoted strings need no more than their quotes taken off.
pub(super) fn parameter<'h>(content_type: &'h str, name: &str) -> Option<&'h str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| unquoted(value))
    })
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches('"').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: &str =
        "\"http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService/SyncUpdates\"";

    fn soap12(action: &str) -> String {
        format!("application/soap+xml; charset=utf-8; action={action}")
    }

    #[test]
    fn the_operation_is_in_the_header_or_in_the_content_type() {
        let text = Some("text/xml; charset=utf-8");
        let sync = Ok(Some(Operation::SyncUpdates));
        assert_eq!(identify(Service::Client, Some(SYNC), text), sync);
        assert_eq!(identify(Service::Client, Some(SYNC.trim_matches('"')), text), sync);
        assert_eq!(identify(Service::Client, None, Some(&soap12(SYNC))), sync);
        assert_eq!(identify(Service::Client, Some(SYNC), Some(&soap12(SYNC))), sync);
        assert_eq!(identify(Service::Client, Some("\"\""), text), Ok(None));
        assert_eq!(identify(Service::Client, None, text), Ok(None));
        assert_eq!(identify(Service::Client, None, None), Ok(None));
    }

    #[test]
    fn an_action_of_another_service_is_unknown() {
        let unknown = SYNC.trim_matches('"').to_owned();
        assert_eq!(
            identify(Service::Reporting, Some(SYNC), None),
            Err(SoapError::UnknownOperation(unknown))
        );
    }

    #[test]
    fn two_actions_have_to_agree() {
        let other = soap12(&SYNC.replace("SyncUpdates", "GetConfig"));
        assert!(matches!(
            identify(Service::Client, Some(SYNC), Some(&other)),
            Err(SoapError::ActionMismatch { action: "SyncUpdates", request: "GetConfig" })
        ));
    }
}
