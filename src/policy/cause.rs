//! Why this server declines an update by itself.
//!
//! Kept apart from the words for it: whoever takes such a decline back means its cause, and as long
//! as that is the same, the update is not declined again.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The cause of a decline that nobody decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The revision of this number says that the publisher withdrew it.
    Expired(u32),
    /// This update replaces it and is approved, and nobody needs it any more.
    Superseded(Uuid),
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(_) => out.write_str("its publisher withdrew it"),
            Self::Superseded(successor) => {
                write!(out, "superseded by {successor}, which is approved; nobody needs it")
            }
        }
    }
}
