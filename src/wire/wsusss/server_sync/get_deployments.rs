//! GetDeployments ([MS-WSUSSS] 3.1.4.10): what a replica takes over besides the catalogue.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Boolean, Guid, Int, List, Nested, Text, Time};
use crate::wire::soap::{message_structure, operation};
use crate::wire::time::DateTime;
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct GetDeploymentsRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Nested,
        /// `Anchor` of the last answer; absent at first.
        deployment_anchor: Cow<'a, str> = "deploymentAnchor" => Text,
        /// `Anchor` of the last GetRevisionIdList: nothing newer is sent.
        sync_anchor: Cow<'a, str> = "syncAnchor" => Text,
    }
}

message_structure! {
    /// The response.
    pub struct GetDeploymentsResponse<'a> {
        /// The decisions.
        result: ServerSyncDeploymentResult<'a> = "GetDeploymentsResult" => Nested,
    }
}

message_structure! {
    /// An administrator's decisions ([MS-WSUSSS] 3.1.4.10.3.1).
    ///
    /// The deployments are what changed between the two anchors. The other lists are complete: what
    /// is missing in them is to be deleted.
    pub struct ServerSyncDeploymentResult<'a> {
        /// When this answer was given; opaque to the downstream server.
        anchor: Cow<'a, str> = "Anchor" => Text,
        /// All target groups.
        groups: Vec<ServerSyncTargetGroup<'a>> = "Groups" =>
            List("ServerSyncTargetGroup", limits::LISTED_DEPLOYMENTS, Nested),
        /// New deployments.
        deployments: Vec<ServerSyncDeployment<'a>> = "Deployments" =>
            List("ServerSyncDeployment", limits::LISTED_DEPLOYMENTS, Nested),
        /// `DeploymentGuid` of deployments that were removed.
        dead_deployments: Vec<Uuid> = "DeadDeployments" =>
            List("guid", limits::LISTED_DEPLOYMENTS, Guid),
        /// All updates that were declined.
        hidden_updates: Vec<Uuid> = "HiddenUpdates" =>
            List("guid", limits::LISTED_DEPLOYMENTS, Guid),
        /// All licences that were accepted.
        accepted_eulas: Vec<Uuid> = "AcceptedEulas" =>
            List("guid", limits::LISTED_DEPLOYMENTS, Guid),
    }
}

message_structure! {
    /// A target group ([MS-WSUSSS] 3.1.4.10.3.3).
    pub struct ServerSyncTargetGroup<'a> {
        /// The group.
        target_group_id: Uuid = "TargetGroupID" => Guid,
        /// The group above it; zero at the top, where older servers leave it out.
        parent_group_id: Uuid = "ParentGroupId" => Guid,
        /// Its name.
        name: Cow<'a, str> = "Name" => Text,
        /// Whether it is not an administrator's.
        is_builtin: bool = "IsBuiltin" => Boolean,
    }
}

message_structure! {
    /// A deployment ([MS-WSUSSS] 3.1.4.10.3.5).
    pub struct ServerSyncDeployment<'a> {
        /// The update.
        update_id: Uuid = "UpdateId" => Guid,
        /// Its revision.
        revision_number: i32 = "RevisionNumber" => Int,
        /// 0 install, 1 uninstall, 2 scan, 3 block.
        action: i32 = "Action" => Int,
        /// Who decided it.
        admin_name: Cow<'a, str> = "AdminName" => Text,
        /// When it has to be done; [`DateTime::NEVER`] without a deadline.
        deadline: DateTime = "Deadline" => Time,
        /// Of use only to agents; to be kept as it is.
        is_assigned: bool = "IsAssigned" => Boolean,
        /// From when it counts.
        go_live_time: DateTime = "GoLiveTime" => Time,
        /// Identifies the deployment everywhere.
        deployment_guid: Uuid = "DeploymentGuid" => Guid,
        /// The group it is for.
        target_group_id: Uuid = "TargetGroupId" => Guid,
        /// 1 low to 3 high.
        download_priority: i32 = "DownloadPriority" => Int,
    }
}

operation!(GetDeployments(GetDeploymentsRequest<'_>) -> GetDeploymentsResponse<'a>);
