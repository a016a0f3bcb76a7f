//! Content: what is here, what approved updates still need, and whether it is intact.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::jobs::Progress;
use super::{AdminError, Call, Operation, Route, Upload};
use crate::content::files::digest_of;
use crate::state::{Published, State};
use crate::wire::types::Sha1;

/// Take a content file in, after checking its digests against the metadata.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AddContent {
    /// Which file it is: its SHA-1, in 40 hexadecimal digits.
    #[schemars(length(equal = 40))]
    pub sha1: String,
}

impl Operation for AddContent {
    type Answer = AddedContent;
    const ROUTE: Route = Route::put("/content/{sha1}");
    const UPLOAD: Option<Upload> = Some(Upload {
        media_type: "application/octet-stream",
        // It goes to the disk, and ends with the length that the metadata has.
        limit: None,
        description: "The file.",
    });

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let sha1 = Sha1::from_hex(&self.sha1)
            .ok_or_else(|| AdminError::invalid("sha1", "not a SHA-1 digest"))?;
        let added = call.state().add_content(call.by(), sha1, call.upload()).await?;
        let file = added.file;
        Ok(AddedContent {
            name: file.name,
            sha1: file.sha1.to_hex(),
            size: file.size,
            new: added.new,
        })
    }
}

/// A file that was taken in.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AddedContent {
    /// Its name in the metadata.
    pub name: String,
    /// Its SHA-1.
    pub sha1: String,
    /// Bytes.
    pub size: u64,
    /// Whether it was not here before.
    pub new: bool,
}

/// Which content is here, and what approved updates still need.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowContent {}

impl Operation for ShowContent {
    type Answer = ContentStatus;
    const ROUTE: Route = Route::get("/content");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let published = call.state().published();
        let here: u64 = published.contents.values().map(|record| record.size).sum();
        let mut missing = Vec::new();
        for sha1 in needed(&published) {
            if !published.contents.contains_key(&sha1)
                && let Some(file) = call.state().file(&published, &sha1)?
            {
                let (name, sha1) = (file.name, file.sha1.to_hex());
                missing.push(MissingContent { name, sha1, size: file.size });
            }
        }
        Ok(ContentStatus { files: published.contents.len(), bytes: here, missing })
    }
}

/// Which content is here and which is missing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ContentStatus {
    /// How many files are here.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// The files that approved updates need and that are not here.
    pub missing: Vec<MissingContent>,
}

/// A file that is not here.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MissingContent {
    /// Its name in the metadata.
    pub name: String,
    /// Its SHA-1.
    pub sha1: String,
    /// Bytes.
    pub size: u64,
}

/// Read every content file and compare it with the metadata, which takes as long as the disk does.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct VerifyContent {}

impl Operation for VerifyContent {
    type Answer = VerifiedContent;
    const ROUTE: Route = Route::post("/verify-content");
    const LONG: bool = true;

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        verify(call.state(), call.progress())
    }
}

/// What reading all content came to.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct VerifiedContent {
    /// How many files there should be.
    pub verified: usize,
    /// Those that are not there, or not what they should be.
    pub damaged: Vec<DamagedContent>,
}

/// A file that is not what it should be.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DamagedContent {
    /// Its SHA-1.
    pub sha1: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Reads every file that should be here (blocking, as long as the disk takes).
fn verify(state: &State, progress: &Progress) -> Result<VerifiedContent, AdminError> {
    let published = state.published();
    let mut damaged = Vec::new();
    progress.expect(published.contents.len());
    for (sha1, record) in published.contents.iter() {
        progress.advance()?;
        let problem = match state.contents().open_file(sha1) {
            Ok(None) => Some("missing".to_owned()),
            Err(error) => Some(error.to_string()),
            Ok(Some(found)) => match digest_of(found.file) {
                Ok(digests) if digests.sha1 == *sha1 && digests.length == record.size => None,
                Ok(_) => Some("its content is not what it was".to_owned()),
                Err(error) => Some(error.to_string()),
            },
        };
        if let Some(problem) = problem {
            damaged.push(DamagedContent { sha1: sha1.to_hex(), problem });
        }
    }
    Ok(VerifiedContent { verified: published.contents.len(), damaged })
}

/// How many files approved updates need that are not here.
pub(super) fn missing(published: &Published) -> usize {
    needed(published).iter().filter(|sha1| !published.contents.contains_key(*sha1)).count()
}

/// The files of everything that is approved for installation, bundle members included.
fn needed(published: &Published) -> HashSet<Sha1> {
    let installed = published.installed_by_approvals().into_iter();
    installed.flat_map(|index| published.catalog.files(index)).copied().collect()
}
