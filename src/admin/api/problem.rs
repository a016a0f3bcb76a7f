//! What went wrong, as RFC 9457 has it: `application/problem+json`.

use std::io;

use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::{AdminError, FieldError, explain};
use crate::state::StateError;
use crate::upstream::SyncError;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The status, in words.
    pub title: String,
    /// The status, in digits.
    pub status: u16,
    /// What went wrong, for whoever asked.
    pub detail: String,
    /// The fields that are to blame, where some are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds after which it may be tried again, for the header that says so.
    #[serde(skip)]
    pub(super) retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this status.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        let problem = Self::new(status(&error), explain(&error));
        match error {
            AdminError::Invalid(errors) => Self { errors, ..problem },
            AdminError::TooMany(many) => Self { retry_after: Some(many.seconds), ..problem },
            _ => problem,
        }
    }
}

fn status(error: &AdminError) -> StatusCode {
    match error {
        AdminError::State(error) | AdminError::Sync(SyncError::State(error)) => of_state(error),
        // What is configured, and not what was asked for, is to blame.
        AdminError::Sync(_) => StatusCode::CONFLICT,
        AdminError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        AdminError::Body(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        AdminError::Body(_) => StatusCode::BAD_REQUEST,
        AdminError::Refused(_) | AdminError::Cancelled => StatusCode::CONFLICT,
        AdminError::WrongPassword => StatusCode::UNAUTHORIZED,
        AdminError::NotFromElsewhere => StatusCode::FORBIDDEN,
        AdminError::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        AdminError::NotServed
        | AdminError::Unreachable(_)
        | AdminError::Misunderstood(_)
        | AdminError::Read { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn of_state(error: &StateError) -> StatusCode {
    match error {
        StateError::NotFound { .. } => StatusCode::NOT_FOUND,
        StateError::Group(_) | StateError::Terms(_) => StatusCode::UNPROCESSABLE_ENTITY,
        StateError::Content(_) | StateError::Refused(_) => StatusCode::CONFLICT,
        StateError::Store(_)
        | StateError::Document(_)
        | StateError::Fragments(_)
        | StateError::Closed(_)
        | StateError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
    }
}
