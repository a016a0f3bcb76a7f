//! Simulated agents in several groups get exactly what an obvious model says, before and after each
//! of many random changes that administrators make over the API: groups and who is in them,
//! decisions, update groups, rules, licences, files, new revisions, restarts.
//!
//! `WEIR_SEED` makes other changes, `WEIR_CHANGES` more of them. Drivers, whose choice has a model of
//! its own, are decided on and not scanned for.

mod agents;
mod catalogue;
mod changes;
mod decisions;
mod dice;
mod draw;
mod groups;
mod model;
mod orders;
mod outcome;
mod rules;
mod world;

use std::collections::VecDeque;

use agents::{Computer, now};
use changes::Change;
use dice::Dice;
use model::Model;
use orders::{Administrator, Outcome};
use world::World;

use crate::harness::directory::{Directory, Server};

const COMPUTERS: usize = 6;
/// Every so many changes each agent is compared with one that has no cache.
const AFRESH: usize = 10;
/// Changes that a failure shows.
const SHOWN: usize = 12;

#[test]
fn agents_get_what_the_model_says_after_random_changes() {
    run(number("WEIR_CHANGES", 60));
}

#[test]
#[ignore = "a long run: minutes"]
fn agents_get_what_the_model_says_after_a_thousand_changes() {
    run(number("WEIR_CHANGES", 1_000));
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn run(changes: u64) {
    let seed = number("WEIR_SEED", 20_261_129);
    let mut test = Test::start(seed);
    for _ in 0..changes {
        test.change();
    }
    assert!(test.made > test.refused, "{} made, {} refused", test.made, test.refused);
    eprintln!("{} changes made, {} refused", test.made, test.refused);
}

struct Test {
    seed: u64,
    dice: Dice,
    /// None while it starts anew.
    server: Option<Server>,
    directory: Directory,
    administrator: Administrator,
    world: World,
    model: Model,
    computers: Vec<Computer>,
    /// The last changes and what the server said, the latest last.
    log: VecDeque<String>,
    made: usize,
    refused: usize,
}

impl Test {
    fn start(seed: u64) -> Self {
        let directory = Directory::new();
        let mut dice = Dice(seed);
        let (catalogue, world) = world::make(&directory);
        let holds = dice.roll(2) == 0;
        directory.configure(&format!("hold_installs = {holds}\n"));
        let server = directory.serve(&["--admin", "127.0.0.1:0"]);
        let administrator = Administrator::new(&directory, &server);
        let mut model = Model::new(catalogue, COMPUTERS);
        model.holds = holds;
        model.files.extend(world.here.iter().cloned());
        let computers = (0..COMPUTERS).map(|computer| {
            let required = world.required.iter();
            let has = required.filter(|_| dice.roll(4) > 0).cloned().collect();
            Computer::new(computer, &server.http, has)
        });
        let computers = computers.collect();
        let log = VecDeque::new();
        let (made, refused) = (0, 0);
        let mut test = Self {
            seed,
            dice,
            directory,
            server: Some(server),
            administrator,
            world,
            model,
            computers,
            log,
            made,
            refused,
        };
        for (name, parent) in world::GROUPS {
            let (name, parent) = (name.to_owned(), parent.to_owned());
            test.make(&Change::CreateGroup { name, parent });
        }
        for name in world::UPDATE_GROUPS {
            test.make(&Change::CreateUpdateGroup { name: name.to_owned() });
        }
        test.compare(true);
        test
    }

    /// One change, and what the computers have to say of it.
    fn change(&mut self) {
        let change = Change::any(&mut self.dice, &self.model, &self.world, now());
        self.make(&change);
        self.compare((self.made + self.refused).is_multiple_of(AFRESH));
    }

    fn make(&mut self, change: &Change) {
        let plan = match change {
            Change::RunRule { name } => self.model.rules.get(name).map(|it| self.model.plan(it)),
            _ => None,
        };
        let preview = match (change, &plan) {
            (Change::RunRule { name }, Some(_)) => Some(self.administrator.preview(name)),
            _ => None,
        };
        let time = now();
        let before = self.model.clone();
        let outcome = self.administrator.make(change, &before);
        let applied = self.model.apply(change, time);
        if self.log.len() == SHOWN {
            self.log.pop_front();
        }
        let said = match &outcome {
            Ok(_) => "done".to_owned(),
            Err(reason) => reason.clone(),
        };
        self.log.push_back(format!("{}: {said}", change.described()));
        if outcome.is_ok() != applied {
            self.fail(&format!("the model says {applied}"));
        }
        match applied {
            true => self.made += 1,
            false => self.refused += 1,
        }
        if let (Some(plan), Some(preview)) = (plan, preview) {
            let told = [Some(&preview), outcome.as_ref().ok()];
            if !told.into_iter().flatten().all(|told| plan.is_told(told)) {
                self.fail(&format!("planned {plan:?}, told {preview} and {outcome:?}"));
            }
        }
        self.follow(change, &outcome);
    }

    /// What a change means beside what is decided.
    fn follow(&mut self, change: &Change, outcome: &Outcome) {
        match change {
            Change::CreateGroup { name, .. } => {
                if let (Ok(told), Some(key)) = (outcome, self.model.group(name))
                    && let Some(group) = self.model.groups.get_mut(&key)
                {
                    group.id = told["id"].as_str().expect("an id").to_owned();
                }
            }
            Change::AskFor { computer, groups } => self.computers[*computer].ask_for(groups),
            Change::InstallByHand { computer, update } => {
                let has = &mut self.computers[*computer].has;
                if !has.remove(update) {
                    has.insert(update.clone());
                }
            }
            Change::Restart => self.restart(),
            _ => {}
        }
        if change.takes_scans() {
            self.computers.iter_mut().for_each(|computer| computer.is_unsettled = true);
        }
    }

    fn restart(&mut self) {
        let server = self.server.take().expect("a server");
        if self.dice.roll(2) == 0 {
            server.stop()
        } else {
            server.kill()
        }
        let server = self.directory.serve(&["--admin", "127.0.0.1:0"]);
        self.administrator.reconnect(&server);
        self.computers.iter_mut().for_each(|computer| computer.move_to(&server.http));
        self.server = Some(server);
    }

    /// Lets every computer scan; the last but one only now and then, so that it hears of several
    /// changes at once.
    fn compare(&mut self, afresh: bool) {
        let offered = self.model.catalogue.offered(&self.model.declined);
        let mut differences = String::new();
        for computer in &mut self.computers {
            let is_late = computer.number == COMPUTERS - 2 && !afresh && self.dice.roll(4) > 0;
            if is_late {
                continue;
            }
            let mut checked = computer.check(&self.model, &offered);
            if afresh && checked.is_ok() {
                checked = computer.check_afresh(&self.model);
            }
            differences += &checked.err().unwrap_or_default();
        }
        if !differences.is_empty() {
            self.fail(&differences);
        }
    }

    fn fail(&self, what: &str) -> ! {
        let log: Vec<&str> = self.log.iter().map(String::as_str).collect();
        let number = self.made + self.refused;
        panic!(
            "WEIR_SEED={}: after {number} changes, the last of them\n  {}\n{what}",
            self.seed,
            log.join("\n  ")
        );
    }
}
