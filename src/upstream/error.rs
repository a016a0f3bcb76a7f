//! Why a synchronization cannot go on.

use crate::http::ClientError;
use crate::state::StateError;
use crate::wire::fault::ErrorCode;
use crate::wire::operation::Operation;
use crate::wire::soap::{AnswerError, ReceivedFault};

/// Why a synchronization, or one call of it, failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// There is nobody to synchronise with.
    #[error("no upstream server is configured; see `weir sync source --help`")]
    NoSource,
    /// It runs already.
    #[error("a synchronization is running; see `weir sync status`")]
    Running,
    /// Somebody called it off.
    #[error("cancelled")]
    Cancelled,
    /// What the administrator said cannot be used.
    #[error("{0}")]
    Refused(String),
    /// The upstream server cannot be asked.
    #[error("{}: {error}", .operation.label())]
    Client {
        /// What was asked.
        operation: Operation,
        /// Why there is no answer.
        #[source]
        error: ClientError,
    },
    /// The connection could not even be prepared.
    #[error(transparent)]
    Connection(#[from] ClientError),
    /// The upstream server answers with a status, and no message.
    #[error("{}: the server answers with HTTP status {status} and no SOAP message", .operation.label())]
    Status {
        /// What was asked.
        operation: Operation,
        /// The status.
        status: u16,
    },
    /// The upstream server says no.
    #[error("{}: the server answers with the fault {fault}", .operation.label())]
    Fault {
        /// What was asked.
        operation: Operation,
        /// Its fault.
        fault: Box<ReceivedFault>,
    },
    /// The upstream server answers something else than the specification says.
    #[error("{}: {error}", .operation.label())]
    Answer {
        /// What was asked.
        operation: Operation,
        /// What is wrong.
        #[source]
        error: AnswerError,
    },
    /// The upstream server leaves out what is needed.
    #[error("{}: the answer has no {missing}", .operation.label())]
    Incomplete {
        /// What was asked.
        operation: Operation,
        /// What is missing.
        missing: &'static str,
    },
    /// The upstream server answers with more than there can be.
    #[error("{}: the answers list more than there can be", .operation.label())]
    TooMany {
        /// What was asked.
        operation: Operation,
    },
    /// So many revisions failed one after the other that it is not them.
    #[error("{failed} revisions failed one after the other, the last because {reason}")]
    Hopeless {
        /// How many.
        failed: usize,
        /// Why the last did.
        reason: String,
    },
    /// Our own store refuses.
    #[error(transparent)]
    State(#[from] StateError),
}

impl SyncError {
    /// The code of the fault, if it is one with a code.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Fault { fault, .. } => fault.code,
            _ => None,
        }
    }

    /// Whether a fault is about a parameter with this in its name, which is in lower case.
    pub fn is_about(&self, parameter: &str) -> bool {
        matches!(self, Self::Fault { fault, .. }
        if fault.code == Some(ErrorCode::InvalidParameters)
            && fault.message.as_deref().is_some_and(|named| {
                named.to_ascii_lowercase().contains(parameter)
            }))
    }
}
