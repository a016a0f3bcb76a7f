//! What a page may not do to a store, and what the store makes of what it has.

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::fleet::library::Library;

/// A machine on which `Alpha` is installed and nothing else.
fn machine() -> Profile {
    let json = r#"{"name": "a-1", "os": {"major": 10, "minor": 0, "build": 19045, "revision": 1,
        "product_type": 1, "suite": 256}, "architecture": "x64", "language": "en"}"#;
    Profile::read(json).unwrap()
}

const INSTALLED: &str = "<IsInstalled><True /></IsInstalled>";
const INSTALLABLE: &str =
    "<IsInstalled><False /></IsInstalled><IsInstallable><True /></IsInstallable>";

const UNKNOWN: &str = "<IsInstalled><b.NoSuchRule /></IsInstalled>\
    <IsInstallable><True /></IsInstallable>";

fn update(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A revision for a page.
struct Draft {
    id: u32,
    update: u128,
    revision: u32,
    relations: String,
    rules: &'static str,
    is_leaf: bool,
    action: Action,
    properties: &'static str,
}

impl Draft {
    fn new(number: u32) -> Self {
        Self {
            id: number,
            update: number.into(),
            revision: 1,
            relations: String::new(),
            rules: INSTALLABLE,
            is_leaf: true,
            action: Action::PreDeploymentCheck,
            properties: "UpdateType=\"Software\"",
        }
    }

    fn needs(mut self, updates: &[u128]) -> Self {
        for number in updates {
            let id = update(*number);
            self.relations += &format!("<UpdateIdentity UpdateID=\"{id}\" />");
        }
        self.relations = format!("<Prerequisites>{}</Prerequisites>", self.relations);
        self
    }

    /// One clause of which any member will do.
    fn bundles(mut self, updates: &[u128]) -> Self {
        let members = updates.iter().map(|number| {
            format!("<UpdateIdentity UpdateID=\"{}\" RevisionNumber=\"1\" />", update(*number))
        });
        let members: String = members.collect();
        self.relations +=
            &format!("<BundledUpdates><AtLeastOne>{members}</AtLeastOne></BundledUpdates>");
        self.rules = "";
        self
    }

    fn info(&self, library: &Library) -> UpdateInfo {
        let Self { revision, relations, rules, properties, .. } = self;
        let id = update(self.update);
        let rules = match *rules {
            "" => String::new(),
            rules => format!("<ApplicabilityRules>{rules}</ApplicabilityRules>"),
        };
        let text = format!(
            "<UpdateIdentity UpdateID=\"{id}\" RevisionNumber=\"{revision}\" />\
             <Properties {properties} />\
             <Relationships>{relations}</Relationships>{rules}"
        );
        UpdateInfo {
            id: self.id,
            deployment: Deployment { id: self.id, action: self.action },
            is_leaf: self.is_leaf,
            core: Some(library.core(&text).unwrap()),
        }
    }
}

fn root(number: u32) -> Draft {
    Draft { rules: INSTALLED, is_leaf: false, action: Action::Evaluate, ..Draft::new(number) }
}

/// Takes pages in one after the other; what is complained of is returned by rule.
fn store(pages: &[Vec<Draft>]) -> (Datastore, Vec<Rule>) {
    let library = Library::default();
    let mut store = Datastore::default();
    let mut rules = Vec::new();
    for page in pages {
        let new = page.iter().map(|draft| draft.info(&library)).collect();
        let page = SyncInfo { new, ..SyncInfo::default() };
        store.merge(&page, Half::Software, &machine(), |complaint| rules.push(complaint.rule));
        store.settle();
    }
    store.inspect(|complaint| rules.push(complaint.rule));
    (store, rules)
}

fn standing(store: &Datastore, number: u128) -> Standing {
    store.update(&update(number)).expect("cached").1.standing
}

#[test]
fn revisions_come_after_what_they_need() {
    let (staged, rules) = store(&[vec![root(1)], vec![Draft::new(2).needs(&[1])]]);
    assert_eq!(rules, []);
    assert_eq!(standing(&staged, 2), Standing::Installable);
    assert_eq!(staged.installed_non_leaf(), [1]);
    assert_eq!(staged.other_cached(), [2]);
    let (_, rules) = store(&[vec![root(1), Draft::new(2).needs(&[1])]]);
    assert_eq!(rules, [Rule::PrerequisiteLate], "in one page");
    let absent = Draft { rules: INSTALLABLE, ..root(1) };
    let (store, rules) = store(&[vec![absent], vec![Draft::new(2).needs(&[1])]]);
    assert_eq!(rules, [Rule::PrerequisiteLate], "what it needs is not installed");
    assert_eq!(standing(&store, 2), Standing::NotApplicable);
}

#[test]
fn nothing_comes_twice() {
    let (_, rules) = store(&[vec![root(1)], vec![root(1)]]);
    assert_eq!(rules, [Rule::UpdateTwice]);
    let other = Draft { id: 2, revision: 2, ..root(1) };
    let (_, rules) = store(&[vec![root(1), other]]);
    assert_eq!(rules, [Rule::TwoRevisions]);
}

#[test]
fn a_newer_revision_may_take_the_place_of_one_that_goes() {
    let library = Library::default();
    let (mut store, _) = store(&[vec![root(1)]]);
    let newer = Draft { id: 9, revision: 2, ..root(1) }.info(&library);
    let page = SyncInfo { new: vec![newer], out_of_scope: vec![1], ..SyncInfo::default() };
    let merged = store.merge(&page, Half::Software, &machine(), |complaint| panic!("{complaint}"));
    assert_eq!(merged, Merged { new: 1, non_leaf: 1 });
    assert_eq!(store.installed_non_leaf(), [9]);
}

#[test]
fn only_what_is_cached_can_change_or_go() {
    let library = Library::default();
    let (mut store, _) = store(&[vec![root(1)]]);
    let changed = |id| UpdateInfo { core: None, ..Draft { id, ..Draft::new(1) }.info(&library) };
    let page = SyncInfo {
        changed: vec![changed(1), changed(7)],
        out_of_scope: vec![8],
        deployed_out_of_scope: vec![1, 9],
        ..SyncInfo::default()
    };
    let mut whats = Vec::new();
    store.merge(&page, Half::Software, &machine(), |complaint| {
        assert_eq!(complaint.rule, Rule::UnknownRevision);
        whats.push(complaint.what);
    });
    assert_eq!(whats.len(), 3, "{whats:?}");
    let cached = store.get(1).unwrap();
    assert_eq!((cached.is_leaf, cached.deployment.action), (true, Action::PreDeploymentCheck));
}

#[test]
fn what_others_need_is_no_leaf() {
    let leaf = Draft { is_leaf: true, ..root(1) };
    let (_, rules) = store(&[vec![leaf], vec![Draft::new(2).needs(&[1])]]);
    assert!(rules.contains(&Rule::IsLeaf), "{rules:?}");
}

#[test]
fn members_come_with_their_bundle() {
    let member = |number| Draft { action: Action::Bundle, ..Draft::new(number) };
    let (_, rules) = store(&[vec![member(2), Draft::new(1).bundles(&[2])]]);
    assert_eq!(rules, []);
    let (_, rules) = store(&[vec![member(2), Draft::new(1).bundles(&[3])]]);
    assert_eq!(rules, [Rule::BundleWithoutParent]);
}

#[test]
fn members_are_no_leaves_only_if_something_needs_them() {
    let member = |number| Draft { action: Action::Bundle, is_leaf: false, ..Draft::new(number) };
    let (_, rules) = store(&[vec![member(2), Draft::new(1).bundles(&[2])]]);
    assert_eq!(rules, [Rule::IsLeaf]);
    let installed = Draft { rules: INSTALLED, ..member(2) };
    let bundle = Draft::new(1).bundles(&[2]);
    let (_, rules) = store(&[vec![installed, bundle], vec![Draft::new(3).needs(&[2])]]);
    assert_eq!(rules, []);
}

#[test]
fn an_action_fits_what_it_is_of() {
    let of = |properties, action| store(&[vec![Draft { properties, action, ..Draft::new(1) }]]).1;
    for kind in ["UpdateType=\"Category\"", "UpdateType=\"Detectoid\""] {
        assert_eq!(of(kind, Action::Evaluate), []);
        assert_eq!(of(kind, Action::PreDeploymentCheck), [Rule::Action], "{kind}");
        assert_eq!(of(kind, Action::Install), [Rule::Action], "{kind}");
    }
    let member = |properties, action| {
        let member = Draft { properties, action, ..Draft::new(2) };
        store(&[vec![member, Draft::new(1).bundles(&[2])]]).1
    };
    let hidden = "UpdateType=\"Software\"";
    let visible = "UpdateType=\"Software\" ExplicitlyDeployable=\"true\"";
    assert_eq!(member(hidden, Action::Bundle), []);
    assert_eq!(member(hidden, Action::Install), [Rule::Action]);
    assert_eq!(member(hidden, Action::PreDeploymentCheck), [Rule::Action]);
    assert_eq!(member(visible, Action::Install), [], "it may be approved for itself");
    assert_eq!(member(visible, Action::PreDeploymentCheck), [Rule::Action]);
}

#[test]
fn drivers_come_in_their_own_pass() {
    let library = Library::default();
    let rules = |half, kind| {
        let info = Draft { properties: kind, ..Draft::new(1) }.info(&library);
        let page = SyncInfo { new: vec![info], ..SyncInfo::default() };
        let mut rules = Vec::new();
        let mut store = Datastore::default();
        store.merge(&page, half, &machine(), |complaint| rules.push(complaint.rule));
        rules
    };
    let (software, driver) = ("UpdateType=\"Software\"", "UpdateType=\"Driver\"");
    assert_eq!(rules(Half::Software, software), []);
    assert_eq!(rules(Half::Drivers, driver), []);
    assert_eq!(rules(Half::Software, driver), [Rule::Pass]);
    assert_eq!(rules(Half::Drivers, software), [Rule::Pass]);
    assert_eq!(rules(Half::Drivers, "UpdateType=\"Category\""), [Rule::Pass]);
}

#[test]
fn a_bundle_stands_as_its_members_do() {
    let member = |number, rules| Draft { action: Action::Bundle, rules, ..Draft::new(number) };
    let never = "<IsInstalled><False /></IsInstalled>";
    let stands = |first, second| {
        let bundle = Draft::new(1).bundles(&[2]).bundles(&[3]);
        let (store, _) = store(&[vec![bundle, member(2, first), member(3, second)]]);
        standing(&store, 1)
    };
    assert_eq!(stands(INSTALLED, INSTALLED), Standing::Installed);
    assert_eq!(stands(INSTALLED, INSTALLABLE), Standing::Installable);
    assert_eq!(stands(INSTALLED, never), Standing::NotApplicable);
    assert_eq!(stands(INSTALLABLE, UNKNOWN), Standing::Unknown);
    // Of one clause any member will do; one that was not sent is none.
    let bundle = Draft::new(1).bundles(&[2, 4]);
    let (store, _) = store(&[vec![bundle, member(2, INSTALLED)]]);
    assert_eq!(standing(&store, 1), Standing::Installed);
}

#[test]
fn what_hangs_on_the_unknown_is_unknown() {
    let stands = |prerequisites: &[&'static str], needs: &[u128], rules| {
        let found = (2..).zip(prerequisites);
        let mut page: Vec<Draft> =
            found.map(|(number, rules)| Draft { rules, ..root(number) }).collect();
        page.push(Draft { rules, ..Draft::new(1).needs(needs) });
        standing(&store(&[page]).0, 1)
    };
    assert_eq!(stands(&[UNKNOWN], &[2], INSTALLABLE), Standing::Unknown);
    assert_eq!(stands(&[UNKNOWN, INSTALLED], &[2, 3], INSTALLED), Standing::Unknown);
    // Each is a clause of its own, and one that is not met decides.
    assert_eq!(stands(&[UNKNOWN, INSTALLABLE], &[2, 3], INSTALLED), Standing::NotApplicable);
    let never = "<IsInstalled><False /></IsInstalled>";
    assert_eq!(stands(&[UNKNOWN], &[2], never), Standing::NotApplicable);
    assert_eq!(stands(&[INSTALLED], &[2], INSTALLABLE), Standing::Installable);
}

#[test]
fn circles_end() {
    let one = Draft::new(1).bundles(&[2]);
    let other = Draft::new(2).bundles(&[1]);
    let (store, _) = store(&[vec![one, other]]);
    assert_eq!(standing(&store, 1), Standing::NotApplicable);
}

#[test]
fn refresh_cache_renumbers_and_forgets() {
    let (mut store, _) = store(&[vec![root(1), root(2)]]);
    let library = Library::default();
    let row = |id, number| {
        let info = Draft { id, update: number, ..root(1) }.info(&library);
        let core = Arc::clone(info.core.as_ref().unwrap());
        Refreshed { identity: core.identity, info: UpdateInfo { core: None, ..info } }
    };
    let mut rules = Vec::new();
    store.refresh(&[row(11, 1), row(13, 3)], |complaint| rules.push(complaint.rule));
    assert_eq!(rules, [Rule::UnknownRevision]);
    assert_eq!(store.iter().map(|(id, _)| id).collect::<Vec<_>>(), [11]);
    assert_eq!(store.update(&update(1)).map(|(id, _)| id), Some(11));
    assert!(store.update(&update(2)).is_none());
}
