//! Titles, files and their locations: GetExtendedUpdateInfo.
//!
//! An agent asks for what is applicable and not yet installed, approved or not, members of bundles
//! included, in as many calls as the server's limit asks for; and each revision once. What is known
//! is kept by the revision's identity: a recovery may renumber the store between two calls, and
//! within one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Agent;
use super::answers::{self, ExtendedUpdateInfo, FileLocation, Kind};
use super::datastore::Standing;
use super::requests::Question;
use super::session::Reader;
use crate::fleet::library::{Extended, Localized};
use crate::fleet::referee::{Complaint, Rule};
use crate::wire::operation::Operation;
use crate::wire::types::{Sha1, UpdateIdentity};

/// What is known of a revision beyond its Core fragment.
#[derive(Debug, Clone, Default)]
pub(super) struct Details {
    /// Files and handler.
    pub(super) extended: Option<Arc<Extended>>,
    /// The title in the language that the computer prefers.
    pub(super) title: Option<Arc<Localized>>,
}

/// Where files are.
pub(super) type Locations = HashMap<Sha1, Arc<str>>;

impl Agent {
    /// Asks for what is not known of revisions that can be installed.
    pub(super) async fn describe(&mut self, caller: &'static str) -> Result<(), Complaint> {
        let wanted = self.store.iter().filter(|(_, cached)| {
            cached.standing == Standing::Installable
                && !self.details.contains_key(&cached.core.identity)
        });
        let wanted: Vec<UpdateIdentity> = wanted.map(|(_, cached)| cached.core.identity).collect();
        let most = self.session.config.as_ref().map_or(1, |config| config.max_extended_updates);
        for part in wanted.chunks(most.max(1)) {
            let build = |agent: &Self| {
                Question {
                    cookie: &agent.session.cookie,
                    revision_ids: &agent.store.numbers_of(part),
                    locales: &agent.computer.locales,
                    device_attributes: &agent.computer.device_attributes,
                    geo_id: agent.computer.geo_id,
                    caller_attributes: caller,
                }
                .write()
            };
            let read: Reader<'_, _> =
                &|cursor, library| answers::extended_update_info(cursor, library);
            let answer = self.call(Operation::GetExtendedUpdateInfo, &build, read).await;
            let asked = self.store.numbers_of(part);
            match answer {
                Ok(answer) => self.take_details(&asked, answer),
                // A server that RefreshCache shows to have none of them is asked for nothing.
                Err(complaint) if complaint.rule == Rule::Refused && asked.is_empty() => {}
                Err(complaint) => return Err(complaint),
            }
        }
        Ok(())
    }

    /// What is known of a revision.
    pub(super) fn details(&self, revision: &UpdateIdentity) -> Details {
        self.details.get(revision).cloned().unwrap_or_default()
    }

    fn take_details(&mut self, asked: &[u32], answer: ExtendedUpdateInfo) {
        let mut found: HashMap<u32, Details> = HashMap::with_capacity(asked.len());
        for update in answer.updates {
            if !asked.contains(&update.id) {
                let what = format!("fragments of {}, which was not asked for", update.id);
                self.complain(Complaint::new(Rule::FragmentMissing, what));
                continue;
            }
            let details = found.entry(update.id).or_default();
            match update.kind {
                Kind::Extended(extended) => details.extended = Some(extended),
                Kind::Localized(title) => {
                    let preference = |title: &Localized| preference(title, &self.computer.locales);
                    let old = details.title.as_deref().map(preference);
                    if old.is_none_or(|old| preference(&title) < old) {
                        details.title = Some(title);
                    }
                }
                Kind::Other => {}
            }
        }
        let files = found.values().filter_map(|details| details.extended.as_deref());
        let files: HashSet<Sha1> =
            files.flat_map(|extended| &extended.files).map(|file| file.sha1).collect();
        self.take_locations(answer.file_locations, |file| files.contains(file));
        self.forget(asked, &answer.out_of_scope);
        for id in asked {
            let details = found.remove(id).unwrap_or_default();
            let Some(cached) = self.store.get(*id) else { continue };
            let identity = cached.core.identity;
            let missing = missing(identity, &details, &self.locations);
            missing.into_iter().for_each(|complaint| self.complain(complaint));
            self.details.insert(identity, details);
        }
    }

    /// Takes in where files are, those that were asked for.
    pub(super) fn take_locations(
        &mut self,
        locations: Vec<FileLocation>,
        was_asked: impl Fn(&Sha1) -> bool,
    ) {
        for FileLocation { digest, url } in locations {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                let what = format!("'{url}' is no URL of a file");
                self.complain(Complaint::new(Rule::FileLocation, what));
            }
            if !was_asked(&digest) {
                let what = format!("a location of {}, which was not asked for", digest.to_hex());
                self.complain(Complaint::new(Rule::FileLocation, what));
            }
            self.locations.insert(digest, url.into());
        }
    }

    /// Forgets revisions that are not deployed to this computer any more. The scan before left them
    /// in scope: since then one may have been withdrawn, but not all that there are.
    fn forget(&mut self, asked: &[u32], out_of_scope: &[u32]) {
        let mut gone = 0;
        for id in out_of_scope {
            let identity = self.store.get(*id).map(|cached| cached.core.identity);
            match identity.filter(|_| asked.contains(id)) {
                Some(identity) => {
                    gone += 1;
                    self.store.remove(*id);
                    self.out_of_scope.insert(identity);
                }
                None => {
                    let what = format!("{id} is out of scope, which was not asked for");
                    self.complain(Complaint::new(Rule::UnknownRevision, what));
                }
            }
        }
        if gone > 1 && gone == asked.len() {
            let what = "all that was asked for is out of scope, right after a scan that left it in";
            self.complain(Complaint::new(Rule::FragmentMissing, what));
        }
        if gone > 0 {
            self.store.settle();
        }
    }
}

/// What is missing of a revision that was asked for.
fn missing(identity: UpdateIdentity, details: &Details, locations: &Locations) -> Vec<Complaint> {
    let mut missing = Vec::new();
    if details.title.is_none() {
        let what = format!("{identity} has no LocalizedProperties");
        missing.push(Complaint::new(Rule::FragmentMissing, what));
    }
    let Some(extended) = &details.extended else {
        let what = format!("{identity} has no Extended fragment");
        missing.push(Complaint::new(Rule::FragmentMissing, what));
        return missing;
    };
    for file in &extended.files {
        if !locations.contains_key(&file.sha1) {
            let what = format!("{identity}: no location of {}", file.sha1.to_hex());
            missing.push(Complaint::new(Rule::FileLocationMissing, what));
        }
        if file.sha256.is_none() {
            let what = format!("{identity}: {} has no SHA-256", file.sha1.to_hex());
            missing.push(Complaint::new(Rule::FileDigest, what));
        }
    }
    missing
}

/// How near a title's language is to what the computer prefers: less is nearer.
fn preference(title: &Localized, locales: &[String]) -> usize {
    let found = locales.iter().position(|locale| locale.eq_ignore_ascii_case(&title.language));
    found.unwrap_or(locales.len())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::metadata::model::UpdateFile;
    use crate::wire::types::Sha256;

    #[test]
    fn every_gap_is_told() {
        let identity = UpdateIdentity { update_id: Uuid::from_u128(1), revision_number: 1 };
        let rules = |details: &Details, locations: &Locations| {
            let missing = missing(identity, details, locations);
            missing.into_iter().map(|complaint| complaint.rule).collect::<Vec<_>>()
        };
        let mut locations = Locations::new();
        let fragment = Rule::FragmentMissing;
        assert_eq!(rules(&Details::default(), &locations), [fragment, fragment]);
        let file =
            UpdateFile { sha1: Sha1([1; 20]), sha256: None, name: "a.exe".to_owned(), size: 1 };
        let title = Localized { language: "en".to_owned(), title: "A".to_owned() };
        let details = |file: UpdateFile| Details {
            extended: Some(Arc::new(Extended { files: vec![file], can_request_reboot: false })),
            title: Some(Arc::new(title.clone())),
        };
        let both = [Rule::FileLocationMissing, Rule::FileDigest];
        assert_eq!(rules(&details(file.clone()), &locations), both);
        locations.insert(file.sha1, "http://h/a.exe".into());
        let sound = UpdateFile { sha256: Some(Sha256([1; 32])), ..file };
        assert!(rules(&details(sound), &locations).is_empty());
    }

    #[test]
    fn the_nearest_language_is_chosen() {
        let locales = ["de-DE", "de", "en"].map(str::to_owned);
        let title =
            |language: &str| Localized { language: language.to_owned(), title: String::new() };
        let order =
            ["de-de", "DE", "en", "fr"].map(|language| preference(&title(language), &locales));
        assert_eq!(order, [0, 1, 2, 3]);
    }
}
