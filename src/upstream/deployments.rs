//! GetDeployments ([MS-WSUSSS] 3.1.4.10): what a replica takes over.

use std::borrow::Cow;

use tracing::warn;

use super::error::SyncError;
use super::session::Connection;
use crate::policy::approval::ApprovalAction;
use crate::policy::terms::{Deadline, DownloadPriority, Terms};
use crate::state::{Mirrored, MirroredDeployment, MirroredGroup};
use crate::wire::operation::Operation;
use crate::wire::time::DateTime;
use crate::wire::wsusss::server_sync::{
    GetDeploymentsRequest, ServerSyncDeployment, ServerSyncDeploymentResult, ServerSyncTargetGroup,
};

/// Unix seconds of the year 9999: the specification's way to write that there is no deadline.
const NO_DEADLINE: i64 = 253_370_764_800;

/// What was decided, and until when.
pub(super) struct Decided {
    /// To be taken over.
    pub(super) mirrored: Mirrored,
    /// Opaque.
    pub(super) anchor: Option<String>,
}

/// Asks what was decided since `anchor`, up to what `sync_anchor` knows.
pub(super) async fn deployments(
    connection: &mut Connection,
    anchor: Option<&str>,
    sync_anchor: &str,
) -> Result<Decided, SyncError> {
    let complete = anchor.is_none();
    let (anchor, sync_anchor) = (anchor.map(ToOwned::to_owned), sync_anchor.to_owned());
    let request = move |cookie| GetDeploymentsRequest {
        cookie: Some(cookie),
        deployment_anchor: anchor.clone().map(Cow::Owned),
        sync_anchor: Some(Cow::Owned(sync_anchor.clone())),
    };
    let decided = connection.call(request, |answer| answer.result.map(decided)).await?;
    let mut decided = decided.ok_or(SyncError::Incomplete {
        operation: Operation::GetDeployments,
        missing: "GetDeploymentsResult",
    })?;
    // Without its groups nothing of it means anything, and all of ours would go.
    if decided.mirrored.groups.is_empty() {
        let (operation, missing) = (Operation::GetDeployments, "Groups");
        return Err(SyncError::Incomplete { operation, missing });
    }
    decided.mirrored.complete = complete;
    Ok(decided)
}

fn decided(result: ServerSyncDeploymentResult<'_>) -> Decided {
    let groups = result.groups.unwrap_or_default();
    let deployments = result.deployments.unwrap_or_default();
    Decided {
        mirrored: Mirrored {
            groups: groups.into_iter().filter_map(group).collect(),
            deployments: deployments.into_iter().filter_map(deployment).collect(),
            complete: false,
            dead: result.dead_deployments.unwrap_or_default().into_iter().collect(),
            declined: result.hidden_updates.unwrap_or_default().into_iter().collect(),
            eulas: result.accepted_eulas.unwrap_or_default().into_iter().collect(),
        },
        anchor: result.anchor.map(Cow::into_owned),
    }
}

fn group(group: ServerSyncTargetGroup<'_>) -> Option<MirroredGroup> {
    Some(MirroredGroup {
        id: group.target_group_id?,
        name: group.name?.into_owned(),
        parent: group.parent_group_id.filter(|parent| !parent.is_nil()),
    })
}

fn deployment(deployment: ServerSyncDeployment<'_>) -> Option<MirroredDeployment> {
    let guid = deployment.deployment_guid?;
    let action = match (deployment.action?, deployment.is_assigned) {
        (0, Some(false)) => ApprovalAction::Optional,
        (0, _) => ApprovalAction::Install,
        (1, _) => ApprovalAction::Uninstall,
        (2, _) => ApprovalAction::NotApproved,
        (3, _) => ApprovalAction::Block,
        (action, _) => {
            warn!(deployment = %guid, action, "a deployment with an unknown action is left out");
            return None;
        }
    };
    let has_deadline = matches!(action, ApprovalAction::Install | ApprovalAction::Uninstall);
    let deadline = deployment.deadline.map(DateTime::unix_seconds);
    let deadline = deadline.filter(|at| has_deadline && (0..NO_DEADLINE).contains(at));
    let go_live = deployment.go_live_time.map(DateTime::unix_seconds);
    let terms = Terms {
        deadline: deadline.map(Deadline::utc),
        go_live: go_live.filter(|at| action.acts() && (0..NO_DEADLINE).contains(at)),
        download_priority: match deployment.download_priority {
            Some(1) => DownloadPriority::Low,
            Some(3) => DownloadPriority::High,
            _ => DownloadPriority::Normal,
        },
        ..action.into()
    };
    Some(MirroredDeployment {
        guid,
        update: deployment.update_id?,
        revision_number: u32::try_from(deployment.revision_number.unwrap_or(0)).unwrap_or(0),
        group: deployment.target_group_id?,
        terms,
        by: deployment.admin_name.unwrap_or_default().chars().take(256).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn terms_are_read_as_they_were_meant() {
        let read = |action, is_assigned, deadline: DateTime| {
            let sent = ServerSyncDeployment {
                update_id: Some(Uuid::from_u128(1)),
                deployment_guid: Some(Uuid::from_u128(2)),
                target_group_id: Some(Uuid::from_u128(3)),
                action: Some(action),
                is_assigned: Some(is_assigned),
                deadline: Some(deadline),
                download_priority: Some(3),
                ..ServerSyncDeployment::default()
            };
            deployment(sent).map(|it| (it.terms.action, it.terms.deadline))
        };
        let at = DateTime::from_unix(1_900_000_000, 0).unwrap();
        let due = Some(Deadline::utc(1_900_000_000));
        assert_eq!(read(0, true, at), Some((ApprovalAction::Install, due)));
        assert_eq!(read(0, true, DateTime::NEVER), Some((ApprovalAction::Install, None)));
        assert_eq!(read(0, false, at), Some((ApprovalAction::Optional, None)));
        assert_eq!(read(1, true, at), Some((ApprovalAction::Uninstall, due)));
        assert_eq!(read(2, true, at), Some((ApprovalAction::NotApproved, None)));
        assert_eq!(read(3, true, at), Some((ApprovalAction::Block, None)));
        assert_eq!(read(4, true, at), None);
    }
}
