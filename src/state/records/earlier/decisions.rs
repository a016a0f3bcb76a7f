//! What was decided, as earlier versions wrote it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use super::super::{DecisionRecord as Current, first_version};
use crate::policy::approval::{Approval, ApprovalAction, Declined, Source};
use crate::policy::rule::{self, Criteria, RuleTarget, Schedule};
use crate::policy::terms::{Deadline, Terms};
use crate::policy::update_group;
use crate::store::value::Stored;

/// Decisions that knew an action and a deadline.
#[derive(Debug, Serialize, Deserialize)]
pub struct DecisionRecord {
    update: Uuid,
    approvals: Vec<EarlierApproval>,
    declined: Option<EarlierDeclined>,
}

/// Decisions that did not say whose they are, nor what this server declined by itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct SourcelessRecord {
    update: Uuid,
    approvals: Vec<SourcelessApproval>,
    declined: Option<EarlierDeclined>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SourcelessApproval {
    deployment_id: u32,
    guid: Uuid,
    update: Uuid,
    revision_number: u32,
    group: Uuid,
    terms: Terms,
    live: bool,
    by: String,
    decided: i64,
    changed: u64,
}

/// An update group that did not say which of its deployments are a rule's.
#[derive(Debug, Serialize, Deserialize)]
pub struct UpdateGroup {
    id: Uuid,
    name: String,
    updates: BTreeSet<Uuid>,
    deployments: Vec<EarlierDeployment>,
    created: i64,
}

/// A rule of which nobody knew what came of its last run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rule {
    id: Uuid,
    name: String,
    criteria: Criteria,
    schedule: Schedule,
    targets: Vec<RuleTarget>,
    update_group: Option<String>,
    enables: bool,
    cap: u32,
    last_run: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct EarlierDeployment {
    group: Uuid,
    terms: Terms,
    enabled: bool,
}

/// A decline that did not say whether anybody decided it.
#[derive(Debug, Serialize, Deserialize)]
struct EarlierDeclined {
    decided: i64,
    changed: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct EarlierApproval {
    deployment_id: u32,
    update: Uuid,
    group: Uuid,
    action: ApprovalAction,
    deadline: Option<i64>,
    decided: i64,
    changed: u64,
}

impl From<SourcelessRecord> for Current {
    fn from(earlier: SourcelessRecord) -> Self {
        let SourcelessRecord { update, approvals, declined } = earlier;
        let approvals = approvals.into_iter().map(|earlier| Approval {
            deployment_id: earlier.deployment_id,
            guid: earlier.guid,
            update: earlier.update,
            revision_number: earlier.revision_number,
            group: earlier.group,
            terms: earlier.terms,
            live: earlier.live,
            by: earlier.by,
            source: Source::Unknown,
            decided: earlier.decided,
            changed: earlier.changed,
        });
        let declined = declined.map(|EarlierDeclined { decided, changed }| Declined {
            decided,
            changed,
            cause: None,
        });
        Self { update, approvals: approvals.collect(), declined, exempt: None }
    }
}

impl Stored for SourcelessRecord {
    const NAME: &'static str = "decision record";
    const VERSION: u8 = 2;
    type Previous = DecisionRecord;

    fn migrate(earlier: DecisionRecord) -> Self {
        let DecisionRecord { update, approvals, declined } = earlier;
        let approvals = approvals.into_iter().map(SourcelessApproval::from).collect();
        Self { update, approvals, declined }
    }
}

impl From<EarlierApproval> for SourcelessApproval {
    fn from(earlier: EarlierApproval) -> Self {
        // Read anew at every start until it next changes, so it must come out the same every time.
        let mixed = earlier.update.as_u128()
            ^ earlier.group.as_u128().rotate_left(1)
            ^ u128::from(earlier.deployment_id);
        let deadline = earlier.deadline.map(Deadline::utc);
        Self {
            deployment_id: earlier.deployment_id,
            guid: Builder::from_random_bytes(mixed.to_be_bytes()).into_uuid(),
            update: earlier.update,
            revision_number: 0,
            group: earlier.group,
            terms: Terms { deadline, ..earlier.action.into() },
            live: true,
            by: String::new(),
            decided: earlier.decided,
            changed: earlier.changed,
        }
    }
}

impl From<UpdateGroup> for update_group::UpdateGroup {
    fn from(earlier: UpdateGroup) -> Self {
        let UpdateGroup { id, name, updates, deployments, created } = earlier;
        let deployments = deployments.into_iter().map(|earlier| {
            let EarlierDeployment { group, terms, enabled } = earlier;
            update_group::GroupDeployment { group, terms, enabled, rule: None }
        });
        Self { id, name, updates, deployments: deployments.collect(), created }
    }
}

impl From<Rule> for rule::Rule {
    fn from(earlier: Rule) -> Self {
        Self {
            id: earlier.id,
            name: earlier.name,
            criteria: earlier.criteria,
            schedule: earlier.schedule,
            targets: earlier.targets,
            update_group: earlier.update_group,
            enables: earlier.enables,
            cap: earlier.cap,
            last_run: earlier.last_run,
            outcome: None,
        }
    }
}

first_version! {
    Rule, "rule record";
    DecisionRecord, "decision record";
    UpdateGroup, "update group record";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::value;

    #[test]
    fn decisions_of_the_first_version_are_read_the_same_every_time() {
        let id = Uuid::from_u128;
        let approval = EarlierApproval {
            deployment_id: 12,
            update: id(1),
            group: id(7),
            action: ApprovalAction::Uninstall,
            deadline: Some(99),
            decided: 50,
            changed: 3,
        };
        let declined = Some(EarlierDeclined { decided: 60, changed: 4 });
        let earlier = DecisionRecord { update: id(1), approvals: vec![approval], declined };
        let bytes = value::encode(&earlier).unwrap();
        let read: Current = value::decode(&bytes).unwrap();
        let again: Current = value::decode(&bytes).unwrap();
        assert_eq!(read.approvals, again.approvals, "its name is the same at every start");
        assert_eq!(read.declined, Some(Declined { decided: 60, changed: 4, cause: None }));
        let [approval] = &read.approvals[..] else { panic!("{:?}", read.approvals) };
        assert_eq!((approval.deployment_id, approval.group, approval.live), (12, id(7), true));
        assert_eq!((approval.decided, approval.changed), (50, 3));
        let deadline = Some(Deadline::utc(99));
        assert_eq!(approval.terms, Terms { deadline, ..ApprovalAction::Uninstall.into() });
    }

    #[test]
    fn decisions_of_the_second_version_are_read_as_they_were_and_nobodys() {
        let id = Uuid::from_u128;
        let terms = Terms { go_live: Some(70), ..ApprovalAction::Install.into() };
        let approval = SourcelessApproval {
            deployment_id: 12,
            guid: id(3),
            update: id(1),
            revision_number: 2,
            group: id(7),
            terms,
            live: true,
            by: "ann".into(),
            decided: 50,
            changed: 4,
        };
        let declined = Some(EarlierDeclined { decided: 60, changed: 4 });
        let earlier = SourcelessRecord { update: id(1), approvals: vec![approval], declined };
        let bytes = value::encode(&earlier).unwrap();
        let read: Current = value::decode(&bytes).unwrap();
        let expected = Approval {
            deployment_id: 12,
            guid: id(3),
            update: id(1),
            revision_number: 2,
            group: id(7),
            terms,
            live: true,
            by: "ann".into(),
            source: Source::Unknown,
            decided: 50,
            changed: 4,
        };
        assert_eq!((read.update, read.approvals), (id(1), vec![expected]));
        assert_eq!(read.declined, Some(Declined { decided: 60, changed: 4, cause: None }));
    }

    #[test]
    fn a_rule_of_the_first_version_is_the_same_rule() {
        let criteria = Criteria { titles: vec!["*".into()], ..Criteria::default() };
        let earlier = Rule {
            id: Uuid::from_u128(5),
            name: "All".into(),
            criteria: criteria.clone(),
            schedule: Schedule::AfterSync,
            targets: Vec::new(),
            update_group: Some("October".into()),
            enables: true,
            cap: 9,
            last_run: 70,
        };
        let bytes = value::encode(&earlier).unwrap();
        let read: rule::Rule = value::decode(&bytes).unwrap();
        assert_eq!((read.id, &*read.name, read.criteria), (earlier.id, "All", criteria));
        assert_eq!((read.update_group, read.enables), (earlier.update_group, true));
        assert_eq!((read.cap, read.last_run, read.outcome), (9, 70, None));
    }

    #[test]
    fn an_update_group_of_the_first_version_is_nobodys_but_those_who_made_it() {
        let id = Uuid::from_u128;
        let terms = ApprovalAction::Install.into();
        let deployment = EarlierDeployment { group: id(7), terms, enabled: true };
        let (name, updates) = ("October".to_owned(), BTreeSet::from([id(1)]));
        let deployments = vec![deployment];
        let earlier = UpdateGroup { id: id(5), name, updates, deployments, created: 3 };
        let bytes = value::encode(&earlier).unwrap();
        let read: update_group::UpdateGroup = value::decode(&bytes).unwrap();
        assert_eq!((read.id, &*read.name, read.created), (id(5), "October", 3));
        assert_eq!(read.updates, earlier.updates);
        let deployment = &read.deployments[0];
        assert_eq!((deployment.group, deployment.terms, deployment.rule), (id(7), terms, None));
        assert!(deployment.enabled);
    }
}
