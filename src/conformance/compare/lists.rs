//! Lists whose order means nothing: compared as multisets, keyed by what the items are.
//!
//! A real server's order of updates follows none of their properties and differs between two
//! runs, and a client works through the whole list before it acts.

use std::collections::HashMap;

use super::super::carry::{fragment_identity, global_identity, revision_id};
use super::super::tree::Tree;
use super::message::Walk;
use super::{Difference, Freedom};
use crate::wire::types::{RevisionId, UpdateIdentity};
use crate::wire::xml::{Events, Limits, Node};

/// Whether the children of `parent/local` have no order.
pub(super) fn is_unordered(parent: &str, local: &str) -> bool {
    match local {
        "NewUpdates"
        | "NewRevisions"
        | "ChangedUpdates"
        | "Updates"
        | "FileLocations"
        | "OutOfScopeRevisionIDs"
        | "DeployedOutOfScopeRevisionIds" => true,
        // The list and its rows have the same name.
        "RefreshCacheResult" => parent == "RefreshCacheResponse",
        _ => false,
    }
}

/// Pairs the items of two lists and compares each pair.
pub(super) fn compare(walk: &mut Walk<'_>, recorded: &Tree, got: &Tree) -> Result<(), Difference> {
    let theirs: Vec<String> = recorded
        .children
        .iter()
        .map(|item| key(item, |id| walk.carry.recorded_identity(id)))
        .collect();
    let ours = got.children.iter().map(|item| key(item, |id| walk.carry.live_identity(id)));
    let mut unpaired: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, key) in ours.enumerate() {
        unpaired.entry(key).or_default().push(at);
    }
    // Several items of one key pair off in order, so the first is taken from the front.
    unpaired.values_mut().for_each(|places| places.reverse());

    let mut previous = None;
    for (item, key) in recorded.children.iter().zip(&theirs) {
        let Some(at) = unpaired.get_mut(key).and_then(Vec::pop) else {
            let step = format!("{}[{key}]", item.local);
            return Err(walk.difference_at(&step, Some(key), None, "the list lacks this item"));
        };
        if previous.is_some_and(|previous| previous > at) {
            walk.freedoms.insert(Freedom::Order);
        }
        previous = Some(at);
        if let Some(ours) = got.children.get(at) {
            walk.element(&recorded.local, item, ours, Some(key))?;
        }
    }
    let surplus = unpaired.iter().filter_map(|(key, places)| Some((places.last()?, key)));
    match surplus.min() {
        None => Ok(()),
        Some((&at, key)) => {
            let local = got.children.get(at).map_or("", |item| item.local.as_str());
            let step = format!("{local}[{key}]");
            Err(walk.difference_at(&step, None, Some(key), "an item too many in the list"))
        }
    }
}

/// What an item is, in terms that both servers share as far as the dialogue tells.
fn key(item: &Tree, identity: impl Fn(RevisionId) -> Option<UpdateIdentity>) -> String {
    let named = |text: Option<&str>| -> String {
        let text = text.unwrap_or_default();
        match revision_id(text).and_then(&identity) {
            Some(identity) => identity.to_string(),
            None => format!("id {text}"),
        }
    };
    match item.local.as_str() {
        "UpdateInfo" => match item.child("Xml").and_then(|xml| fragment_identity(&xml.text)) {
            Some(identity) => identity.to_string(),
            None => named(item.child_text("ID")),
        },
        "Update" => {
            let fragment = item.child("Xml").map_or("", |xml| xml.text.as_str());
            format!("{} {}", named(item.child_text("ID")), fragment_kind(fragment))
        }
        "RefreshCacheResult" => match global_identity(item) {
            Some(identity) => identity.to_string(),
            None => named(item.child_text("RevisionID")),
        },
        "UpdateIdentity" => {
            let part = |name| item.child_text(name).unwrap_or_default().to_ascii_lowercase();
            format!("{}/{}", part("UpdateID"), part("RevisionNumber"))
        }
        "FileLocation" => item.child_text("FileDigest").unwrap_or_default().to_owned(),
        _ => named(Some(item.text.trim())),
    }
}

/// Which of a revision's fragments this is: the name of its first element, and the language of a
/// localised one.
fn fragment_kind(fragment: &str) -> String {
    let mut events = Events::new(fragment, Limits::DOCUMENT);
    let Ok(Node::Start(first)) = events.advance() else { return "text".to_owned() };
    let name = first.local().to_owned();
    if name != "LocalizedProperties" {
        return name;
    }
    match (events.advance(), events.advance()) {
        (Ok(Node::Start(language)), Ok(Node::Text(text))) if language.local() == "Language" => {
            format!("{name} {text}")
        }
        _ => name,
    }
}
