//! What is done about a call that failed ([MS-WSUSSS] 2.2.9.3).
//!
//! The specification has a downstream server stop for most faults, which fits a person who looks
//! at the screen. This one works at night, so it is more patient where trying again is harmless,
//! and no call changes anything on the upstream server that the same call would change twice. It does stop where
//! the same call would only be answered in the same way.

use super::SyncError;
use crate::http::ClientError;
use crate::wire::fault::ErrorCode;
use crate::wire::soap::AnswerError;
use crate::wire::soap::read::RequestError;
use crate::wire::xml::XmlError;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    /// Authorize from the beginning, then ask again.
    Authorize,
    /// Ask again after a while.
    Wait,
    /// For whoever made the call: it will not succeed as it is.
    Stop,
}

/// What to do about `error`.
pub(super) fn to(error: &SyncError) -> Reaction {
    match error {
        SyncError::Fault { fault, .. } => fault.code.map_or(Reaction::Stop, to_code),
        SyncError::Client { error, .. } => to_client(error),
        // Behind a load balancer that has no server, or a server that is just starting.
        SyncError::Status { status: 408 | 425 | 429 | 500 | 502 | 503 | 504, .. } => Reaction::Wait,
        // An answer that was cut on the way, or a proxy's page with status 200.
        SyncError::Answer { error: AnswerError::Soap(_), .. }
        | SyncError::Answer {
            error:
                AnswerError::Content(RequestError::Xml(
                    XmlError::Malformed { .. } | XmlError::Truncated,
                )),
            ..
        } => Reaction::Wait,
        _ => Reaction::Stop,
    }
}

fn to_code(code: ErrorCode) -> Reaction {
    match code {
        // A real server answers every doubt about a cookie with the first, also an expired one. The
        // others are those of the client's protocol, should a server mix them up.
        ErrorCode::InvalidCookie
        | ErrorCode::InvalidAuthorizationCookie
        | ErrorCode::CookieExpired
        | ErrorCode::ConfigChanged
        | ErrorCode::RegistrationRequired => Reaction::Authorize,
        ErrorCode::ServerBusy => Reaction::Wait,
        // The anchors are reset by the synchronization.
        ErrorCode::ServerChanged
        // An anchor or a revision that the server does not know: who made the call knows which.
        | ErrorCode::InvalidParameters
        // "MUST stop the protocol". A real server says so of an unknown revision, for ever.
        | ErrorCode::InternalServerError
        | ErrorCode::IncompatibleProtocolVersion
        | ErrorCode::FileDigestsMissing
        | ErrorCode::RegistrationNotRequired
        | ErrorCode::FileLocationChanged => Reaction::Stop,
    }
}

fn to_client(error: &ClientError) -> Reaction {
    match error {
        ClientError::Connect { .. }
        | ClientError::Broken(_)
        | ClientError::Timeout(_)
        | ClientError::Proxy { .. }
        | ClientError::Encoding(_) => Reaction::Wait,
        ClientError::Url(_)
        | ClientError::ProxyUrl(_)
        | ClientError::Certificates { .. }
        | ClientError::NoTrust
        | ClientError::NotPublic(_)
        | ClientError::TooLarge(_) => Reaction::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::operation::Operation;
    use crate::wire::soap::ReceivedFault;

    #[test]
    fn every_code_has_its_reaction() {
        let reaction = |code| {
            let fault = Box::new(ReceivedFault { code, ..ReceivedFault::default() });
            to(&SyncError::Fault { operation: Operation::GetUpdateData, fault })
        };
        for code in ErrorCode::ALL {
            let expected = match code.name() {
                "InvalidCookie"
                | "InvalidAuthorizationCookie"
                | "CookieExpired"
                | "ConfigChanged"
                | "RegistrationRequired" => Reaction::Authorize,
                "ServerBusy" => Reaction::Wait,
                _ => Reaction::Stop,
            };
            assert_eq!(reaction(Some(code)), expected, "{}", code.name());
        }
        // "If no ErrorCode value is available, the DSS MUST stop the protocol."
        assert_eq!(reaction(None), Reaction::Stop);
    }

    #[test]
    fn a_server_that_is_not_there_yet_is_waited_for() {
        let status =
            |status| to(&SyncError::Status { operation: Operation::GetAuthConfig, status });
        assert_eq!(status(503), Reaction::Wait);
        assert_eq!(status(404), Reaction::Stop);
        assert_eq!(status(401), Reaction::Stop);
    }
}
