//! Why an operation was not done, and which fault says so ([MS-WUSP] 2.2.2.4).

use crate::services::cookie::{CookieError, TooLong};
use crate::state::StateError;
use crate::wire::fault::ErrorCode;
use crate::wire::soap::SoapError;
use crate::wire::soap::read::RequestError;

/// A fault to be, with its cause. The code and message reach the client, the cause only the log.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The protocol has a code for it.
    #[error("{}{}", .code.name(), .message.as_deref().map(|m| format!(": {m}")).unwrap_or_default())]
    Protocol {
        /// What the client is to do.
        code: ErrorCode,
        /// For InvalidParameters, the parameter.
        message: Option<String>,
    },
    /// The body is not a call of the operation. Always the client's doing.
    #[error(transparent)]
    Soap(#[from] SoapError),
    /// A parameter cannot be read. Always the client's doing.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// What was asked for is not here, and the protocol has no better code for that than
    /// InternalServerError. Nobody who runs this server has to act.
    #[error("{0} that was asked for is not here")]
    NotHere(&'static str),
    /// The state failed us.
    #[error(transparent)]
    State(#[from] StateError),
    /// A cookie would be too long: our bug, since every text in it was checked before.
    #[error(transparent)]
    Cookie(#[from] TooLong),
}

impl ServiceError {
    /// A fault without a message.
    pub fn code(code: ErrorCode) -> Self {
        Self::Protocol { code, message: None }
    }

    /// InvalidParameters for the parameter at this path.
    pub fn parameter(path: &str) -> Self {
        Self::Protocol { code: ErrorCode::InvalidParameters, message: Some(path.to_owned()) }
    }

    /// The code and message of the fault.
    pub fn fault(&self) -> (ErrorCode, Option<String>) {
        match self {
            Self::Protocol { code, message } => (*code, message.clone()),
            Self::Soap(error) => (ErrorCode::InvalidParameters, Some(error.to_string())),
            Self::Request(error) => match error.parameter() {
                // A cookie that cannot even be read is an invalid cookie, whatever it holds.
                Some(path) if path.starts_with("cookie") || path.starts_with("oldCookie") => {
                    (ErrorCode::InvalidCookie, None)
                }
                Some(path) if path.starts_with("authCookies") => {
                    (ErrorCode::InvalidAuthorizationCookie, None)
                }
                Some(path) => (ErrorCode::InvalidParameters, Some(path.to_owned())),
                None => (ErrorCode::InvalidParameters, Some(error.to_string())),
            },
            Self::NotHere(_) | Self::State(_) | Self::Cookie(_) => {
                (ErrorCode::InternalServerError, None)
            }
        }
    }

    /// Whether somebody who runs the server has to know: what it has, it could not do.
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::NotHere(_)) && self.fault().0.blames_server()
    }
}

/// What a session cookie that cannot be accepted tells the client to do ([MS-WUSP] 2.2.2.4).
impl From<CookieError> for ServiceError {
    fn from(error: CookieError) -> Self {
        Self::code(match error {
            CookieError::Expired => ErrorCode::CookieExpired,
            CookieError::Foreign => ErrorCode::ServerChanged,
            CookieError::Malformed | CookieError::WrongKind | CookieError::Forged => {
                ErrorCode::InvalidCookie
            }
        })
    }
}
