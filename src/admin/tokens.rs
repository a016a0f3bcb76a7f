//! Tokens of programs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::Token;
use super::{AdminError, Call, Operation, Role, Route, instant};

const DAY: i64 = 86_400;

/// All tokens, but for what nobody is told twice.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListTokens {}

impl Operation for ListTokens {
    type Answer = Vec<ShownToken>;
    const ROUTE: Route = Route::get("/tokens").for_role(Role::Administrator);

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let known = call.identity().known().await?;
        Ok(known.tokens.iter().map(ShownToken::of).collect())
    }
}

/// Create a token for a program.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreateToken {
    /// Its name, unique without regard to case: letters, digits, spaces and any of -_.@
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Days until it does not count any more; for ever if none are given.
    #[schemars(range(min = 1, max = 36500))]
    pub days: Option<u32>,
}

impl Operation for CreateToken {
    type Answer = CreatedToken;
    const ROUTE: Route = Route::post("/tokens");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let Self { name, role, days } = self;
        let now = call.state().now();
        let expires = days.map(|days| now.saturating_add(i64::from(days) * DAY));
        let made = call.identity().create_token(call.by(), name, role, expires).await?;
        Ok(CreatedToken { shown: ShownToken::of(&made.token), token: made.secret })
    }
}

/// Revoke a token.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RevokeToken {
    /// Its name.
    pub name: String,
}

impl Operation for RevokeToken {
    type Answer = RevokedToken;
    const ROUTE: Route = Route::delete("/tokens/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.identity().revoke_token(call.by(), &self.name).await?;
        Ok(RevokedToken { revoked: self.name })
    }
}

/// A token that does not count any more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RevokedToken {
    /// Its name.
    pub revoked: String,
}

/// A token that was just made.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct CreatedToken {
    /// What lists say of it.
    #[serde(flatten)]
    pub shown: ShownToken,
    /// The token, to be sent as `Authorization: Bearer TOKEN`. It is not kept and not told again.
    pub token: String,
}

/// A token.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownToken {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Who created it.
    pub by: String,
    /// When it was created.
    pub created: Option<String>,
    /// From when on it does not count any more.
    pub expires: Option<String>,
}

impl ShownToken {
    fn of(token: &Token) -> Self {
        Self {
            name: token.name.clone(),
            role: token.role,
            by: token.by.clone(),
            created: instant(token.created),
            expires: token.expires.and_then(instant),
        }
    }
}
