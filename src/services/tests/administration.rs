//! Agents in several groups get exactly what an obvious model says, before and after each of many
//! random administrative changes. `WEIR_CHANGES=1000` makes more of them, `WEIR_SEED` others.

mod model;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::agent::{Agent, Hello, Told};
use super::documents::{Document, id};
use super::server::{HOUR, Server, clock};
use crate::policy::approval::ApprovalAction::{
    self, Block, Install, None as Withdrawn, NotApproved, Optional, Uninstall,
};
use crate::policy::by::By;
use crate::policy::terms::{Deadline, Terms};
use crate::state::{Children, Decision, Members, StateError};
use crate::wire::time::DateTime;
use model::{Model, Offer};

/// Changes that every run makes.
const CHANGES: u32 = 150;
const UPDATES: u128 = 8;
const COMPUTERS: usize = 4;
/// Of the test's own; two more are built in.
const GROUPS: u64 = 6;

/// Numbers without a pattern, the same for one seed (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn update(&mut self) -> u128 {
        1 + u128::from(self.roll(UPDATES as u64))
    }

    fn group(&mut self) -> String {
        match self.roll(GROUPS + 2) {
            0 => "All Computers".into(),
            1 => "Unassigned Computers".into(),
            number => format!("Group {number}"),
        }
    }

    fn terms(&mut self, now: i64) -> Terms {
        let actions = [Install, Install, Optional, Uninstall, Block, NotApproved, Withdrawn];
        let action = actions[self.roll(7) as usize];
        let acts = matches!(action, Install | Uninstall);
        let hours = |dice: &mut Self| now + HOUR * (1 + dice.roll(5) as i64);
        let deadline = (acts && self.roll(2) == 0).then(|| Deadline::utc(hours(self)));
        let go_live = (self.roll(5) == 0).then(|| hours(self));
        Terms { deadline, go_live, ..action.into() }
    }
}

/// A computer's agent, and what it has cached: the revision and what it was told of it.
struct Member<'s> {
    agent: Agent<'s>,
    cached: BTreeMap<u32, Offer>,
}

impl Member<'_> {
    /// Scans, and checks that nothing comes twice and nothing goes that is needed.
    async fn scan(&mut self, expected: &BTreeMap<u32, Offer>) {
        // Hours may have passed, and a cookie with them.
        let client_id = self.agent.client_id.clone();
        let hello = Hello { client_id: &client_id, ..Hello::default() };
        let old_cookie = self.agent.cookie_as("oldCookie");
        self.agent.renew(&hello, &old_cookie).await;
        let cached: Vec<u32> = self.cached.keys().copied().collect();
        let pass = self.agent.scan(&[], &cached).await;
        let gone: BTreeSet<u32> = pass.out_of_scope.iter().copied().collect();
        let unneeded = cached.iter().copied().filter(|id| !expected.contains_key(id));
        assert_eq!(gone, unneeded.collect(), "what it has to forget");
        self.cached.retain(|id, _| !gone.contains(id));
        for told in &pass.new {
            assert!(self.cached.insert(told.id, offer(told)).is_none(), "{} came twice", told.id);
        }
        for told in &pass.changed {
            assert!(self.cached.insert(told.id, offer(told)).is_some(), "{} is not here", told.id);
        }
        assert_eq!(&self.cached, expected);
    }
}

fn offer(told: &Told) -> Offer {
    (told.action.clone(), told.deadline.clone().filter(|_| told.action != "PreDeploymentCheck"))
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_get_what_the_model_says_after_each_of_many_changes() {
    let number = |name: &str, default| {
        let given = std::env::var(name).ok();
        given.map_or(default, |text| text.parse().expect("a number"))
    };
    let changes = number("WEIR_CHANGES", u64::from(CHANGES));
    let mut dice = Dice(number("WEIR_SEED", 88_172_645_463_325_252));
    let server = Server::start(clock!()).await;
    let mut model = Model::new(COMPUTERS);
    for update in 1..=UPDATES {
        let [revision] = server.import([Document::software(update)]).await;
        model.import(update, revision);
    }
    let mut members = Vec::new();
    for computer in 0..COMPUTERS {
        let client_id = client_id(computer);
        let hello = Hello { client_id: &client_id, ..Hello::default() };
        members.push(Member { agent: Agent::with(&server, hello).await, cached: BTreeMap::new() });
    }
    let (mut made, mut refused) = (0, 0);
    for _ in 0..changes {
        let change = Change::any(&mut dice, server.now());
        let described = format!("{change:?}");
        let possible = model.apply(&change, server.now());
        let outcome = change.carry_out(&server, &mut model).await;
        // Shown when the test fails.
        println!("{described}: {outcome:?}");
        assert_eq!(outcome.is_ok(), possible);
        match possible {
            true => made += 1,
            false => refused += 1,
        }
        // Some hear of several changes at once.
        for (computer, member) in members.iter_mut().enumerate() {
            if dice.roll(3) > 0 {
                member.scan(&model.offered(computer, server.now())).await;
            }
        }
    }
    for (computer, member) in members.iter_mut().enumerate() {
        member.scan(&model.offered(computer, server.now())).await;
    }
    assert!(made > changes / 4 && refused > 0, "{made} made, {refused} refused");
}

fn client_id(computer: usize) -> String {
    Uuid::from_u128(0x7000 + computer as u128).to_string()
}

/// Something that an administrator does, or time.
#[derive(Debug, Clone)]
enum Change {
    CreateGroup(String, String),
    MoveGroup(String, String),
    DeleteGroup(String),
    MoveComputer(usize, BTreeSet<String>),
    Approve(u128, String, Terms),
    Decline(u128),
    Delete(u128),
    Revise(u128),
    AddToSet(u128),
    TakeFromSet(u128),
    DeploySet(String, Terms),
    WithdrawSet(String),
    Wait(i64),
}

/// The one update group of the test.
const SET: &str = "October";

impl Change {
    fn any(dice: &mut Dice, now: i64) -> Self {
        match dice.roll(22) {
            0 | 1 => Self::CreateGroup(dice.group(), dice.group()),
            2 | 3 => Self::MoveGroup(dice.group(), dice.group()),
            4 => Self::DeleteGroup(dice.group()),
            5 | 6 => {
                let groups = (0..dice.roll(3)).map(|_| dice.group()).collect();
                Self::MoveComputer(dice.roll(COMPUTERS as u64) as usize, groups)
            }
            7..=12 => Self::Approve(dice.update(), dice.group(), dice.terms(now)),
            13 => Self::Decline(dice.update()),
            14 => Self::Delete(dice.update()),
            15 => Self::Revise(dice.update()),
            16 | 17 => Self::AddToSet(dice.update()),
            18 => Self::TakeFromSet(dice.update()),
            19 => Self::DeploySet(dice.group(), dice.terms(now)),
            20 => Self::WithdrawSet(dice.group()),
            _ => Self::Wait(HOUR * (1 + dice.roll(3) as i64)),
        }
    }

    async fn carry_out(self, server: &Server, model: &mut Model) -> Result<(), StateError> {
        let (state, by) = (&server.state, By::administrator());
        let one = |update| BTreeSet::from([id(update)]);
        match self {
            Self::CreateGroup(name, parent) => {
                state.create_group(by, Uuid::new_v4(), name, Some(parent)).await.map(drop)
            }
            Self::MoveGroup(name, parent) => {
                state.move_group(by, name, Some(parent)).await.map(drop)
            }
            Self::DeleteGroup(name) => {
                let deleted = state.delete_group(by, name, Children::MoveUp, Members::Release);
                deleted.await.map(drop)
            }
            Self::MoveComputer(computer, groups) => {
                let groups = groups.into_iter().collect();
                state.move_computer(by, client_id(computer), groups).await
            }
            Self::Approve(update, group, terms) => {
                state.decide(by, id(update), Decision::Approve { group, terms }).await
            }
            Self::Decline(update) => state.decide(by, id(update), Decision::Decline).await,
            Self::Delete(update) => state.delete_update(by, id(update)).await.map(drop),
            Self::Revise(update) => {
                let revision = model.next_revision(update);
                let [number] = server.import([Document::software(update).revision(revision)]).await;
                model.import(update, number);
                Ok(())
            }
            Self::AddToSet(update) => {
                if state.published().policy.update_group(SET).is_none() {
                    state.create_update_group(by.clone(), Uuid::from_u128(9), SET.into()).await?;
                }
                state
                    .change_update_group(by, SET.into(), one(update), BTreeSet::new())
                    .await
                    .map(drop)
            }
            Self::TakeFromSet(update) => state
                .change_update_group(by, SET.into(), BTreeSet::new(), one(update))
                .await
                .map(drop),
            Self::DeploySet(group, terms) => {
                state.deploy_update_group(by, SET.into(), group, terms, true).await.map(drop)
            }
            Self::WithdrawSet(group) => {
                state.withdraw_update_group(by, SET.into(), group).await.map(drop)
            }
            Self::Wait(seconds) => {
                server.pass(seconds);
                // The writer looks at the clock with every change.
                state.ping().await
            }
        }
    }
}

/// An instant as the wire has it.
fn instant(at: i64) -> String {
    DateTime::from_unix(at, 0).expect("a date").to_string()
}
