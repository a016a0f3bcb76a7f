//! Why an agent cannot go on.

use std::time::Duration;

use super::answers::Unexpected;
use crate::fleet::referee::Complaint;
use crate::wire::soap::ReceivedFault;

/// What came instead of an answer that can be used.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server did what no agent gets over.
    Complaint(Complaint),
    /// The server says what to do first.
    Fault(Box<ReceivedFault>),
    /// The server asks to be left alone for a while.
    Busy(Duration),
}

impl From<Complaint> for Trouble {
    fn from(complaint: Complaint) -> Self {
        Self::Complaint(complaint)
    }
}

impl From<Unexpected> for Trouble {
    fn from(unexpected: Unexpected) -> Self {
        match unexpected {
            Unexpected::Fault(fault) => Self::Fault(fault),
            Unexpected::Complaint(complaint) => Self::Complaint(complaint),
        }
    }
}
