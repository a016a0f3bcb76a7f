//! Carries out a command on a state; the answer is JSON, whoever asked.

use serde_json::{Value, json};

use super::{
    AdminError, Command, Subject, audit, cleanup, computers, content, downstream, groups, packages,
    placements, rules, sync, update_groups, updates,
};

/// Carries out `command`.
pub async fn execute(subject: &Subject, command: Command) -> Result<Value, AdminError> {
    let Subject { state, upstream } = subject;
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
        Command::Approve { update, group, terms } => {
            updates::approve(state, update, group, terms).await?
        }
        Command::Decline { update } => updates::decline(state, update).await?,
        Command::DeleteUpdate { update } => updates::delete(state, update).await?,
        Command::RestoreUpdate { update } => updates::restore(state, update).await?,
        Command::AcceptEulas { update } => updates::accept_eulas(state, update).await?,
        Command::Tag { update, tags } => updates::tag(state, update, tags).await?,
        Command::ListUpdateGroups => update_groups::list(state),
        Command::CreateUpdateGroup { name } => update_groups::create(state, name).await?,
        Command::ChangeUpdateGroup { name, add, remove } => {
            update_groups::change(state, name, add, remove).await?
        }
        Command::DeployUpdateGroup { name, group, terms, enabled } => {
            update_groups::deploy(state, name, group, terms, enabled).await?
        }
        Command::WithdrawUpdateGroup { name, group } => {
            update_groups::withdraw(state, name, group).await?
        }
        Command::DeleteUpdateGroup { name } => update_groups::delete(state, name).await?,
        Command::ListPackages => packages::list(state),
        Command::ShowPackage { name } => packages::show(state, &name)?,
        Command::CreatePackage { name } => packages::create(state, name).await?,
        Command::ChangePackage { name, add, remove } => {
            packages::change(state, name, add, remove).await?
        }
        Command::ExportPackage { name, folder } => packages::export(state, &name, folder).await?,
        Command::VerifyPackage { name, folder } => packages::verify(state, &name, folder).await?,
        Command::DeletePackage { name } => packages::delete(state, name).await?,
        Command::ListRules => rules::list(state),
        Command::PutRule { rule } => rules::put(state, *rule).await?,
        Command::RemoveRule { name } => rules::remove(state, name).await?,
        Command::PreviewRule { name } => rules::preview(state, &name)?,
        Command::RunRule { name } => rules::run(state, &name).await?,
        Command::Cleanup { settings, run } => {
            cleanup::clean_up(state, upstream, settings, run).await?
        }
        Command::Audit { last, mentions } => audit::list(state, last, mentions).await?,
        Command::Undo { number } => audit::undo(state, number).await?,
        Command::ListGroups => groups::list(state),
        Command::CreateGroup { name, parent } => groups::create(state, name, parent).await?,
        Command::MoveGroup { name, parent } => groups::place(state, name, parent).await?,
        Command::RenameGroup { name, new_name } => groups::rename(state, name, new_name).await?,
        Command::SetGroupClock { name, utc_offset } => {
            groups::set_clock(state, name, utc_offset).await?
        }
        Command::DeleteGroup { name, children, members } => {
            groups::delete(state, name, children, members).await?
        }
        Command::ListPlacements => placements::list(state),
        Command::AddPlacement { group, name, system, network } => {
            placements::add(state, group, name, system, network).await?
        }
        Command::RemovePlacement { number } => placements::remove(state, number).await?,
        Command::ListComputers => computers::list(state),
        Command::ShowComputer { computer } => computers::show(state, computer).await?,
        Command::MoveComputer { computer, groups } => {
            computers::place(state, computer, groups).await?
        }
        Command::DeleteComputer { computer } => computers::delete(state, computer).await?,
        Command::ReportUpdates(report) => json!(report.run(state).await?),
        Command::ReportComputers(report) => json!(report.run(state).await?),
        Command::ReportSyncs(report) => json!(report.run(upstream).await?),
        Command::ListDownstream => downstream::list(state),
        Command::ShowDownstream { server } => downstream::show(state, &server)?,
        Command::ApproveDownstream { server } => downstream::approve(state, server).await?,
        Command::ForgetDownstream { server } => downstream::forget(state, server).await?,
        Command::ContentStatus => content::status(state)?,
        Command::VerifyContent => content::verify(state),
        Command::SyncSource { source } => sync::source(upstream, source).await?,
        Command::SyncCategories => upstream.categories().await?,
        Command::SyncSelect { change } => sync::select(upstream, change).await?,
        Command::SyncStart { scope } => json!({ "number": upstream.start(scope).await? }),
        Command::SyncReport => sync::report(upstream).await?,
        Command::SyncStatus => sync::status(upstream).await?,
        Command::SyncCancel => json!({ "cancelled": upstream.cancel() }),
        Command::SyncHistory => sync::history(upstream).await?,
        Command::SyncSchedule { schedule } => sync::schedule(upstream, schedule).await?,
    })
}
