//! What another server answers to a request.

use crate::wire::operation::Operation;
use crate::wire::xml::{Cursor, Limits, XmlError};

use super::envelope::{enter_message, finish_message};
use super::read::{RequestError, Structure};
use super::{ReceivedFault, Response, SoapError};

/// Why an answer is not the response that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is no envelope: an error page of a proxy, or a body that was cut off.
    #[error(transparent)]
    Soap(#[from] SoapError),
    /// The other server says that it will not, or cannot.
    #[error(transparent)]
    Fault(Box<ReceivedFault>),
    /// It is the response of another operation.
    #[error("the answer is '{found}' instead of '{expected}'")]
    Unexpected {
        /// Local name of the element, cut to 64 characters.
        found: String,
        /// Local name of the element that the operation has.
        expected: String,
    },
    /// The other server writes something else than the specification says.
    #[error("in the answer: {0}")]
    Content(#[from] RequestError),
}

/// Reads the response in `text`, whatever the prefixes and the version of SOAP.
///
/// # Errors
/// Also when the answer is a fault.
pub fn answer<'a, T: Response + Structure<'a>>(text: &'a str) -> Result<T, AnswerError> {
    let mut cursor = open_answer(text, T::OPERATION)?;
    let response = T::read(&mut cursor)?;
    finish_message(cursor)?;
    Ok(response)
}

/// Steps onto the response of `operation` in `text`, for a caller that reads it by rules of its own.
///
/// The text's length is for the caller to limit; what is in it is limited by
/// [`Limits::DOCUMENT`] and by a cap on each list.
///
/// # Errors
/// Also when the answer is a fault.
pub fn open_answer(text: &str, operation: Operation) -> Result<Cursor<'_>, AnswerError> {
    let mut cursor = Cursor::new(text, Limits::DOCUMENT);
    let version = enter_message(&mut cursor)?;
    if cursor.local() == "Fault" && cursor.namespace() == version.namespace() {
        let fault = ReceivedFault::read(&mut cursor, version)?;
        return Err(AnswerError::Fault(Box::new(fault)));
    }
    let expected = format!("{}Response", operation.name());
    if cursor.local() != expected || cursor.namespace() != operation.namespace() {
        let found = cursor.local().chars().take(64).collect();
        return Err(AnswerError::Unexpected { found, expected });
    }
    Ok(cursor)
}

impl From<XmlError> for AnswerError {
    fn from(error: XmlError) -> Self {
        Self::Soap(SoapError::Xml(error))
    }
}
