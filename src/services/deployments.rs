//! A deployment as one client is told of it.

use crate::policy::view;
use crate::services::cookie::ProtocolVersion;
use crate::services::session::AUTO_SELECT;
use crate::state::Tracked;
use crate::wire::time::DateTime;
use crate::wire::wusp::types::{Deployment, DeploymentAction};

/// The first build of Windows that knows OptionalInstall (10, version 1903; [MS-WUSP] note 22).
const OPTIONAL_INSTALL_FROM: (i32, i32, i32) = (10, 0, 18362);

/// What decides how a client is told of deployments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Audience {
    knows_auto_select: bool,
    knows_optional_install: bool,
}

impl Audience {
    /// A client of this protocol version; a computer that never registered counts as an old one.
    pub(super) fn new(protocol: ProtocolVersion, tracked: Option<&Tracked>) -> Self {
        let knows_optional_install = tracked
            .is_some_and(|tracked| tracked.computer.info.os_version >= OPTIONAL_INSTALL_FROM);
        Self { knows_auto_select: protocol >= AUTO_SELECT, knows_optional_install }
    }

    /// The deployment in the form this client understands.
    pub(super) fn deployment<'r>(
        self,
        deployment: &view::Deployment,
        hardware_ids: &'r [&'r str],
    ) -> Deployment<'r> {
        let optional = deployment.action == DeploymentAction::OptionalInstall;
        // An older agent is told the same in its own words: an Install that is not assigned is
        // offered to users and not installed by itself.
        let spelled_out = optional && !self.knows_optional_install;
        let zero = self.knows_auto_select.then_some(0);
        let instant = |seconds| DateTime::from_unix(seconds, 0).unwrap_or(DateTime::MAX);
        Deployment {
            id: deployment.id,
            action: if spelled_out { DeploymentAction::Install } else { deployment.action },
            deadline: deployment.deadline.map(instant),
            is_assigned: !spelled_out,
            last_change_time: instant(deployment.decided),
            download_priority: None,
            hardware_ids,
            auto_select: zero,
            auto_download: zero,
            supersedence_behavior: zero,
            flag_bitmask: None,
        }
    }
}
