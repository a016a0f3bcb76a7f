//! Signing in and out, for browsers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::Opened;
use super::{AdminError, Call, Operation, Role, Route, SessionCookie, instant};

/// Sign in. The answer sets a cookie; every change that is made with it has to repeat `csrf_token`
/// in the header `X-CSRF-Token`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct LogIn {
    /// The account's name.
    pub name: String,
    /// Its password.
    pub password: String,
}

impl Operation for LogIn {
    type Answer = ShownSession;
    const ROUTE: Route = Route::post("/session").for_anybody();

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let identity = call.identity();
        let opened = identity.log_in(&self.name, &self.password, call.peer()).await?;
        let (Opened(secret), session) = opened.ok_or(AdminError::WrongPassword)?;
        let known = identity.by_session(&secret).await?;
        let (caller, _) = known.ok_or(AdminError::WrongPassword)?;
        call.set_cookie(SessionCookie::Set(secret));
        Ok(ShownSession {
            name: caller.name,
            role: caller.role,
            csrf_token: Some(session.csrf),
            ends: instant(session.ends),
        })
    }
}

/// Who you are.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowSession {}

impl Operation for ShowSession {
    type Answer = ShownSession;
    const ROUTE: Route = Route::get("/session");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let session = match call.session() {
            Some(secret) => call.identity().by_session(secret).await?.map(|(_, session)| session),
            None => None,
        };
        Ok(ShownSession {
            name: call.caller().name.clone(),
            role: call.caller().role,
            ends: session.as_ref().and_then(|session| instant(session.ends)),
            csrf_token: session.map(|session| session.csrf),
        })
    }
}

/// Sign out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogOut {}

impl Operation for LogOut {
    type Answer = EndedSession;
    const ROUTE: Route = Route::delete("/session").for_role(Role::Reporter);

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        if let Some(secret) = call.session() {
            call.identity().log_out(secret);
            call.set_cookie(SessionCookie::Removed);
        }
        Ok(EndedSession { ended: call.session().is_some() })
    }
}

/// Whether a session ended.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct EndedSession {
    /// False when whoever asked had none.
    pub ended: bool,
}

/// Somebody who is known.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ShownSession {
    /// As the audit trail names them.
    pub name: String,
    /// What they may do.
    pub role: Option<Role>,
    /// What every change has to repeat in the header `X-CSRF-Token`, if a cookie says who they are.
    pub csrf_token: Option<String>,
    /// When their session ends in any case.
    pub ends: Option<String>,
}
