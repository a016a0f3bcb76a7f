//! Who decided, and why: it goes into the journal with every decision, which is the audit trail.

use serde::{Deserialize, Serialize};

/// Who decided, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// A person, or the part of this server that acted by itself.
    pub who: String,
    /// The reason, where there is one to tell.
    pub why: Option<String>,
}

impl By {
    /// Whoever may open the data directory, or its socket.
    pub fn administrator() -> Self {
        Self { who: "administrator".into(), why: None }
    }

    /// This server itself, which always has a reason.
    pub fn weir(why: impl Into<String>) -> Self {
        Self { who: "weir".into(), why: Some(why.into()) }
    }

    /// The same, for this reason.
    pub fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }
}
