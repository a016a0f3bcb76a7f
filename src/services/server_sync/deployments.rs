//! GetDeployments: what a replica takes over of an administrator's decisions ([MS-WSUSSS] 3.1.4.10).
//!
//! A decision here is about an update, and a deployment between servers about a revision. So a
//! deployment names the latest revision that the other server was told of, and is told again when
//! there is a later one. One whose update it was not told of at all waits: the answer's anchor
//! stays before it.

use std::borrow::Cow;

use uuid::Uuid;

use crate::downstream::Decided;
use crate::policy::approval::{Approval, ApprovalAction, DeadDeployment};
use crate::policy::target_group::{ALL_COMPUTERS, TargetGroup};
use crate::services::call::Outcome;
use crate::services::{ServiceError, Services};
use crate::state::Published;
use crate::wire::fault::ErrorCode;
use crate::wire::time::DateTime;
use crate::wire::wsusss::server_sync::{
    GetDeploymentsRequest, GetDeploymentsResponse, ServerSyncDeployment,
    ServerSyncDeploymentResult, ServerSyncTargetGroup,
};

use super::anchor::Anchor;

/// `Action` ([MS-WSUSSS] 3.1.4.10.3.5).
const INSTALL: i32 = 0;
const UNINSTALL: i32 = 1;
const SCAN: i32 = 2;
const BLOCK: i32 = 3;

impl Services {
    /// GetDeployments.
    pub(super) async fn deployments_for_server(
        &self,
        request: &GetDeploymentsRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<GetDeploymentsResponse<'static>, ServiceError> {
        let session = self.server_session(request.cookie.as_ref(), outcome)?;
        let since = Anchor::read(request.deployment_anchor.as_deref(), "deploymentAnchor")?;
        // The specification wants it; other stacks leave it out, and then mean the present.
        let told = Anchor::read(request.sync_anchor.as_deref(), "syncAnchor")?;
        if !self.told_decisions(session.server, since) {
            return Err(ServiceError::code(ErrorCode::ServerChanged));
        }
        let published = self.state.published();
        let selected = Selected::of(&published, since, told);
        let number = selected.complete_up_to;
        let at = self.now();
        let decided = Decided { at, up_to: number.into() };
        self.state.note_decided(session.server, decided).await?;
        let anchor = Anchor { number, at };
        let policy = &published.policy;
        let result = ServerSyncDeploymentResult {
            anchor: Some(Cow::Owned(anchor.to_string())),
            groups: Some(groups(&published)),
            deployments: Some(selected.deployments),
            dead_deployments: Some(dead(policy.dead.values(), since)),
            hidden_updates: Some(sorted(policy.declined.keys().copied())),
            accepted_eulas: Some(policy.eulas.keys().copied().collect()),
        };
        Ok(GetDeploymentsResponse { result: Some(result) })
    }
}

impl Services {
    /// Whether an anchor is one that this server gave, as far as it remembers. If not, it was restored
    /// from a backup, or forgot the server: what was decided there and is not known here could never be
    /// taken back by telling what is new, so the replica has to ask from the beginning.
    fn told_decisions(&self, server: Uuid, anchor: Option<Anchor>) -> bool {
        let known = self.state.downstream_server(server);
        let last = known.and_then(|known| known.decided);
        anchor.is_none_or(|anchor| last.is_some_and(|last| anchor.at <= last.at))
    }
}

/// The deployments of an answer.
struct Selected {
    deployments: Vec<ServerSyncDeployment<'static>>,
    /// The commit up to which nothing is missing.
    complete_up_to: u32,
}

impl Selected {
    fn of(published: &Published, since: Option<Anchor>, told: Option<Anchor>) -> Self {
        let commit = |sequence: u64| u32::try_from(sequence).unwrap_or(u32::MAX);
        let mut deployments = Vec::new();
        let mut complete_up_to = commit(published.sequence);
        for approval in published.policy.approvals.values().flatten() {
            let Some((action, is_assigned)) = action(approval.terms.action) else { continue };
            let catalog = &published.catalog;
            let Some(update) = catalog.update(&approval.update) else { continue };
            let records = catalog.history(update).iter().rev();
            let mut records = records.filter_map(|index| catalog.revision(*index));
            let latest = records.clone().next().map_or(0, |latest| latest.changed);
            let known = |id: u32| told.is_none_or(|told| id <= told.number);
            let Some(record) = records.find(|record| known(record.id.0)) else {
                complete_up_to = complete_up_to.min(commit(approval.changed).saturating_sub(1));
                continue;
            };
            if latest > record.changed {
                // To be told again, with a revision that the other server does not know yet.
                complete_up_to = complete_up_to.min(commit(latest).saturating_sub(1));
            }
            let changed = commit(approval.changed.max(record.changed));
            let is_new = since.is_none_or(|since| {
                changed > since.number || approval.decided.max(record.imported) > since.at
            });
            if is_new {
                let revision = record.metadata.identity.revision_number;
                deployments.push(deployment(approval, revision, action, is_assigned));
            }
        }
        deployments.sort_unstable_by_key(|deployment| deployment.deployment_guid);
        Self { deployments, complete_up_to }
    }
}

/// What an action is called between servers, and whether it is done without a user's choice. A
/// decision that was taken back is none.
fn action(action: ApprovalAction) -> Option<(i32, bool)> {
    match action {
        ApprovalAction::Install => Some((INSTALL, true)),
        ApprovalAction::Optional => Some((INSTALL, false)),
        ApprovalAction::Uninstall => Some((UNINSTALL, true)),
        ApprovalAction::NotApproved => Some((SCAN, true)),
        ApprovalAction::Block => Some((BLOCK, true)),
        ApprovalAction::None => None,
    }
}

fn deployment(
    approval: &Approval,
    revision: u32,
    action: i32,
    is_assigned: bool,
) -> ServerSyncDeployment<'static> {
    let instant = |seconds: i64| DateTime::from_unix(seconds, 0).unwrap_or(DateTime::NEVER);
    let terms = &approval.terms;
    ServerSyncDeployment {
        update_id: Some(approval.update),
        revision_number: Some(i32::try_from(revision).unwrap_or(i32::MAX)),
        action: Some(action),
        admin_name: Some(Cow::Owned(approval.by.clone())),
        // What is on each computer's own clock here is on that of UTC there.
        deadline: Some(terms.deadline.map_or(DateTime::NEVER, |deadline| instant(deadline.at))),
        is_assigned: Some(is_assigned),
        go_live_time: Some(instant(terms.go_live.unwrap_or(approval.decided))),
        deployment_guid: Some(approval.guid),
        target_group_id: Some(approval.group),
        download_priority: Some(terms.download_priority as i32),
    }
}

/// All groups, each after the one above it. What has no group above it here is below All Computers,
/// as on a real server.
fn groups(published: &Published) -> Vec<ServerSyncTargetGroup<'static>> {
    let groups = &published.policy.groups;
    let depth = |group: &TargetGroup| {
        let above = |group: &&TargetGroup| group.parent.and_then(|parent| groups.get(&parent));
        std::iter::successors(Some(group), above).take(groups.len()).count()
    };
    let mut all: Vec<&TargetGroup> = groups.values().collect();
    all.sort_by_key(|group| (group.id != ALL_COMPUTERS, depth(group), group.id));
    let group = |group: &TargetGroup| {
        let above = group.parent.unwrap_or(ALL_COMPUTERS);
        ServerSyncTargetGroup {
            target_group_id: Some(group.id),
            parent_group_id: Some(if group.id == ALL_COMPUTERS { Uuid::nil() } else { above }),
            name: Some(Cow::Owned(group.name.clone())),
            is_builtin: Some(group.is_built_in()),
        }
    };
    all.into_iter().map(group).collect()
}

fn dead<'d>(
    deployments: impl Iterator<Item = &'d DeadDeployment>,
    since: Option<Anchor>,
) -> Vec<Uuid> {
    let ended = deployments.filter(|dead| {
        // Who asks for the first time knows none of them.
        since.is_some_and(|since| dead.changed > since.number.into() || dead.ended > since.at)
    });
    sorted(ended.map(|dead| dead.guid))
}

fn sorted(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids
}
