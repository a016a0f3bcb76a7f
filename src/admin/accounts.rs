//! Accounts of people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::Account;
use super::{AdminError, Call, Operation, Role, Route, instant};

/// All accounts.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListAccounts {}

impl Operation for ListAccounts {
    type Answer = Vec<ShownAccount>;
    const ROUTE: Route = Route::get("/accounts").for_role(Role::Administrator);

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let known = call.identity().known().await?;
        Ok(known.accounts.iter().map(ShownAccount::of).collect())
    }
}

/// Create an account.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct CreateAccount {
    /// Its name, unique without regard to case: letters, digits, spaces and any of -_.@
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// Its password.
    #[schemars(length(min = 10, max = 256))]
    pub password: String,
    /// What it may do.
    pub role: Role,
}

impl Operation for CreateAccount {
    type Answer = ShownAccount;
    const ROUTE: Route = Route::post("/accounts");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let Self { name, password, role } = self;
        let made = call.identity().create_account(call.by(), name, &password, role).await?;
        Ok(ShownAccount::of(&made))
    }
}

/// Set the password of an account, which ends its sessions.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct SetPassword {
    /// Its name.
    pub name: String,
    /// The new password.
    #[schemars(length(min = 10, max = 256))]
    pub password: String,
}

impl Operation for SetPassword {
    type Answer = ShownAccount;
    const ROUTE: Route = Route::put("/accounts/{name}/password");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let changed = call.identity().set_password(call.by(), &self.name, &self.password).await?;
        Ok(ShownAccount::of(&changed))
    }
}

/// Set your own password, which ends your sessions. The password before proves whose it is, so that no
/// session or token is needed; attempts are counted as those to sign in are.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ChangeOwnPassword {
    /// The account's name.
    pub name: String,
    /// Its password until now.
    pub old_password: String,
    /// The new password.
    #[schemars(length(min = 10, max = 256))]
    pub password: String,
}

impl Operation for ChangeOwnPassword {
    type Answer = ShownAccount;
    const ROUTE: Route = Route::put("/accounts/{name}/own-password").for_anybody();

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let Self { name, old_password, password } = self;
        let identity = call.identity();
        let changed = identity.change_own_password(&name, &old_password, &password, call.peer());
        Ok(ShownAccount::of(&changed.await?.ok_or(AdminError::WrongPassword)?))
    }
}

/// Set what an account may do.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetRole {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

impl Operation for SetRole {
    type Answer = ShownAccount;
    const ROUTE: Route = Route::put("/accounts/{name}/role");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let changed = call.identity().set_role(call.by(), &self.name, self.role).await?;
        Ok(ShownAccount::of(&changed))
    }
}

/// Delete an account, which ends its sessions.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeleteAccount {
    /// Its name.
    pub name: String,
}

impl Operation for DeleteAccount {
    type Answer = DeletedAccount;
    const ROUTE: Route = Route::delete("/accounts/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.identity().delete_account(call.by(), &self.name).await?;
        Ok(DeletedAccount { deleted: self.name })
    }
}

/// An account that is no more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletedAccount {
    /// Its name.
    pub deleted: String,
}

/// An account.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownAccount {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was created.
    pub created: Option<String>,
}

impl ShownAccount {
    fn of(account: &Account) -> Self {
        let created = instant(account.created);
        Self { name: account.name.clone(), role: account.role, created }
    }
}
