//! What a computer is told under decisions of every kind.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::*;
use crate::catalog::NewRevision;
use crate::catalog::draft::{Draft, uuid};
use crate::metadata::model::CategoryType;
use crate::policy::approval::{Declined, Source};
use crate::policy::eula::AcceptedEula;
use crate::policy::target_group::{ALL_COMPUTERS, TargetGroup, UNASSIGNED_COMPUTERS};
use crate::policy::terms::{Clock, Deadline, Terms};
use DeploymentAction::{Bundle, Evaluate, Install, OptionalInstall, PreDeploymentCheck, Uninstall};

/// Catalogue, decisions and content of a test. Updates go by numbers, revisions by indices.
struct Server {
    catalog: Catalog,
    policy: Policy,
    /// Since when the content of a revision is here.
    content: HashMap<RevisionIndex, u64>,
}

impl Server {
    fn new(revisions: Vec<NewRevision>) -> Self {
        let catalog = Catalog::build(revisions);
        Self { catalog, policy: Policy::undecided(), content: HashMap::new() }
    }

    /// Approves for all computers, in commit `changed`.
    fn approve(&mut self, update: u128, action: ApprovalAction, changed: u64) {
        let update = uuid(update);
        self.policy.approvals.entry(update).or_default().push(Approval {
            deployment_id: 900,
            guid: uuid(900),
            update,
            revision_number: 1,
            group: ALL_COMPUTERS,
            terms: Terms { deadline: Some(Deadline::utc(77)), ..action.into() },
            live: true,
            by: String::new(),
            source: Source::Decision,
            decided: 55,
            changed,
        });
    }

    fn decline(&mut self, update: u128) {
        self.policy.declined.insert(uuid(update), Declined { decided: 0, changed: 1, cause: None });
    }

    fn deployments(&self, waits: bool) -> Vec<Option<Deployment>> {
        let declined = self.policy.declined.keys().filter_map(|id| self.catalog.update(id));
        let scope = self.catalog.scope(&declined.collect());
        let content_since = |index| self.content.get(&index).copied();
        let waits: Option<ContentSince<'_>> = if waits { Some(&content_since) } else { None };
        let groups = [UNASSIGNED_COMPUTERS];
        let view = View::build(&self.catalog, &scope, &self.policy, &groups, waits);
        let indices = self.catalog.indices();
        indices.map(|index| view.deployment(&self.catalog, &scope, index)).collect()
    }

    fn actions(&self) -> Vec<Option<DeploymentAction>> {
        self.deployments(true).into_iter().map(|it| it.map(|it| it.action)).collect()
    }
}

#[test]
fn what_nobody_decided_on_is_deployed_by_what_it_is() {
    let server = Server::new(vec![
        Draft::new(1, 1, 1).category(CategoryType::Product).build(),
        Draft::new(2, 2, 1).detectoid().build(),
        Draft::new(3, 3, 1).build(),
        Draft::new(4, 4, 1).update_type(UpdateType::Driver).build(),
        Draft::new(5, 5, 1).bundles(&[(6, 1)]).build(),
        Draft::new(6, 6, 1).explicitly_deployable(true).changed(9).build(),
        Draft::new(7, 6, 2).expired(true).build(),
    ]);
    let check = Some(PreDeploymentCheck);
    let evaluate = Some(Evaluate);
    assert_eq!(server.actions(), [evaluate, evaluate, check, check, check, Some(Bundle), None]);
    let deployment = server.deployments(true)[5].expect("in scope");
    assert_eq!((deployment.id, deployment.deadline, deployment.changed), (6, None, 9));
}

#[test]
fn an_approval_brings_its_number_its_times_and_its_commit() {
    let mut server = Server::new(vec![Draft::new(1, 1, 1).changed(3).build()]);
    server.content.insert(0, 2);
    for (approval, action) in [
        (ApprovalAction::Install, Install),
        (ApprovalAction::Optional, OptionalInstall),
        (ApprovalAction::Uninstall, Uninstall),
    ] {
        server.policy.approvals.clear();
        server.approve(1, approval, 5);
        let deployment = server.deployments(true)[0].expect("in scope");
        assert_eq!((deployment.id, deployment.action), (900, action));
        let times = (deployment.deadline, deployment.decided, deployment.changed);
        assert_eq!(times, (Some(77), 55, 5));
    }
    server.policy.approvals.clear();
    server.approve(1, ApprovalAction::Block, 6);
    let deployment = server.deployments(true)[0].expect("in scope");
    assert_eq!((deployment.id, deployment.action), (1, PreDeploymentCheck));
    assert_eq!((deployment.deadline, deployment.changed), (None, 6));
}

#[test]
fn what_is_to_be_installed_waits_for_its_content() {
    let mut server = Server::new(vec![Draft::new(1, 1, 1).build()]);
    server.approve(1, ApprovalAction::Install, 5);
    let held = server.deployments(true)[0].expect("in scope");
    assert_eq!((held.action, held.deadline, held.changed), (PreDeploymentCheck, None, 5));
    let not_held = server.deployments(false)[0].expect("in scope");
    assert_eq!((not_held.action, not_held.deadline), (Install, Some(77)));
    server.content.insert(0, 8);
    let arrived = server.deployments(true)[0].expect("in scope");
    assert_eq!((arrived.action, arrived.deadline, arrived.changed), (Install, Some(77), 8));
    server.content.clear();
    server.policy.approvals.clear();
    server.approve(1, ApprovalAction::Uninstall, 9);
    assert_eq!(server.actions(), [Some(Uninstall)], "nothing is needed to remove it");
}

#[test]
fn what_is_to_be_installed_waits_for_its_licence_and_those_of_its_members() {
    let licensed = |draft: Draft, eula| {
        let mut revision = draft.build();
        let mut metadata = crate::metadata::model::UpdateMetadata::clone(&revision.metadata);
        metadata.eula_id = Some(uuid(eula));
        revision.metadata = metadata.into();
        revision
    };
    let mut server = Server::new(vec![
        licensed(Draft::new(1, 1, 1).bundles(&[(2, 1)]), 71),
        licensed(Draft::new(2, 2, 1), 72),
    ]);
    server.content.extend([(0, 1), (1, 1)]);
    server.approve(1, ApprovalAction::Install, 5);
    for (eula, changed, told) in
        [(0, 0, (PreDeploymentCheck, 5)), (71, 8, (PreDeploymentCheck, 5)), (72, 7, (Install, 8))]
    {
        let accepted = AcceptedEula { eula: uuid(eula), by: "me".into(), at: 1, changed };
        Arc::make_mut(&mut server.policy.eulas).insert(uuid(eula), accepted);
        for waits in [true, false] {
            let deployment = server.deployments(waits)[0].expect("in scope");
            assert_eq!((deployment.action, deployment.changed), told, "after {eula}");
        }
    }
    server.policy.eulas = Arc::default();
    server.policy.approvals.clear();
    server.approve(1, ApprovalAction::Uninstall, 9);
    assert_eq!(server.actions()[0], Some(Uninstall), "nothing is agreed to by removing it");
}

#[test]
fn an_approved_member_is_installed_for_its_own_sake_and_waits_as_a_member() {
    let mut server = Server::new(vec![
        Draft::new(1, 1, 1).bundles(&[(2, 1)]).build(),
        Draft::new(2, 2, 1).explicitly_deployable(true).build(),
        Draft::new(3, 3, 1).bundles(&[(4, 1)]).build(),
        Draft::new(4, 4, 1).build(),
    ]);
    server.approve(2, ApprovalAction::Install, 5);
    server.approve(4, ApprovalAction::Install, 5);
    let check = Some(PreDeploymentCheck);
    assert_eq!(server.actions(), [check, Some(Bundle), check, Some(Bundle)]);
    server.content.extend([(1, 1), (3, 1)]);
    let approved = [check, Some(Install), check, Some(Bundle)];
    assert_eq!(server.actions(), approved, "the other is not there for its own sake");
}

#[test]
fn an_approval_is_of_the_revision_that_is_offered() {
    let mut server = Server::new(vec![Draft::new(1, 1, 1).build(), Draft::new(2, 1, 2).build()]);
    server.approve(1, ApprovalAction::Install, 5);
    server.approve(99, ApprovalAction::Install, 5);
    server.content.extend([(0, 1), (1, 1)]);
    assert_eq!(server.actions(), [None, Some(Install)]);
}

#[test]
fn a_declined_update_is_not_deployed_unless_others_need_it() {
    let mut server = Server::new(vec![
        Draft::new(1, 1, 1).build(),
        Draft::new(2, 2, 1).needs(&[1]).build(),
        Draft::new(3, 3, 1).build(),
    ]);
    server.decline(1);
    server.decline(3);
    server.approve(1, ApprovalAction::Install, 5);
    server.content.insert(0, 1);
    let expected = [Some(Evaluate), Some(PreDeploymentCheck), None];
    assert_eq!(server.actions(), expected, "an approval of a declined update says nothing");
}

#[test]
fn a_local_deadline_is_told_by_the_clock_of_the_computers_groups() {
    let mut server = Server::new(vec![Draft::new(1, 1, 1).build()]);
    server.content.insert(0, 1);
    server.approve(1, ApprovalAction::Install, 5);
    let approval = &mut server.policy.approvals.get_mut(&uuid(1)).expect("approvals")[0];
    let deadline = Deadline { at: 10_000, clock: Clock::Local, spread: 60 };
    let download_priority = DownloadPriority::High;
    approval.terms = Terms { deadline: Some(deadline), download_priority, ..approval.terms };
    let group = server.policy.groups.get_mut(&UNASSIGNED_COMPUTERS).expect("a group");
    group.utc_offset = Some(60);
    let told = server.deployments(true)[0].expect("in scope");
    assert_eq!((told.deadline, told.spread), (Some(10_000 - 3600), 60));
    assert_eq!(told.download_priority, DownloadPriority::High);
}

#[test]
fn views_differ_by_groups_their_place_and_whether_they_wait() {
    let catalog = Catalog::build(Vec::new());
    let scope = catalog.scope(&RoaringBitmap::new());
    let content: ContentSince<'_> = &|_| None;
    let fingerprint_below = |parent, groups: &[Uuid], waits| {
        let mut policy = Policy::undecided();
        for (number, parent) in [(1, parent), (2, None)] {
            let group = TargetGroup::new(uuid(number), number.to_string(), parent);
            policy.groups.insert(group.id, group);
        }
        View::build(&catalog, &scope, &policy, groups, waits).fingerprint()
    };
    let fingerprint = |groups: &[Uuid], waits| fingerprint_below(None, groups, waits);
    let (one, other) = ([uuid(1)], [uuid(2)]);
    assert_ne!(fingerprint(&one, None), fingerprint_below(Some(uuid(2)), &one, None));
    assert_eq!(fingerprint(&one, None), fingerprint(&one, None));
    assert_ne!(fingerprint(&one, None), fingerprint(&other, None));
    assert_ne!(fingerprint(&one, None), fingerprint(&one, Some(content)));
}
