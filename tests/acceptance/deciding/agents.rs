//! The computers: what is installed on them, what their agents have cached, and whether that is
//! what it has to be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::catalogue::{Id, Offered};
use super::model::Model;
use super::outcome::Expected;
use crate::harness::agent::Agent;
use crate::harness::http::Connection;
use crate::harness::scan::{Deployment, Machine, Revision, Scan};

/// Scans after which everything is settled.
const SCANS: usize = 6;
/// Seconds after which whatever was to go live has: the server looks at the clock every second, and
/// what a rule decides counts from when the server ran it.
const LATE: i64 = 6;

/// A computer with an agent that keeps its cache from scan to scan.
pub(super) struct Computer {
    pub(super) number: usize,
    agent: Agent,
    address: String,
    /// Software and detectoids that are installed; categories always are.
    pub(super) has: BTreeSet<Id>,
    /// Whether something changed that takes several scans.
    pub(super) is_unsettled: bool,
}

/// A computer's name on the network.
pub(super) fn name(number: usize) -> String {
    format!("agent-{number}.example")
}

pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_secs() as i64
}

impl Computer {
    pub(super) fn new(number: usize, address: &str, has: BTreeSet<Id>) -> Self {
        let agent = Agent::registered(Connection::plain(address), &name(number));
        Self { number, agent, address: address.to_owned(), has, is_unsettled: true }
    }

    /// Goes on with a server that started anew.
    pub(super) fn move_to(&mut self, address: &str) {
        address.clone_into(&mut self.address);
    }

    /// A connection does not last from one scan to the next.
    fn connect(&mut self) {
        self.agent.connection = Connection::plain(&self.address);
    }

    /// Its policy names these groups from now on, and it registers with them.
    pub(super) fn ask_for(&mut self, groups: &[String]) {
        self.agent.target_group = Some(groups.join(";")).filter(|names| !names.is_empty());
        self.connect();
        self.agent.renew().expect("a cookie");
        self.agent.register().expect("registered");
    }

    /// Scans as often as it has to, and complains of every difference from the model.
    pub(super) fn check(&mut self, model: &Model, offered: &[Offered]) -> Result<(), String> {
        let scans = if std::mem::take(&mut self.is_unsettled) { SCANS } else { 1 };
        self.in_time(model, |computer| {
            let quiet = (0..scans).any(|_| is_quiet(&scan(&mut computer.agent, &computer.has)));
            assert!(scans == 1 || quiet, "the scans come to no end");
            let cached = computer.agent.cache.values();
            compare(cached, &computer.expected(model, offered))
        })
    }

    /// That nothing more comes, and that an agent without a cache gets the same.
    pub(super) fn check_afresh(&mut self, model: &Model) -> Result<(), String> {
        self.in_time(model, |computer| {
            let again = scan(&mut computer.agent, &computer.has);
            if !is_quiet(&again) {
                return Err(format!("  told again without a change: {again:?}\n"));
            }
            let mut fresh =
                Agent::new(Connection::plain(&computer.address), &computer.agent.dns_name);
            fresh.client_id.clone_from(&computer.agent.client_id);
            fresh.target_group.clone_from(&computer.agent.target_group);
            fresh.handshake().expect("a cookie");
            scan(&mut fresh, &computer.has);
            let cached = by_id(&computer.agent);
            let differences: String = by_id(&fresh)
                .into_iter()
                .filter(|(id, new)| cached.get(id) != Some(new))
                .map(|(id, new)| format!("  {id}: {new:?} afresh, not {:?}\n", cached.get(&id)))
                .collect();
            let gone = cached.len() != fresh.cache.len();
            if gone || !differences.is_empty() {
                let sizes = (cached.len(), fresh.cache.len());
                return Err(format!("  cached and afresh: {sizes:?}\n{differences}"));
            }
            Ok(())
        })
    }

    /// Does it again if meanwhile something went live, as nobody can say then what was right.
    fn in_time(
        &mut self,
        model: &Model,
        check: impl Fn(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            self.connect();
            let began = now();
            let checked = check(self);
            let ended = now();
            if model.go_live_times().all(|at| ended < at || began > at + LATE) {
                let whose = format!("{}:\n", self.agent.dns_name);
                return checked.map_err(|differences| whose + &differences);
            }
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    }

    fn expected(&self, model: &Model, offered: &[Offered]) -> BTreeMap<Id, Expected> {
        let installed =
            |it: &Offered| is_installed(&it.revision.kind, &it.revision.update, &self.has);
        model.expected(offered, self.number, &installed, now())
    }
}

fn is_installed(kind: &str, update: &Id, has: &BTreeSet<Id>) -> bool {
    kind == "Category" || has.contains(update)
}

/// What an agent was told of a revision.
type Told<'a> = (&'a Id, u32, bool, &'a Deployment);

/// One scan of software, and what the server orders before it.
fn scan(agent: &mut Agent, has: &BTreeSet<Id>) -> Scan {
    let installed = |it: &Revision| is_installed(&it.update_type, &it.update_id, has);
    let machine = Machine { installed: &installed, devices: &[] };
    loop {
        match agent.scan_software(&machine, &[]) {
            Ok(scan) => return scan,
            Err(fault) => match fault.code.as_str() {
                "RegistrationRequired" => agent.register().expect("registered"),
                "ConfigChanged" => agent.handshake().expect("a cookie"),
                "CookieExpired" => agent.renew().expect("a cookie"),
                other => panic!("{other}: {fault:?}"),
            },
        }
    }
}

fn is_quiet(scan: &Scan) -> bool {
    scan.new.is_empty() && scan.changed.is_empty() && scan.forgotten.is_empty()
}

fn by_id(agent: &Agent) -> BTreeMap<u32, Told<'_>> {
    let mut told = BTreeMap::new();
    for (id, revision) in &agent.cache {
        let Revision { update_id, revision_number, is_leaf, deployment, .. } = revision;
        told.insert(*id, (update_id, *revision_number, *is_leaf, deployment));
    }
    told
}

/// Every difference between a cache and what is to be in it.
fn compare<'a>(
    cached: impl Iterator<Item = &'a Revision>,
    expected: &BTreeMap<Id, Expected>,
) -> Result<(), String> {
    let mut differences = String::new();
    let mut missing: BTreeSet<&Id> = expected.keys().collect();
    for revision in cached {
        let update = &revision.update_id;
        let wanted = missing.take(update).and_then(|update| expected.get(update));
        if !wanted.is_some_and(|wanted| is_as(revision, wanted)) {
            let Revision { revision_number, is_leaf, deployment, .. } = revision;
            let told = format!("{revision_number}, leaf {is_leaf}, {deployment:?}");
            differences += &format!("  {update}: is {told},\n    not {wanted:?}\n");
        }
    }
    for update in missing {
        differences += &format!("  {update}: is not there, not {:?}\n", expected[update]);
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

fn is_as(revision: &Revision, expected: &Expected) -> bool {
    let deployment = &revision.deployment;
    let deadline = deployment.deadline.as_deref().map(instant);
    let in_time = match (deadline, expected.deadline) {
        (Some(at), Some((from, until))) => (from..=until).contains(&at),
        (at, wanted) => at.is_none() && wanted.is_none(),
    };
    in_time
        && revision.revision_number == expected.number
        && revision.is_leaf == expected.is_leaf
        && deployment.action == expected.action
        && deployment.is_assigned == (expected.action != "OptionalInstall")
        && deployment.download_priority.as_deref() == expected.priority
}

fn instant(text: &str) -> i64 {
    OffsetDateTime::parse(text, &Rfc3339).expect("a time").unix_timestamp()
}
