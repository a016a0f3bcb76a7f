//! The first scan of a new computer, stage by stage, as agents do it.
//!
//! What is installed is looked up in the oracle that the generator wrote for the machine's profile,
//! so trips and bytes are those of such a machine, while the load evaluates no rules.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use uuid::Uuid;

use crate::agent::Agent;
use crate::connection::Connection;
use crate::{Failure, Outcome, soap};

/// After so many round trips a real agent gives up.
const GIVES_UP: usize = 200;

/// A machine: what is installed on it.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    installed: HashSet<Uuid>,
}

/// What a scan took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scan {
    /// Round trips.
    pub(crate) trips: usize,
    /// Revisions that were sent.
    pub(crate) updates: usize,
    /// Bytes of the answers' bodies, as sent.
    pub(crate) bytes: usize,
    /// The numbers of what is installed and others depend on.
    pub(crate) installed: Vec<u32>,
}

impl Profile {
    /// The machine of this name, from a catalogue's oracle.
    pub(crate) fn read(catalogue: &Path, name: &str) -> Outcome<Self> {
        let oracle = fs::read_to_string(catalogue.join(format!("oracle-{name}.json")))?;
        let oracle: Value = serde_json::from_str(&oracle)?;
        let mut installed = HashSet::new();
        for list in ["detected", "installed"] {
            let ids: Vec<Uuid> = serde_json::from_value(oracle[list].clone())?;
            installed.extend(ids);
        }
        Ok(Self { installed })
    }
}

/// Scans software until nothing is left and nothing was unlocked, which may take no more trips
/// than a real agent makes.
pub(crate) async fn first_scan(
    agent: &mut Agent,
    profile: &Profile,
    connection: &mut Connection,
) -> Outcome<Scan> {
    let mut scan = Scan::default();
    let (mut installed, mut others) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut decoded = Vec::new();
    loop {
        scan.trips += 1;
        if scan.trips > GIVES_UP {
            return Err("the agent gives up".into());
        }
        let answer = connection.ask(&agent.software_pass(&installed, &others)).await?;
        scan.bytes += answer.body.len();
        let text = answer.decode(&mut decoded)?;
        if answer.status() != "200" {
            return Err(answer.refusal(text));
        }
        let mut unlocks = false;
        let before = seen.len();
        for update in soap::elements(text, "UpdateInfo") {
            let revision = Revision::read(update)?;
            if !seen.insert(revision.id) {
                return Err(Failure::from(format!("{} was sent twice", revision.id)));
            }
            unlocks |= !revision.is_leaf;
            let is_installed = profile.installed.contains(&revision.update);
            let list = if is_installed && !revision.is_leaf { &mut installed } else { &mut others };
            list.push(revision.id);
        }
        let truncated = soap::element(text, "Truncated") == Some("true");
        if truncated && seen.len() == before {
            return Err("an empty page that promises more".into());
        }
        agent.cookie = soap::element(text, "NewCookie").ok_or("no cookie")?.to_owned();
        if !truncated && !unlocks {
            return Ok(Scan { updates: seen.len(), installed, ..scan });
        }
        installed.sort_unstable();
        others.sort_unstable();
    }
}

/// What decides of a revision what the agent asks next.
struct Revision {
    id: u32,
    update: Uuid,
    is_leaf: bool,
}

impl Revision {
    /// Reads an `UpdateInfo`, whose fragment begins with the update's identity.
    fn read(info: &str) -> Outcome<Self> {
        let (_, identity) = info.split_once("UpdateIdentity UpdateID=\"").ok_or("no identity")?;
        let update = identity.get(..36).ok_or("a short identity")?.parse()?;
        let id = soap::element(info, "ID").ok_or("no id")?.parse()?;
        Ok(Self { id, update, is_leaf: soap::element(info, "IsLeaf") == Some("true") })
    }
}
