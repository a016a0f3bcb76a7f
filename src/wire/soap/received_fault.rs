//! Faults of another server.
//!
//! The two stacks of the real server, the two versions of SOAP and [MS-WSUSSS] 2.2.9.2 put the same
//! few elements in different places and namespaces. What has to be known is the ErrorCode: it
//! decides whether to wait, to start over or to give up. So it is looked for anywhere in the detail.

use std::fmt;

use crate::wire::fault::ErrorCode;
use crate::wire::xml::{Cursor, XmlError};

use super::SoapVersion;

/// A fault as another server sent it. Texts are cut to 1,000 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceivedFault {
    /// What to do, if the fault says so with a code that the specification has.
    pub code: Option<ErrorCode>,
    /// The ErrorCode's text. A fault without one did not come from the protocol's implementation.
    pub error_code: Option<String>,
    /// For `InvalidParameters` the parameter, for `FileDigestsMissing` the files; may be empty.
    pub message: Option<String>,
    /// What the other server's log calls this fault.
    pub id: Option<String>,
    /// The SOAPAction to which it answers.
    pub method: Option<String>,
    /// `Fault occurred`, or the stack trace of older servers.
    pub reason: String,
}

impl ReceivedFault {
    /// Reads the fault whose element the cursor stepped onto last, to the element's end.
    pub(super) fn read(cursor: &mut Cursor<'_>, version: SoapVersion) -> Result<Self, XmlError> {
        let mut fault = Self::default();
        while cursor.enter_child()? {
            match (version, cursor.local()) {
                (SoapVersion::V11, "faultstring") => fault.reason = text(cursor)?,
                (SoapVersion::V12, "Reason") => fault.read_reason(cursor)?,
                (_, "detail" | "Detail") => fault.read_detail(cursor)?,
                _ => cursor.skip()?,
            }
        }
        fault.code = fault.error_code.as_deref().and_then(ErrorCode::from_name);
        Ok(fault)
    }

    /// The first of the reason's texts, each of which is in another language.
    fn read_reason(&mut self, cursor: &mut Cursor<'_>) -> Result<(), XmlError> {
        while cursor.enter_child()? {
            let text = text(cursor)?;
            if self.reason.is_empty() {
                self.reason = text;
            }
        }
        Ok(())
    }

    fn read_detail(&mut self, cursor: &mut Cursor<'_>) -> Result<(), XmlError> {
        let mut depth = 1_u32;
        while depth > 0 {
            if !cursor.enter_child()? {
                depth -= 1;
                continue;
            }
            let field = match cursor.local() {
                "ErrorCode" => &mut self.error_code,
                "Message" => &mut self.message,
                "ID" => &mut self.id,
                "Method" => &mut self.method,
                _ => {
                    depth += 1;
                    continue;
                }
            };
            let text = text(cursor)?;
            field.get_or_insert(text);
        }
        Ok(())
    }
}

impl fmt::Display for ReceivedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.error_code.as_deref().unwrap_or("a fault without an ErrorCode");
        write!(f, "{code}")?;
        let details = [self.message.as_deref().unwrap_or_default(), &self.reason];
        details.iter().filter(|text| !text.is_empty()).try_for_each(|text| write!(f, ": {text}"))
    }
}

impl std::error::Error for ReceivedFault {}

fn text(cursor: &mut Cursor<'_>) -> Result<String, XmlError> {
    Ok(cursor.text()?.trim().chars().take(1000).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{AnswerError, answer};
    use super::*;
    use crate::wire::wsusss::server_sync::GetDeploymentsResponse;

    fn fault(body: &str, version: SoapVersion) -> ReceivedFault {
        let namespace = version.namespace();
        let text = format!(
            "<x:Envelope xmlns:x=\"{namespace}\"><x:Body><x:Fault>{body}</x:Fault></x:Body></x:Envelope>"
        );
        match answer::<GetDeploymentsResponse<'_>>(&text) {
            Err(AnswerError::Fault(fault)) => *fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_old_asmx_server_has_a_stack_trace() {
        let fault = fault(
            "<faultcode>x:Client</faultcode><faultstring>SoapException: Fault occurred</faultstring>\
             <faultactor>http://uss:8530/a.asmx</faultactor><detail><ErrorCode>InvalidCookie</ErrorCode>\
             <Message/><ID>247dfffd-a6b4-4a57-b9d4-2e464b668cd3</ID><Method>\"urn:x\"</Method></detail>",
            SoapVersion::V11,
        );
        assert_eq!(fault.code, Some(ErrorCode::InvalidCookie));
        assert_eq!(fault.message.as_deref(), Some(""));
        assert_eq!(fault.id.as_deref(), Some("247dfffd-a6b4-4a57-b9d4-2e464b668cd3"));
        assert_eq!(fault.method.as_deref(), Some("\"urn:x\""));
        assert_eq!(fault.to_string(), "InvalidCookie: SoapException: Fault occurred");
    }

    #[test]
    fn soap_1_2_has_its_detail_in_or_out_of_the_envelopes_namespace() {
        for detail in ["x:Detail", "Detail"] {
            let fault = fault(
                &format!(
                    "<x:Code><x:Value>x:Receiver</x:Value></x:Code>\
                     <x:Reason><x:Text xml:lang=\"en\">busy</x:Text><x:Text xml:lang=\"de\">y</x:Text></x:Reason>\
                     <{detail}><ErrorCode>ServerBusy</ErrorCode><Message>later</Message></{detail}>"
                ),
                SoapVersion::V12,
            );
            assert_eq!(fault.code, Some(ErrorCode::ServerBusy));
            assert_eq!(fault.to_string(), "ServerBusy: later: busy");
        }
    }

    #[test]
    fn a_wcf_detail_is_wrapped() {
        let fault = fault(
            "<faultstring xml:lang=\"en-US\">Fault occurred</faultstring>\
             <detail><FaultDetail xmlns=\"urn:wcf\"><Inner><ErrorCode>FileDigestsMissing</ErrorCode>\
             <ErrorCode>Second</ErrorCode></Inner><Message>a|b</Message></FaultDetail></detail>",
            SoapVersion::V11,
        );
        assert_eq!(fault.code, Some(ErrorCode::FileDigestsMissing));
        assert_eq!(fault.message.as_deref(), Some("a|b"));
    }

    #[test]
    fn what_is_not_the_protocols_has_no_code() {
        let unknown = "<detail><ErrorCode>Unheard</ErrorCode></detail>";
        let fault_of = |body| fault(body, SoapVersion::V11);
        assert_eq!(fault_of(unknown).code, None);
        assert_eq!(fault_of(unknown).error_code.as_deref(), Some("Unheard"));
        let long = format!("<faultstring>{}</faultstring><detail/>", "x".repeat(2000));
        assert_eq!(fault_of(&long).reason.len(), 1000);
        assert_eq!(fault_of(""), ReceivedFault::default());
    }
}
