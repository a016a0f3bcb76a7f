//! What a dialogue carries from answers into later requests.
//!
//! A recorded request quotes its server: cookies that the server sealed, numbers that it gave to
//! revisions, the moment its configuration last changed. Another server does not know them, so
//! they are replaced by what that server itself said in the same place of the dialogue. Revision
//! ids are joined over `UpdateIdentity`, the only name of a revision that two servers share.

use std::collections::HashMap;

use uuid::Uuid;

use super::tree::{Edits, Tree};
use crate::wire::types::{RevisionId, UpdateIdentity};
use crate::wire::xml::{Events, Limits, Node, XmlError};

/// Lists of revision ids in requests ([MS-WUSP] 2.2.2.2.4 and 2.2.2.2.6).
const REVISION_LISTS: [&str; 4] =
    ["InstalledNonLeafUpdateIDs", "OtherCachedUpdateIDs", "CachedDriverIDs", "revisionIDs"];

/// Anchors in requests ([MS-WSUSSS] 3.1.4.4, 3.1.4.5 and 3.1.4.10).
const SENT_ANCHORS: [&str; 4] = ["Anchor", "configAnchor", "deploymentAnchor", "syncAnchor"];

/// The state of one dialogue being replayed.
#[derive(Debug, Default)]
pub struct Carry {
    cookie: Option<LiveCookie>,
    authorization: Option<String>,
    last_change: HashMap<String, String>,
    anchors: HashMap<String, String>,
    recorded: HashMap<RevisionId, UpdateIdentity>,
    live: HashMap<UpdateIdentity, RevisionId>,
    live_identities: HashMap<RevisionId, UpdateIdentity>,
}

#[derive(Debug)]
struct LiveCookie {
    expiration: Option<String>,
    encrypted_data: String,
}

impl Carry {
    /// Takes note of a recorded answer and of what the server under test answered instead.
    pub fn learn(&mut self, recorded: &Tree, live: &Tree) {
        for (id, identity) in revisions(recorded) {
            self.recorded.insert(id, identity);
        }
        if let (Some(theirs), Some(ours)) =
            (configuration_change(recorded), configuration_change(live))
        {
            self.last_change.insert(theirs.to_owned(), ours.to_owned());
        }
        self.anchors.extend(anchors(recorded).into_iter().zip(anchors(live)));
        self.learn_live(live);
    }

    /// Takes note of an answer to which there is no recorded one.
    pub fn learn_live(&mut self, live: &Tree) {
        // The first id of a revision stays, and the first revision of an id: a server that later
        // says otherwise is at fault, and the comparison must be able to tell.
        for (id, identity) in revisions(live) {
            self.live.entry(identity).or_insert(id);
            self.live_identities.entry(id).or_insert(identity);
        }
        self.learn_cookies(live);
    }

    /// The revision that the recorded server called `id`.
    pub fn recorded_identity(&self, id: RevisionId) -> Option<UpdateIdentity> {
        self.recorded.get(&id).copied()
    }

    /// The number that the server under test first gave to a revision.
    pub fn live_id(&self, identity: UpdateIdentity) -> Option<RevisionId> {
        self.live.get(&identity).copied()
    }

    /// The revision that the server under test first called `id`.
    pub fn live_identity(&self, id: RevisionId) -> Option<UpdateIdentity> {
        self.live_identities.get(&id).copied()
    }

    /// What the server under test calls the revision that the recorded server called `id`.
    pub fn translate(&self, id: RevisionId) -> Option<RevisionId> {
        self.live_id(self.recorded_identity(id)?)
    }

    /// A recorded request body as the server under test has to see it. Ids of revisions that were
    /// never named in the dialogue, and a cookie of which only `Expiration` was sent, stay.
    pub fn rewrite(&self, body: &str) -> Result<String, XmlError> {
        let mut edits = Edits::default();
        self.collect(&Tree::parse(body)?, &mut edits);
        Ok(edits.apply(body))
    }

    fn collect(&self, element: &Tree, edits: &mut Edits) {
        if let Some(sealed) = element.child("EncryptedData") {
            if let Some(cookie) = &self.cookie {
                edits.replace(sealed, &cookie.encrypted_data);
                if let (Some(old), Some(new)) = (element.child("Expiration"), &cookie.expiration) {
                    edits.replace(old, new);
                }
            }
        } else if element.local == "CookieData" {
            if let Some(authorization) = &self.authorization {
                edits.replace(element, authorization);
            }
        } else if element.local == "lastChange" {
            if let Some(ours) = self.last_change.get(element.text.trim()) {
                edits.replace(element, ours);
            }
        } else if SENT_ANCHORS.contains(&element.local.as_str()) {
            // One that no recorded answer gave is from before the dialogue, and stays.
            if let Some(ours) = self.anchors.get(element.text.trim()) {
                edits.replace(element, ours);
            }
        } else if REVISION_LISTS.contains(&element.local.as_str()) {
            for item in &element.children {
                if let Some(ours) = revision_id(&item.text).and_then(|id| self.translate(id)) {
                    edits.replace(item, &ours.to_string());
                }
            }
        } else {
            for child in &element.children {
                self.collect(child, edits);
            }
        }
    }

    fn learn_cookies(&mut self, element: &Tree) {
        if let Some(sealed) = element.child_text("EncryptedData") {
            self.cookie = Some(LiveCookie {
                expiration: element.child_text("Expiration").map(str::to_owned),
                encrypted_data: sealed.to_owned(),
            });
        } else if let Some(sealed) = element.child_text("CookieData") {
            self.authorization = Some(sealed.to_owned());
        } else {
            for child in &element.children {
                self.learn_cookies(child);
            }
        }
    }
}

/// A revision id as text: a positive `xs:int`.
pub fn revision_id(text: &str) -> Option<RevisionId> {
    const LARGEST: u32 = i32::MAX.unsigned_abs();
    text.trim().parse().ok().filter(|id| (1..=LARGEST).contains(id)).map(RevisionId)
}

/// Which revision a Core fragment describes: its first element says so ([MS-WUSP] 3.1.1.1).
pub fn fragment_identity(fragment: &str) -> Option<UpdateIdentity> {
    // Read only as far as the first element: a fragment can have 47 MB.
    match Events::new(fragment, Limits::DOCUMENT).advance().ok()? {
        Node::Start(element) if element.local() == "UpdateIdentity" => {
            let update_id = element.attribute("UpdateID").ok()??;
            let revision_number = element.attribute("RevisionNumber").ok()??;
            identity(&update_id, &revision_number)
        }
        _ => None,
    }
}

/// The identity that a `RefreshCacheResult/GlobalID` spells out.
pub fn global_identity(row: &Tree) -> Option<UpdateIdentity> {
    let id = row.child("GlobalID")?;
    identity(id.child_text("UpdateID")?, id.child_text("RevisionNumber")?)
}

fn identity(update_id: &str, revision_number: &str) -> Option<UpdateIdentity> {
    Some(UpdateIdentity {
        update_id: Uuid::try_parse(update_id).ok()?,
        revision_number: revision_number.parse().ok()?,
    })
}

/// Every revision that an answer names with both its id and its identity.
fn revisions(message: &Tree) -> Vec<(RevisionId, UpdateIdentity)> {
    let mut found = Vec::new();
    let mut rest = vec![message];
    while let Some(element) = rest.pop() {
        let named = match element.local.as_str() {
            "UpdateInfo" => element
                .child_text("ID")
                .zip(element.child("Xml").and_then(|xml| fragment_identity(&xml.text))),
            "RefreshCacheResult" => element.child_text("RevisionID").zip(global_identity(element)),
            _ => None,
        };
        if let Some((id, identity)) = named
            && let Some(id) = revision_id(id)
        {
            found.push((id, identity));
        }
        rest.extend(element.children.iter().rev());
    }
    found
}

/// The anchors that an answer gives.
fn anchors(message: &Tree) -> Vec<String> {
    let own = matches!(&*message.local, "Anchor" | "NewConfigAnchor");
    let own = own.then(|| message.text.trim().to_owned());
    own.into_iter().chain(message.children.iter().flat_map(anchors)).collect()
}

/// `GetConfigResult/LastChange`, which clients hand back in `GetCookie`.
fn configuration_change(message: &Tree) -> Option<&str> {
    if message.local == "GetConfigResult" {
        return message.child_text("LastChange");
    }
    message.children.iter().find_map(configuration_change)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync_answer(id: u32, cookie: &str) -> Tree {
        Tree::parse(&format!(
            "<R><NewUpdates><UpdateInfo><ID>{id}</ID><Xml>&lt;UpdateIdentity \
             UpdateID=\"56309036-4C77-4DD9-951A-99EE9C246A94\" RevisionNumber=\"101\" /&gt;</Xml>\
             </UpdateInfo></NewUpdates><NewCookie><Expiration>E{cookie}</Expiration>\
             <EncryptedData>{cookie}</EncryptedData></NewCookie></R>"
        ))
        .unwrap()
    }

    #[test]
    fn cookies_dates_and_revision_ids_are_replaced_and_nothing_else() {
        let mut carry = Carry::default();
        carry.learn(&sync_answer(108_226, "AAAA"), &sync_answer(7, "bGl2ZQ=="));
        let config = |at: &str| {
            let text =
                format!("<r><GetConfigResult><LastChange>{at}</LastChange></GetConfigResult></r>");
            Tree::parse(&text).unwrap()
        };
        carry.learn(&config("2026-10-04T13:17:07.59Z"), &config("2027-01-01T00:00:00Z"));
        carry.learn_live(&Tree::parse("<r><CookieData>YXV0aA==</CookieData></r>").unwrap());
        let request = "<s:R xmlns:s='u'><cookie><Expiration>x</Expiration><EncryptedData>AAAA\
             </EncryptedData></cookie><oldCookie><Expiration>kept</Expiration></oldCookie>\
             <CookieData>AAAA</CookieData><lastChange>2026-10-04T13:17:07.59Z</lastChange>\
             <InstalledNonLeafUpdateIDs><int>5</int><int>108226</int></InstalledNonLeafUpdateIDs>\
             <IDs><int>108226</int></IDs><m n='  '/></s:R>";
        let expected = request
            .replace("<Expiration>x", "<Expiration>EbGl2ZQ==")
            .replace("<EncryptedData>AAAA", "<EncryptedData>bGl2ZQ==")
            .replace("<CookieData>AAAA", "<CookieData>YXV0aA==")
            .replace("<lastChange>2026-10-04T13:17:07.59Z", "<lastChange>2027-01-01T00:00:00Z")
            .replace("<int>108226</int></Inst", "<int>7</int></Inst");
        assert_eq!(carry.rewrite(request).unwrap(), expected);
    }

    #[test]
    fn a_last_change_that_no_recorded_answer_gave_is_stale_on_purpose_and_stays() {
        let request = "<r><lastChange>2001-01-01T00:00:00Z</lastChange></r>";
        assert_eq!(Carry::default().rewrite(request).unwrap(), request);
    }

    #[test]
    fn anchors_that_were_given_are_quoted_and_others_stay() {
        let answer = |at: &str| {
            let text =
                format!("<r><NewConfigAnchor>1,{at}</NewConfigAnchor><Anchor>{at}</Anchor></r>");
            Tree::parse(&text).unwrap()
        };
        let mut carry = Carry::default();
        carry.learn(&answer("theirs"), &answer("ours"));
        let request = "<r><Anchor>theirs</Anchor><syncAnchor>1,theirs</syncAnchor>\
                       <deploymentAnchor>older</deploymentAnchor></r>";
        let expected = "<r><Anchor>ours</Anchor><syncAnchor>1,ours</syncAnchor>\
                        <deploymentAnchor>older</deploymentAnchor></r>";
        assert_eq!(carry.rewrite(request).unwrap(), expected);
    }

    #[test]
    fn the_first_live_id_of_a_revision_is_the_one_that_counts() {
        let mut carry = Carry::default();
        carry.learn(&sync_answer(1, ""), &sync_answer(2, ""));
        carry.learn(&sync_answer(1, ""), &sync_answer(3, ""));
        assert_eq!(carry.translate(RevisionId(1)), Some(RevisionId(2)));
    }

    #[test]
    fn refresh_cache_rows_name_revisions_too() {
        let row = |id: u32| {
            Tree::parse(&format!(
                "<RefreshCacheResult><RevisionID>{id}</RevisionID><GlobalID><UpdateID>\
                 56309036-4c77-4dd9-951a-99ee9c246a94</UpdateID><RevisionNumber>101\
                 </RevisionNumber></GlobalID></RefreshCacheResult>"
            ))
            .unwrap()
        };
        let mut carry = Carry::default();
        carry.learn(&row(9), &row(4));
        assert_eq!(carry.translate(RevisionId(9)), Some(RevisionId(4)));
    }

    #[test]
    fn ids_outside_the_wire_type_are_none() {
        for text in ["0", "-1", "2147483648", "x", ""] {
            assert_eq!(revision_id(text), None, "{text}");
        }
        assert_eq!(revision_id(" 2147483647 "), Some(RevisionId(2_147_483_647)));
    }
}
