//! Carries out a command on a state; the answer is JSON, whoever asked.

use serde_json::Value;

use super::{AdminError, Command, computers, content, groups, updates};
use crate::state::State;

/// Carries out `command`.
pub async fn execute(state: &State, command: Command) -> Result<Value, AdminError> {
    Ok(match command {
        Command::Health => {
            state.ping().await?;
            Value::Bool(true)
        }
        Command::ListUpdates => updates::list(state)?,
        Command::ShowUpdate { update, revision } => updates::show(state, update, revision)?,
        Command::ShowFragment { update, revision, fragment, locale } => {
            updates::fragment(state, update, revision, fragment, &locale)?
        }
        Command::Approve { update, group, action, deadline } => {
            updates::approve(state, update, group, action, deadline).await?
        }
        Command::Decline { update } => updates::decline(state, update).await?,
        Command::ListGroups => groups::list(state),
        Command::CreateGroup { name } => groups::create(state, name).await?,
        Command::DeleteGroup { name } => groups::delete(state, name).await?,
        Command::ListComputers => computers::list(state),
        Command::ShowComputer { computer } => computers::show(state, computer).await?,
        Command::MoveComputer { computer, groups } => {
            computers::place(state, computer, groups).await?
        }
        Command::DeleteComputer { computer } => computers::delete(state, computer).await?,
        Command::ContentStatus => content::status(state)?,
        Command::VerifyContent => content::verify(state),
    })
}
