//! Two messages side by side, top-down, to the first difference.

use std::collections::{BTreeSet, HashMap};

use super::super::carry::Carry;
use super::super::tree::Tree;
use super::lists;
use super::ruling::{self, Ruling};
use super::{Difference, Freedom};

/// A walk through two messages.
pub(super) struct Walk<'a> {
    pub(super) carry: &'a Carry,
    pub(super) freedoms: &'a mut BTreeSet<Freedom>,
    path: Vec<String>,
}

/// Compares two messages; notes the freedoms used.
pub(super) fn compare(
    recorded: &Tree,
    got: &Tree,
    carry: &Carry,
    freedoms: &mut BTreeSet<Freedom>,
) -> Result<(), Difference> {
    let mut walk = Walk { carry, freedoms, path: Vec::new() };
    walk.element("", recorded, got, None)
}

impl Walk<'_> {
    /// Compares two elements in the same place. `key` tells apart siblings of one name.
    pub(super) fn element(
        &mut self,
        parent: &str,
        recorded: &Tree,
        got: &Tree,
        key: Option<&str>,
    ) -> Result<(), Difference> {
        let step = |tree: &Tree| match key {
            Some(key) => format!("{}[{key}]", tree.local),
            None => tree.local.clone(),
        };
        self.path.push(step(recorded));
        if recorded.local != got.local {
            return Err(self.difference(
                Some(&recorded.local),
                Some(&got.local),
                "another element",
            ));
        }
        if recorded.namespace != got.namespace {
            let (theirs, ours) = (Some(&*recorded.namespace), Some(&*got.namespace));
            return Err(self.difference(theirs, ours, "another namespace"));
        }
        self.attributes(recorded, got)?;
        if recorded.children.is_empty() && got.children.is_empty() {
            self.text(parent, recorded, got)?;
        } else if lists::is_unordered(parent, &recorded.local) {
            lists::compare(self, recorded, got)?;
        } else {
            self.children(recorded, got)?;
        }
        self.path.pop();
        Ok(())
    }

    /// A difference at the current path.
    pub(super) fn difference(
        &self,
        recorded: Option<&str>,
        got: Option<&str>,
        why: &str,
    ) -> Difference {
        Difference::new(format!("/{}", self.path.join("/")), recorded, got, why)
    }

    /// A difference one step below the current path.
    pub(super) fn difference_at(
        &mut self,
        step: &str,
        recorded: Option<&str>,
        got: Option<&str>,
        why: &str,
    ) -> Difference {
        self.path.push(step.to_owned());
        self.difference(recorded, got, why)
    }

    fn attributes(&mut self, recorded: &Tree, got: &Tree) -> Result<(), Difference> {
        if recorded.attributes == got.attributes {
            return Ok(());
        }
        let value = |tree: &Tree, name: &str| tree.attribute(name).map(str::to_owned);
        let names = recorded.attributes.iter().chain(&got.attributes).map(|(name, _)| name);
        for name in names {
            let (theirs, ours) = (value(recorded, name), value(got, name));
            if theirs != ours {
                let step = format!("@{name}");
                let why = "another attribute value";
                return Err(self.difference_at(&step, theirs.as_deref(), ours.as_deref(), why));
            }
        }
        Ok(())
    }

    fn text(&mut self, parent: &str, recorded: &Tree, got: &Tree) -> Result<(), Difference> {
        if recorded.local == "Xml" {
            return self.fragment(&recorded.text, &got.text);
        }
        let (theirs, ours) = (recorded.text.trim(), got.text.trim());
        match ruling::on_text(parent, &recorded.local, theirs, ours, self.carry) {
            Ruling::Same => Ok(()),
            Ruling::Free(freedom) => {
                self.freedoms.insert(freedom);
                Ok(())
            }
            Ruling::Broken(why) => Err(self.difference(Some(theirs), Some(ours), why)),
        }
    }

    /// Fragments are stored by clients as they are, so they have to be the same bytes; the
    /// elements in them are compared only to say where they are not.
    fn fragment(&mut self, recorded: &str, got: &str) -> Result<(), Difference> {
        if recorded == got {
            return Ok(());
        }
        let parsed = (Tree::parse_fragment(recorded), Tree::parse_fragment(got));
        if let (Ok(theirs), Ok(ours)) = parsed {
            self.siblings(&theirs.iter().collect::<Vec<_>>(), &ours.iter().collect::<Vec<_>>())?;
        }
        let why = super::unequal_bytes(recorded.as_bytes(), got.as_bytes());
        let shared = recorded.chars().zip(got.chars()).take_while(|(theirs, ours)| theirs == ours);
        let skip = shared.count().saturating_sub(40);
        let from = |text: &str| text.chars().skip(skip).take(120).collect::<String>();
        Err(self.difference(Some(&from(recorded)), Some(&from(got)), &why))
    }

    fn children(&mut self, recorded: &Tree, got: &Tree) -> Result<(), Difference> {
        let (mut theirs, mut ours): (Vec<&Tree>, Vec<&Tree>) =
            (recorded.children.iter().collect(), got.children.iter().collect());
        if recorded.local == "Properties" {
            // The share belongs to one server, and agents do without.
            let share = |list: &mut Vec<&Tree>| -> Option<String> {
                let at = list.iter().position(|item| ruling::is_package_server_share(item))?;
                list.remove(at).child_text("Value").map(str::to_owned)
            };
            if share(&mut theirs) != share(&mut ours) {
                self.freedoms.insert(Freedom::PackageServerShare);
            }
        }
        self.siblings(&theirs, &ours)
    }

    fn siblings(&mut self, recorded: &[&Tree], got: &[&Tree]) -> Result<(), Difference> {
        let parent = self.path.last().map_or("", |step| step.split('[').next().unwrap_or(step));
        let parent = parent.to_owned();
        let mut places = Places::of(recorded);
        for at in 0..recorded.len().max(got.len()) {
            match (recorded.get(at), got.get(at)) {
                (Some(theirs), Some(ours)) if theirs.local == ours.local => {
                    let key = places.next(&theirs.local);
                    self.element(&parent, theirs, ours, key.as_deref())?;
                }
                (theirs, ours) => return Err(self.misplaced(theirs, ours, recorded, got)),
            }
        }
        Ok(())
    }

    /// Says whether an element is lost, added, or only in another place.
    fn misplaced(
        &mut self,
        theirs: Option<&&Tree>,
        ours: Option<&&Tree>,
        recorded: &[&Tree],
        got: &[&Tree],
    ) -> Difference {
        let count = |list: &[&Tree], tree: &Tree| {
            list.iter().filter(|other| other.local == tree.local).count()
        };
        let missing = theirs.filter(|tree| count(got, tree) < count(recorded, tree));
        let added = ours.filter(|tree| count(got, tree) > count(recorded, tree));
        let (theirs, ours) = (theirs.map(|tree| &*tree.local), ours.map(|tree| &*tree.local));
        match (missing, added) {
            (Some(tree), _) => {
                self.difference_at(&tree.local, Some(&tree.local), None, "the element is missing")
            }
            (None, Some(tree)) => {
                self.difference_at(&tree.local, None, Some(&tree.local), "an element too many")
            }
            (None, None) => {
                let step = theirs.unwrap_or_default();
                self.difference_at(step, theirs, ours, "the elements are in another order")
            }
        }
    }
}

/// Numbers siblings of one name: how many there are, and how many were passed.
struct Places<'a>(HashMap<&'a str, (usize, usize)>);

impl<'a> Places<'a> {
    fn of(siblings: &[&'a Tree]) -> Self {
        let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
        for tree in siblings {
            counts.entry(&tree.local).or_default().0 += 1;
        }
        Self(counts)
    }

    /// `2` for the second of several; none for an only one.
    fn next(&mut self, local: &str) -> Option<String> {
        let (total, passed) = self.0.get_mut(local)?;
        *passed += 1;
        (*total > 1).then(|| passed.to_string())
    }
}
