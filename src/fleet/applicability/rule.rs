//! One rule with the rules in it: reading, and what it comes to on a machine.

use super::attributes::{Attributes, Unfit};
use super::driver::{self, DriverRule};
use super::file::FileRule;
use super::package::PackageRule;
use super::patch::{self, State, Subject};
use super::product::ProductRule;
use super::reach::Reach;
use super::registry::{Key, RegistryRule};
use super::release::ReleaseRule;
use super::system::SystemRule;
use super::wmi::Query;
use super::{Metadata, Question, Truth};
use crate::fleet::profile::Profile;
use crate::wire::xml::{Cursor, XmlError};

/// A rule. Nesting is bounded by the XML reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Constant(bool),
    All(Box<[Rule]>),
    Any(Box<[Rule]>),
    Not(Box<Rule>),
    Loop(Box<Loop>),
    Registry(Box<RegistryRule>),
    File(Box<FileRule>),
    System(Box<SystemRule>),
    Wmi(Box<Query>),
    Product(Box<ProductRule>),
    Msi(Subject, State),
    Package(Box<PackageRule>),
    Release(Box<ReleaseRule>),
    Driver(DriverRule),
    /// Of a kind that nobody here knows, or with attributes that do not fit it.
    Unknown(Box<str>),
}

/// `RegKeyLoop`: a rule about every subkey of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loop {
    key: Key,
    true_if: Quantifier,
    rule: Rule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    Any,
    All,
    None,
}

/// The name of a rule without the prefix that stands for its schema.
pub(super) fn bare(name: &str) -> &str {
    ["b.", "m.", "d."].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

impl Rule {
    /// Reads the rules in the element that `cursor` has stepped onto, up to its end.
    pub(super) fn read_all(cursor: &mut Cursor<'_>) -> Result<Box<[Rule]>, XmlError> {
        let mut rules = Vec::new();
        while cursor.enter_child()? {
            rules.push(Self::read(cursor)?);
        }
        Ok(rules.into())
    }

    /// Reads the rule that `cursor` has stepped onto, up to its end.
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, XmlError> {
        let full_name = cursor.local().to_owned();
        let name = bare(&full_name);
        let rule = match name {
            "And" => return Ok(Self::All(Self::read_all(cursor)?)),
            "Or" => return Ok(Self::Any(Self::read_all(cursor)?)),
            "Not" => return Ok(Self::Not(Box::new(one_of(Self::read_all(cursor)?)))),
            "RegKeyLoop" => Loop::read(cursor)?,
            _ => match ProductRule::read_parts(name, cursor)? {
                Some(rule) => rule.map(|rule| Self::Product(Box::new(rule))),
                None => {
                    let from = cursor.element().map(Attributes::of);
                    let rule = from.map(|from| Self::read_plain(name, &from));
                    cursor.skip()?;
                    rule.unwrap_or(Ok(None)).map(|rule| {
                        rule.unwrap_or_else(|| Self::Unknown(printable(&full_name).into()))
                    })
                }
            },
        };
        Ok(rule.unwrap_or_else(|Unfit(attribute)| {
            Self::Unknown(format!("{}/@{attribute}", printable(&full_name)).into())
        }))
    }

    /// Reads a rule that has no children; none if its name is not known.
    fn read_plain(name: &str, from: &Attributes<'_>) -> Result<Option<Self>, Unfit> {
        if let Some(rule) = RegistryRule::read(name, from) {
            return Ok(Some(Self::Registry(Box::new(rule?))));
        }
        if let Some(rule) = FileRule::read(name, from) {
            return Ok(Some(Self::File(Box::new(rule?))));
        }
        if let Some(rule) = ProductRule::read(name, from) {
            return Ok(Some(Self::Product(Box::new(rule?))));
        }
        if let Some(rule) = SystemRule::read(name, from) {
            return Ok(Some(Self::System(Box::new(rule?))));
        }
        if let Some(rule) = PackageRule::read(name, from) {
            return Ok(Some(Self::Package(Box::new(rule?))));
        }
        if let Some(rule) = ReleaseRule::read(name, from) {
            return Ok(Some(Self::Release(Box::new(rule?))));
        }
        if let Some((subject, state)) = patch::rule(name) {
            return Ok(Some(Self::Msi(subject, state)));
        }
        if let Some(rule) = DriverRule::read(name) {
            return Ok(Some(Self::Driver(rule)));
        }
        Ok(match name {
            "True" => Some(Self::Constant(true)),
            "False" => Some(Self::Constant(false)),
            "WmiQuery" => Some(Self::Wmi(Box::new(Query::read(from)?))),
            _ => None,
        })
    }

    /// What it comes to.
    pub(super) fn holds(&self, question: Question<'_>) -> Truth {
        match self {
            Self::Constant(holds) => (*holds).into(),
            Self::All(rules) => Truth::all(rules.iter().map(|rule| rule.holds(question))),
            Self::Any(rules) => Truth::any(rules.iter().map(|rule| rule.holds(question))),
            Self::Not(rule) => !rule.holds(question),
            Self::Loop(rule) => rule.holds(question),
            Self::Registry(rule) => rule.holds(question),
            Self::File(rule) => rule.holds(question),
            Self::System(rule) => rule.holds(question),
            Self::Wmi(query) => query.holds(question.machine),
            Self::Product(rule) => rule.holds(question.machine),
            Self::Msi(subject, state) => patch::holds(*subject, *state, question),
            Self::Package(rule) => rule.holds(question),
            Self::Release(rule) => rule.holds(question.machine),
            Self::Driver(rule) => rule.holds(&question.metadata.drivers, question.machine),
            Self::Unknown(_) => Truth::Unknown,
        }
    }

    /// How near the machine is to the rule being `wanted`, if that is not so already.
    pub(super) fn reach(&self, wanted: bool, question: Question<'_>) -> Reach {
        if self.holds(question) == Truth::from(wanted) {
            return Reach::Near;
        }
        let of_each = |rules: &[Rule]| {
            let each = rules.iter().map(|rule| rule.reach(wanted, question));
            each.collect::<Vec<_>>()
        };
        let farthest = |reach: Vec<Reach>| reach.into_iter().min().unwrap_or(Reach::Never);
        let nearest = |reach: Vec<Reach>| reach.into_iter().max().unwrap_or(Reach::Never);
        match self {
            Self::All(rules) if wanted => farthest(of_each(rules)),
            Self::All(rules) => nearest(of_each(rules)),
            Self::Any(rules) if wanted => nearest(of_each(rules)),
            Self::Any(rules) => farthest(of_each(rules)),
            Self::Not(rule) => rule.reach(!wanted, question),
            Self::Registry(rule) => rule.reach(wanted, question),
            Self::File(rule) => rule.reach(wanted, question),
            Self::Product(rule) => rule.reach(wanted, question.machine),
            Self::Msi(subject, state) => patch::reach(*subject, *state, question),
            Self::Package(rule) => rule.reach(question),
            Self::Release(rule) => rule.reach(wanted, question.machine),
            Self::Driver(DriverRule::Installed) if wanted => {
                driver::reach(&question.metadata.drivers, question.machine)
            }
            _ => Reach::Never,
        }
    }

    /// Changes the machine so that the rule becomes `wanted`, as far as that can be done.
    pub(super) fn establish(&self, wanted: bool, metadata: &Metadata, machine: &mut Profile) {
        let question = Question { metadata, ..Question::about(machine) };
        if self.holds(question) == Truth::from(wanted) {
            return;
        }
        match self {
            Self::All(rules) if wanted => establish_all(rules, wanted, metadata, machine),
            Self::Any(rules) if !wanted => establish_all(rules, wanted, metadata, machine),
            Self::All(rules) | Self::Any(rules) => {
                // The first of the nearest: `max_by_key` would find the last.
                let nearest = rules.iter().rev().max_by_key(|rule| rule.reach(wanted, question));
                if let Some(rule) = nearest {
                    rule.establish(wanted, metadata, machine);
                }
            }
            Self::Not(rule) => rule.establish(!wanted, metadata, machine),
            Self::Registry(rule) => rule.establish(wanted, machine),
            Self::File(rule) => rule.establish(wanted, machine),
            Self::Product(rule) => rule.establish(wanted, machine),
            Self::Msi(subject, State::Installed) => {
                patch::establish(*subject, wanted, metadata, machine);
            }
            Self::Package(rule) => rule.establish(wanted, metadata, machine),
            Self::Release(rule) => rule.establish(wanted, machine),
            Self::Driver(DriverRule::Installed) if wanted => {
                driver::establish(&metadata.drivers, machine);
            }
            _ => {}
        }
    }

    /// The first rule in it that is not as `wanted`.
    pub(super) fn obstacle<'r>(&'r self, wanted: bool, question: Question<'_>) -> Option<&'r Rule> {
        if self.holds(question) == Truth::from(wanted) {
            return None;
        }
        match self {
            Self::Not(rule) => rule.obstacle(!wanted, question),
            Self::All(rules) | Self::Any(rules) => {
                let within = rules.iter().find_map(|rule| rule.obstacle(wanted, question));
                within.or(Some(self))
            }
            _ => Some(self),
        }
    }

    /// Names of the unknown rules in it.
    pub(super) fn unknown<'r>(&'r self, names: &mut Vec<&'r str>) {
        match self {
            Self::All(rules) | Self::Any(rules) => {
                rules.iter().for_each(|rule| rule.unknown(names));
            }
            Self::Not(rule) => rule.unknown(names),
            Self::Loop(rule) => rule.rule.unknown(names),
            Self::Unknown(name) => names.push(name),
            _ => {}
        }
    }
}

fn establish_all(rules: &[Rule], wanted: bool, metadata: &Metadata, machine: &mut Profile) {
    for rule in rules {
        rule.establish(wanted, metadata, machine);
    }
}

/// One rule for several, all of which have to hold for it.
fn one_of(rules: Box<[Rule]>) -> Rule {
    let mut rules = rules.into_vec();
    if rules.len() == 1 { rules.remove(0) } else { Rule::Any(rules.into()) }
}

/// A name that can stand in a report, however hostile its source.
fn printable(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_graphic()).take(64).collect()
}

impl Loop {
    fn read(cursor: &mut Cursor<'_>) -> Result<Result<Rule, Unfit>, XmlError> {
        let head = cursor.element().map_or(Err(Unfit("Key")), |element| {
            let from = Attributes::of(element);
            let true_if = match from.required("TrueIf")?.trim() {
                "Any" => Quantifier::Any,
                "All" => Quantifier::All,
                "None" => Quantifier::None,
                _ => return Err(Unfit("TrueIf")),
            };
            Ok((Key::read(&from)?, true_if))
        });
        let rule = Rule::All(Rule::read_all(cursor)?);
        Ok(head.map(|(key, true_if)| Rule::Loop(Box::new(Self { key, true_if, rule }))))
    }

    fn holds(&self, question: Question<'_>) -> Truth {
        let key = self.key.on(question);
        let mut subkeys: Vec<&str> = question.machine.registry.below(&key).collect();
        subkeys.iter_mut().for_each(|key| *key = key.split('\\').next().unwrap_or(key));
        subkeys.dedup();
        let truths = subkeys.into_iter().map(|subkey| {
            let target = format!(r"{key}\{subkey}");
            self.rule.holds(Question { loop_target: Some(&target), ..question })
        });
        match self.true_if {
            Quantifier::Any => Truth::any(truths),
            Quantifier::All => Truth::all(truths),
            Quantifier::None => !Truth::any(truths),
        }
    }
}
