//! What this server counts of its own updates and computers ([MS-WSUSSS] 3.2.4.5, ServerSummary).

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use crate::computers::UpdateInstallationState::{Downloaded, Failed, NotInstalled};
use crate::computers::rows::Row;
use crate::downstream::{Summary, System};
use crate::metadata::model::{PublicationState, UpdateType};
use crate::policy::approval::{Approval, ApprovalAction};
use crate::state::{Published, State, Tracked};
use crate::wire::types::Sha1;

/// "Critical Updates" and "Security Updates" ([MS-WSUSSS] note 71).
const CRITICAL: [Uuid; 2] = [
    Uuid::from_u128(0xe6cf1350_c01b_414d_a61f_263d14d133b4),
    Uuid::from_u128(0x0fa1201d_4330_4fa8_8ae9_b877473b6441),
];

/// The computers that get their updates here.
pub(super) fn own(state: &State) -> Vec<Tracked> {
    let mut computers = state.computers().all();
    computers.retain(|tracked| tracked.below.is_none());
    computers
}

/// The counts. `failed_files` are those that could not be downloaded at the last attempt. Approvals
/// follow an update to its latest revision, so none is ever stale, and updates of the update service
/// itself are not told apart: two counts are always 0.
///
/// What an approval is the specification says twice: 3.1.4.14.3.3 counts uninstallations as approved,
/// 3.2.4.5 does not. The first describes what the upstream server understands.
pub(super) fn summary(
    state: &State,
    published: &Published,
    computers: &[Tracked],
    failed_files: &HashSet<Sha1>,
) -> Summary {
    let mut summary = Summary { computers: count(computers.len()), ..Summary::default() };
    let policy = &published.policy;
    let groups = policy.groups.values();
    summary.groups = count(groups.filter(|group| !group.is_built_in()).count());

    // What a computer has of an update is known once it reported since that was here.
    let known_until = computers.iter().map(|it| it.statuses.reported.unwrap_or(i64::MIN)).min();
    let newest = updates(published).map(|update| update.imported).max();

    let (mut needed, mut failed) = (HashSet::new(), HashSet::new());
    for computer in computers {
        let rows: Vec<Row> = computer.statuses.rows().collect();
        let needs = |row: &&Row| matches!(row.state, NotInstalled | Downloaded | Failed);
        needed.extend(rows.iter().filter(needs).map(|row| row.number));
        failed.extend(rows.iter().filter(|row| row.state == Failed).map(|row| row.number));
        let is_failed = rows.iter().any(|row| row.state == Failed);
        let is_in_need = rows.iter().any(|row| needs(&row));
        summary.computers_with_errors += u32::from(is_failed);
        summary.computers_in_need += u32::from(is_in_need);
        summary.computers_up_to_date += u32::from(
            !is_in_need && computer.statuses.reported.is_some_and(|at| Some(at) >= newest),
        );
    }

    let critical = published.catalog.related(&published.scope, &CRITICAL);
    for update in updates(published) {
        summary.updates += 1;
        let approvals = policy.approvals.get(&update.id).map_or(&[][..], Vec::as_slice);
        let acts = |approval: &Approval| approval.terms.action.acts();
        let installs = |approval: &&Approval| {
            matches!(approval.terms.action, ApprovalAction::Install | ApprovalAction::Optional)
        };
        if policy.declined.contains_key(&update.id) {
            summary.declined += 1;
            continue;
        }
        match approvals.iter().any(acts) {
            true => summary.approved += 1,
            false => summary.not_approved += 1,
        }
        summary.expired += u32::from(update.is_expired && !approvals.iter().any(acts));
        let is_installed = approvals.iter().any(|approval| installs(&approval));
        summary.critical_not_approved +=
            u32::from(!is_installed && critical.contains(update.index));
        if is_installed && published.content_since(update.index).is_none() {
            summary.needing_files += 1;
            let files = published.files_with_members(update.index);
            summary.with_server_errors +=
                u32::from(files.iter().any(|file| failed_files.contains(file)));
        }
        let number = state.update_number(&update.id);
        let is_in = |set: &HashSet<u32>| number.is_some_and(|number| set.contains(&number));
        summary.with_client_errors += u32::from(is_in(&failed));
        let is_known = known_until.is_none_or(|until| update.imported <= until);
        match is_in(&needed) {
            true => summary.needed += 1,
            false => summary.up_to_date += u32::from(is_known),
        }
    }
    summary
}

/// How many computers have which operating system.
pub(super) fn systems(computers: &[Tracked]) -> Vec<System> {
    let mut systems: BTreeMap<System, u32> = BTreeMap::new();
    for tracked in computers {
        let info = &tracked.computer.info;
        let system = System {
            version: info.os_version,
            service_pack: info.os_service_pack,
            locale: info.os_locale.clone(),
            suite_mask: info.suite_mask,
            old_product_type: info.old_product_type,
            new_product_type: info.new_product_type,
            system_metrics: info.system_metrics,
            architecture: info.processor_architecture.clone(),
            count: 0,
        };
        *systems.entry(system).or_default() += 1;
    }
    systems.into_iter().map(|(system, count)| System { count, ..system }).collect()
}

/// An update that can be decided on.
struct Update {
    id: Uuid,
    index: u32,
    /// Unix seconds.
    imported: i64,
    is_expired: bool,
}

fn updates(published: &Published) -> impl Iterator<Item = Update> {
    let catalog = &published.catalog;
    catalog.revisions().filter_map(move |(index, revision)| {
        let metadata = &revision.metadata;
        let id = metadata.identity.update_id;
        let is_kind = matches!(metadata.update_type, UpdateType::Software | UpdateType::Driver);
        let is_latest = catalog.latest(catalog.update(&id)?) == Some(index);
        let is_expired = metadata.publication_state == PublicationState::Expired;
        let stands_alone = published.scope.tops.contains(index)
            || metadata.explicitly_deployable
            || published.policy.declined.contains_key(&id);
        let imported = revision.imported;
        (is_kind && is_latest && stands_alone).then_some(Update { id, index, imported, is_expired })
    })
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
