//! Who decided, and why: it goes into the journal with every decision, which is the audit trail.

/// Who decided, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// A person, or the part of this server that acted by itself.
    pub who: String,
    /// The reason, where there is one to tell.
    pub why: Option<String>,
    /// Who had it act, where a part of this server acted because a person told it to.
    pub started_by: Option<String>,
}

impl By {
    /// Whoever may open the data directory, or its socket.
    pub fn administrator() -> Self {
        Self::person("administrator")
    }

    /// A person, or a program that acts for one.
    pub fn person(name: impl Into<String>) -> Self {
        Self { who: name.into(), why: None, started_by: None }
    }

    /// This server itself, which always has a reason.
    pub fn weir(why: impl Into<String>) -> Self {
        Self { who: "weir".into(), why: Some(why.into()), started_by: None }
    }

    /// The same, had to act by whoever this is.
    pub fn started_by(self, whom: Option<String>) -> Self {
        Self { started_by: whom, ..self }
    }

    /// This server, which has to do something because of what was decided.
    pub fn consequence(&self, why: impl Into<String>) -> Self {
        let weir = Self::weir(why);
        let person = (self.who != weir.who).then(|| self.who.clone());
        weir.started_by(self.started_by.clone().or(person))
    }

    /// The same, for this reason.
    pub fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }
}
