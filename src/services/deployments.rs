//! The deployments of a view, as one client is told of them.

use crate::catalog::{DriverMatch, RevisionIndex, RevisionSet};
use crate::policy::terms::{DownloadPriority, spread_for};
use crate::policy::view::{self, View};
use crate::services::cookie::ProtocolVersion;
use crate::services::session::{AUTO_SELECT, HARDWARE_IDS};
use crate::state::{Published, Tracked};
use crate::wire::body::Prepared;
use crate::wire::time::DateTime;
use crate::wire::wusp::client::UpdateInfo;
use crate::wire::wusp::types::{Deployment, DeploymentAction};

/// The first build of Windows that knows OptionalInstall (10, version 1903; [MS-WUSP] note 22).
const OPTIONAL_INSTALL_FROM: (i32, i32, i32) = (10, 0, 18362);

/// Everything that decides what a client is told of a revision.
pub(super) struct Deployments<'a> {
    published: &'a Published,
    view: &'a View,
    protocol: ProtocolVersion,
    knows_optional_install: bool,
    /// Our number of the computer; 0 for one that never registered.
    computer: u32,
    /// Ascending by revision.
    hardware_ids: Vec<(RevisionIndex, Vec<&'a str>)>,
}

impl<'a> Deployments<'a> {
    /// For a client of this protocol version; a computer that never registered counts as an old
    /// one.
    pub(super) fn new(
        published: &'a Published,
        view: &'a View,
        protocol: ProtocolVersion,
        tracked: Option<&Tracked>,
    ) -> Self {
        let knows_optional_install = tracked
            .is_some_and(|tracked| tracked.computer.info.os_version >= OPTIONAL_INSTALL_FROM);
        let computer = tracked.map_or(0, |tracked| tracked.computer.number);
        let hardware_ids = Vec::new();
        Self { published, view, protocol, knows_optional_install, computer, hardware_ids }
    }

    /// The same, telling also by which hardware ids drivers were chosen. `matches` ascend by
    /// revision.
    pub(super) fn of_drivers(mut self, matches: &'a [DriverMatch]) -> Self {
        if self.protocol >= HARDWARE_IDS {
            let ids = |found: &'a DriverMatch| {
                (found.revision, found.hardware_ids.iter().map(String::as_str).collect())
            };
            self.hardware_ids = matches.iter().map(ids).collect();
        }
        self
    }

    /// A revision with its deployment; none when it is not deployed to the client.
    pub(super) fn update<'r>(
        &'r self,
        index: RevisionIndex,
        xml: Option<&'r Prepared>,
    ) -> Option<UpdateInfo<'r>> {
        self.update_as(index, &self.deployment(index)?, xml)
    }

    /// The revisions among `kept` whose deployment, or whether they are leaves, changed after
    /// commit `watermark`.
    pub(super) fn changed_since(&self, kept: &RevisionSet, watermark: u64) -> Vec<UpdateInfo<'_>> {
        // Nearly every scan finds a server on which nothing changed.
        if watermark >= self.published.sequence {
            return Vec::new();
        }
        let changed = kept.iter().filter_map(|index| {
            let deployment = self.deployment(index).filter(|it| it.changed > watermark)?;
            self.update_as(index, &deployment, None)
        });
        changed.collect()
    }

    fn deployment(&self, index: RevisionIndex) -> Option<view::Deployment> {
        self.view.deployment(&self.published.catalog, &self.published.scope, index)
    }

    fn update_as<'r>(
        &'r self,
        index: RevisionIndex,
        deployment: &view::Deployment,
        xml: Option<&'r Prepared>,
    ) -> Option<UpdateInfo<'r>> {
        let catalog = &self.published.catalog;
        Some(UpdateInfo {
            id: catalog.revision(index)?.id,
            deployment: self.in_the_clients_words(deployment, index),
            is_leaf: catalog.is_leaf(index),
            xml,
        })
    }

    fn in_the_clients_words(
        &self,
        deployment: &view::Deployment,
        index: RevisionIndex,
    ) -> Deployment<'_> {
        let optional = deployment.action == DeploymentAction::OptionalInstall;
        // What is not assigned is offered to users and not installed by itself. Older agents know
        // no other word for it.
        let as_install = optional && !self.knows_optional_install;
        let zero = (self.protocol >= AUTO_SELECT).then_some(0);
        let instant = |seconds| DateTime::from_unix(seconds, 0).unwrap_or(DateTime::MAX);
        let chosen_by = self.hardware_ids.binary_search_by_key(&index, |(revision, _)| *revision);
        let hardware_ids = chosen_by.ok().and_then(|position| self.hardware_ids.get(position));
        let later = || spread_for(deployment.spread, deployment.id, self.computer);
        Deployment {
            id: deployment.id,
            action: if as_install { DeploymentAction::Install } else { deployment.action },
            deadline: deployment.deadline.map(|at| instant(at.saturating_add(later()))),
            is_assigned: !optional,
            last_change_time: instant(deployment.decided),
            download_priority: match deployment.download_priority {
                DownloadPriority::Low => Some("Low"),
                DownloadPriority::Normal => None,
                DownloadPriority::High => Some("High"),
            },
            hardware_ids: hardware_ids.map_or(&[], |(_, ids)| ids),
            auto_select: zero,
            auto_download: zero,
            supersedence_behavior: zero,
            flag_bitmask: None,
        }
    }
}
