//! The scan, by the agent's rules ([MS-WUSP] 3.1.5.7, 3.2.5), and what the agent keeps of it.
//!
//! A real agent fails without saying why when an answer lacks what it counts on. So what is known
//! to have broken agents is checked in every answer here, whichever test it serves.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};

use super::agent::{Agent, Cookie, element};
use super::soap::{self, CLIENT, Fault};
use super::xml;

/// Beyond this many calls a real agent gives up with 0x80244010.
const TRIPS: usize = 200;

/// A revision in the agent's cache.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    /// The number this server has for it.
    pub(crate) id: u32,
    /// In lower case.
    pub(crate) update_id: String,
    pub(crate) revision_number: u32,
    pub(crate) update_type: String,
    pub(crate) is_leaf: bool,
    pub(crate) deployment: Deployment,
    /// The Core fragment.
    pub(crate) core: String,
    /// What the agent found when it evaluated the rules.
    pub(crate) installed: bool,
    /// For each clause of the prerequisites the alternatives, in lower case.
    prerequisites: Vec<Vec<String>>,
}

/// How a revision is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployment {
    pub(crate) id: u32,
    pub(crate) action: String,
    pub(crate) deadline: Option<String>,
    pub(crate) is_assigned: bool,
    pub(crate) download_priority: Option<String>,
    pub(crate) hardware_ids: Vec<String>,
}

/// What a scan brought.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Software calls it took.
    pub(crate) trips: usize,
    /// Updates that came, in order of arrival.
    pub(crate) new: Vec<String>,
    /// Updates whose deployment or place in the graph changed.
    pub(crate) changed: Vec<String>,
    /// Updates that the agent had to forget.
    pub(crate) forgotten: Vec<String>,
}

/// A machine, as far as the agent evaluates it.
pub(crate) struct Machine<'a> {
    /// Whether the rules of a revision find it installed.
    pub(crate) installed: &'a dyn Fn(&Revision) -> bool,
    /// A hardware id for each device.
    pub(crate) devices: &'a [&'a str],
}

impl Agent {
    /// Scans software until nothing more comes, then drivers.
    pub(crate) fn scan(&mut self, machine: &Machine<'_>) -> Result<Scan, Fault> {
        let mut scan = self.scan_software(machine, &[])?;
        self.scan_drivers(machine, &mut scan)?;
        Ok(scan)
    }

    /// Scans software until nothing more comes, within these categories if there are any.
    pub(crate) fn scan_software(
        &mut self,
        machine: &Machine<'_>,
        categories: &[&str],
    ) -> Result<Scan, Fault> {
        let mut scan = Scan::default();
        for revision in self.cache.values_mut() {
            revision.installed = (machine.installed)(revision);
        }
        let categories = categories.iter();
        let filter: String = categories
            .map(|id| format!("<CategoryIdentifier><Id>{id}</Id></CategoryIdentifier>"))
            .collect();
        let filter = match filter.as_str() {
            "" => String::new(),
            filter => format!("<FilterCategoryIds>{filter}</FilterCategoryIds>"),
        };
        loop {
            scan.trips += 1;
            assert!(scan.trips <= TRIPS, "the scan does not end");
            let parameters = format!(
                "<ExpressQuery>false</ExpressQuery>{}{}<SkipSoftwareSync>false</SkipSoftwareSync>\
                 {filter}<NeedTwoGroupOutOfScopeUpdates>true</NeedTwoGroupOutOfScopeUpdates>",
                ids("InstalledNonLeafUpdateIDs", self.cached(Revision::is_installed_non_leaf)),
                ids("OtherCachedUpdateIDs", self.cached(Revision::is_other)),
            );
            if !self.sync(&parameters, machine, &mut scan)? {
                return Ok(scan);
            }
        }
    }

    /// Asks once for drivers.
    fn scan_drivers(&mut self, machine: &Machine<'_>, scan: &mut Scan) -> Result<(), Fault> {
        let devices = machine.devices.iter().map(|id| {
            let id = id.replace('&', "&amp;");
            format!("<Device><HardwareIDs><string>{id}</string></HardwareIDs></Device>")
        });
        let parameters = format!(
            "<ExpressQuery>false</ExpressQuery>{}<SystemSpec>{}</SystemSpec>{}\
             <SkipSoftwareSync>true</SkipSoftwareSync>\
             <NeedTwoGroupOutOfScopeUpdates>true</NeedTwoGroupOutOfScopeUpdates>\
             <FeatureScoreMatchingKey>AMD64.10.0</FeatureScoreMatchingKey>",
            ids("InstalledNonLeafUpdateIDs", self.cached(Revision::is_installed_non_leaf)),
            devices.collect::<String>(),
            ids("CachedDriverIDs", self.cached(Revision::is_driver)),
        );
        self.sync(&parameters, machine, scan).map(drop)
    }

    /// One call: whether the agent has to call again.
    fn sync(
        &mut self,
        parameters: &str,
        machine: &Machine<'_>,
        scan: &mut Scan,
    ) -> Result<bool, Fault> {
        let children = format!("{}<parameters>{parameters}</parameters>", self.cookie_xml());
        let text = soap::call(&mut self.connection, CLIENT, "SyncUpdates", &children)?;
        let document = Document::parse(&text).expect("XML");
        let result = element(&document, "SyncUpdatesResult");
        let satisfied = self.installed_updates();
        let truncated = xml::text(result, "Truncated") == "true";
        let mut unlocks_more = false;
        let new = xml::list(result, "NewUpdates");
        assert!(!(truncated && new.is_empty()), "an empty page that promises more");
        for info in new {
            let mut revision = Revision::read(info);
            assert!(!self.cache.contains_key(&revision.id), "sent again: {revision:?}");
            for clause in &revision.prerequisites {
                let met = clause.iter().any(|id| satisfied.contains(id));
                assert!(met, "sent before its prerequisites are installed: {revision:?}");
            }
            revision.installed = (machine.installed)(&revision);
            unlocks_more |= !revision.is_leaf;
            scan.new.push(revision.update_id.clone());
            self.cache.insert(revision.id, revision);
        }
        for info in xml::list(result, "ChangedUpdates") {
            let id = xml::text(info, "ID").parse().expect("a number");
            let revision = self.cache.get_mut(&id).expect("changed, so it is in the cache");
            revision.is_leaf = xml::text(info, "IsLeaf") == "true";
            revision.deployment = Deployment::read(info);
            scan.changed.push(revision.update_id.clone());
        }
        for id in xml::numbers(result, "OutOfScopeRevisionIDs") {
            let revision = self.cache.remove(&id).expect("out of scope, so it was in the cache");
            scan.forgotten.push(revision.update_id);
        }
        for id in xml::numbers(result, "DeployedOutOfScopeRevisionIds") {
            assert!(self.cache.contains_key(&id), "set aside, so it is in the cache");
        }
        self.cookie = Cookie::read(xml::child(result, "NewCookie").expect("a cookie"));
        Ok(truncated || unlocks_more)
    }

    /// The cached revision of an update.
    pub(crate) fn revision(&self, update_id: &str) -> Option<&Revision> {
        self.cache.values().find(|revision| revision.update_id == update_id)
    }

    /// The action that an update is deployed with; panics when it is not in the cache.
    pub(crate) fn action(&self, update_id: &str) -> &str {
        let revision = self.revision(update_id);
        &revision.unwrap_or_else(|| panic!("{update_id} was not sent")).deployment.action
    }

    fn cached(&self, wanted: impl Fn(&Revision) -> bool) -> Vec<u32> {
        let wanted = self.cache.values().filter(|revision| wanted(revision));
        wanted.map(|revision| revision.id).collect()
    }

    fn installed_updates(&self) -> BTreeSet<String> {
        let installed = self.cache.values().filter(|revision| revision.is_installed_non_leaf());
        installed.map(|revision| revision.update_id.clone()).collect()
    }
}

impl Revision {
    fn read(info: Node<'_, '_>) -> Self {
        assert_eq!(xml::names(info), ["ID", "Deployment", "IsLeaf", "Xml"]);
        let fragment = xml::text(info, "Xml");
        let core = xml::rooted(&fragment);
        let core = Document::parse(&core).expect("a well-formed fragment");
        let core = core.root_element();
        let identity = xml::child(core, "UpdateIdentity").expect("an identity");
        let properties = xml::child(core, "Properties").expect("properties");
        let attribute = |node: Node<'_, '_>, name: &str| {
            node.attribute(name).unwrap_or_else(|| panic!("no {name}")).to_owned()
        };
        let relationships = xml::child(core, "Relationships");
        let prerequisites =
            relationships.map(|node| xml::list(node, "Prerequisites")).unwrap_or_default();
        let clause = |node: &Node<'_, '_>| {
            let ids = node.descendants().filter(|node| node.tag_name().name() == "UpdateIdentity");
            ids.map(|node| attribute(node, "UpdateID").to_lowercase()).collect()
        };
        Self {
            id: xml::text(info, "ID").parse().expect("a number"),
            update_id: attribute(identity, "UpdateID").to_lowercase(),
            revision_number: attribute(identity, "RevisionNumber").parse().expect("a number"),
            update_type: attribute(properties, "UpdateType"),
            is_leaf: xml::text(info, "IsLeaf") == "true",
            deployment: Deployment::read(info),
            core: fragment,
            installed: false,
            prerequisites: prerequisites.iter().map(clause).collect(),
        }
    }

    /// The same revision as another server knows it, from a row of RefreshCache.
    pub(crate) fn refreshed(self, row: Node<'_, '_>) -> Self {
        Self {
            id: xml::text(row, "RevisionID").parse().expect("a number"),
            is_leaf: xml::text(row, "IsLeaf") == "true",
            deployment: Deployment::read(row),
            ..self
        }
    }

    fn is_driver(&self) -> bool {
        self.update_type == "Driver"
    }

    fn is_installed_non_leaf(&self) -> bool {
        self.installed && !self.is_leaf && !self.is_driver()
    }

    fn is_other(&self) -> bool {
        !self.is_installed_non_leaf() && !self.is_driver()
    }
}

impl Deployment {
    fn read(info: Node<'_, '_>) -> Self {
        let node = xml::child(info, "Deployment").expect("a deployment; agents die without");
        let names = xml::names(node);
        let optional = ["Deadline", "DownloadPriority", "HardwareIds"];
        let fixed = names.iter().filter(|name| !optional.contains(&name.as_str()));
        let fixed: Vec<_> = fixed.map(String::as_str).collect();
        let expected = [
            "ID",
            "Action",
            "IsAssigned",
            "LastChangeTime",
            "AutoSelect",
            "AutoDownload",
            "SupersedenceBehavior",
        ];
        assert_eq!(fixed, expected);
        assert!(!names[..2].iter().chain(&names[3..]).any(|name| name == "Deadline"));
        // A date and nothing else: a time fails agents with 80070057.
        let date: Vec<usize> = xml::text(node, "LastChangeTime").split('-').map(str::len).collect();
        assert_eq!(date, [4, 2, 2]);
        let hardware_ids = xml::list(node, "HardwareIds").into_iter();
        let optional_text =
            |name| xml::child(node, name).map(|it| it.text().unwrap_or("").to_owned());
        Self {
            id: xml::text(node, "ID").parse().expect("a number"),
            action: xml::text(node, "Action"),
            deadline: optional_text("Deadline"),
            is_assigned: xml::text(node, "IsAssigned") == "true",
            download_priority: optional_text("DownloadPriority"),
            hardware_ids: hardware_ids.map(|id| id.text().unwrap_or("").to_owned()).collect(),
        }
    }
}

/// A list of ids; agents leave out an empty one.
fn ids(name: &str, ids: Vec<u32>) -> String {
    if ids.is_empty() {
        return String::new();
    }
    let ids: String = ids.iter().map(|id| format!("<int>{id}</int>")).collect();
    format!("<{name}>{ids}</{name}>")
}
