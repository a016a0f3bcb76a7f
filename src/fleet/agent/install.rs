//! What is approved and can be installed is downloaded and installed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::Agent;
use super::datastore::Standing;
use super::report::Happening;
use super::schedule::Trigger;
use crate::fleet::applicability::Core;
use crate::fleet::referee::Complaint;
use crate::metadata::model::UpdateFile;
use crate::wire::types::{Sha1, UpdateIdentity};

/// `WU_S_REBOOT_REQUIRED`.
const REBOOT_REQUIRED: i32 = 0x0024_0005;

/// `WU_E_DM_DOWNLOADFILEMISSING` and its like are all told as the one that agents told when a
/// download failed.
const DOWNLOAD_FAILED: i32 = i32::from_be_bytes([0x80, 0x24, 0x60, 0x07]);

/// `WU_E_INSTALL_NOT_ALLOWED`'s neighbour for whatever a handler refuses: `WU_E_UH_INSTALLERFAILURE`.
const INSTALL_FAILED: i32 = i32::from_be_bytes([0x80, 0x24, 0x20, 0x06]);

/// An update that is to be installed.
#[derive(Debug)]
struct Candidate {
    identity: UpdateIdentity,
    title: String,
    is_bundle: bool,
    /// What changes the machine: the update itself, or a member of each clause.
    parts: Vec<Arc<Core>>,
    files: Vec<UpdateFile>,
    can_request_reboot: bool,
}

impl Agent {
    /// Downloads and installs what is approved, and restarts the machine if that is wanted. Says
    /// whether there was anything to do.
    pub(super) async fn install_approved(&mut self) -> Result<bool, Complaint> {
        let candidates = self.candidates();
        if candidates.is_empty() {
            return Ok(false);
        }
        self.scan(Trigger::BeforeDownload).await?;
        let mut downloaded = Vec::new();
        for candidate in candidates {
            if self.fetch(&candidate).await {
                downloaded.push(candidate);
            }
        }
        self.scan(Trigger::BeforeInstallation).await?;
        for candidate in downloaded {
            self.install(candidate);
        }
        self.scan(Trigger::AfterInstallation).await?;
        Ok(true)
    }

    /// Restarts the machine if something waits for it.
    pub(super) async fn restart(&mut self) -> Result<(), Complaint> {
        match self.machine.restart() {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => tracing::warn!(computer = self.computer.dns_name, %error, "restart"),
        }
        self.world.statistics.restarts.fetch_add(1, Ordering::Relaxed);
        self.scan(Trigger::AfterRestart).await.map(drop)
    }

    /// What is approved, can be installed, and is replaced by nothing else that is.
    fn candidates(&self) -> Vec<Candidate> {
        let wanted: Vec<&Arc<Core>> = self
            .store
            .iter()
            .filter(|(_, cached)| {
                cached.is_wanted() && !self.machine.is_pending(&cached.core.identity.update_id)
            })
            .map(|(_, cached)| &cached.core)
            .collect();
        let replaced: BTreeSet<&Uuid> = wanted.iter().flat_map(|core| &core.superseded).collect();
        let newest = wanted.iter().filter(|core| !replaced.contains(&core.identity.update_id));
        newest.map(|core| self.candidate(core)).collect()
    }

    fn candidate(&self, core: &Arc<Core>) -> Candidate {
        let mut parts = Vec::new();
        self.collect_parts(core, &mut parts, 0);
        let details = self.details(&core.identity);
        let mut seen: BTreeSet<Sha1> = BTreeSet::new();
        let mut files = Vec::new();
        let mut can_request_reboot = false;
        for part in &parts {
            let Some(extended) = self.details(&part.identity).extended else { continue };
            can_request_reboot |= extended.can_request_reboot;
            let new = extended.files.iter().filter(|file| seen.insert(file.sha1));
            files.extend(new.cloned());
        }
        Candidate {
            identity: core.identity,
            title: details.title.map(|title| title.title.clone()).unwrap_or_default(),
            is_bundle: !core.bundled.is_empty(),
            parts,
            files,
            can_request_reboot,
        }
    }

    /// The update itself, or of each clause of a bundle that is not satisfied the first member that
    /// can be installed.
    fn collect_parts(&self, core: &Arc<Core>, parts: &mut Vec<Arc<Core>>, depth: usize) {
        if core.bundled.is_empty() || depth > 8 {
            parts.push(Arc::clone(core));
            return;
        }
        for clause in &core.bundled {
            let members = || clause.iter().filter_map(|member| self.store.revision(member));
            if members().any(|(_, cached)| cached.standing == Standing::Installed) {
                continue;
            }
            let first = members().find(|(_, cached)| cached.standing == Standing::Installable);
            if let Some((_, cached)) = first {
                self.collect_parts(&cached.core, parts, depth + 1);
            }
        }
    }

    async fn fetch(&mut self, candidate: &Candidate) -> bool {
        if self.downloaded.contains(&candidate.identity.update_id) {
            return true;
        }
        let (identity, title) = (candidate.identity, candidate.title.clone());
        let of = |id, result| Happening {
            id,
            update: identity,
            result,
            title: title.clone(),
            is_bundle: candidate.is_bundle,
            part_of: None,
            bytes: None,
        };
        self.note(of(167, 0));
        match self.download(&candidate.files).await {
            Ok(bytes) => {
                self.note(Happening { bytes: Some(bytes), ..of(162, 0) });
                self.world.statistics.downloads.fetch_add(1, Ordering::Relaxed);
                self.downloaded.insert(identity.update_id);
                true
            }
            Err(complaint) => {
                self.complain(complaint);
                self.note(Happening { bytes: Some(0), ..of(161, DOWNLOAD_FAILED) });
                false
            }
        }
    }

    fn install(&mut self, candidate: Candidate) {
        // An installation before this one may have made it superfluous.
        let is_still_wanted =
            candidate.parts.iter().any(|part| !part.is_installed(&self.machine.profile).is_true());
        if self.store.revision(&candidate.identity).is_none() || !is_still_wanted {
            return;
        }
        let update = candidate.identity.update_id;
        let of = |id, result| Happening {
            id,
            update: candidate.identity,
            result,
            title: candidate.title.clone(),
            is_bundle: candidate.is_bundle,
            part_of: None,
            bytes: None,
        };
        self.note(of(181, 0));
        let needs_restart = candidate.can_request_reboot && self.user.chance(500);
        let outcome = self.machine.install(update, candidate.parts.clone(), needs_restart);
        let statistics = &self.world.statistics;
        match outcome {
            Ok(()) => {
                statistics.installed.fetch_add(1, Ordering::Relaxed);
                self.downloaded.remove(&update);
                self.failed.remove(&update);
                let (id, result) = if needs_restart { (201, REBOOT_REQUIRED) } else { (183, 0) };
                self.note(of(id, result));
            }
            Err(error) => {
                statistics.failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(computer = self.computer.dns_name, %error, "not installed");
                self.failed.insert(update);
                let (part, root) = (error.identity(), candidate.identity);
                if part != root {
                    let failed = of(182, INSTALL_FAILED);
                    let part_of = Some(root);
                    self.note(Happening { update: part, is_bundle: false, part_of, ..failed });
                }
                self.note(of(182, INSTALL_FAILED));
            }
        }
    }
}
