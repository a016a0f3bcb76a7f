//! Content: what is here, what approved updates still need, and whether it is intact.

use std::collections::HashSet;
use std::io::Read;

use serde_json::{Value, json};

use super::AdminError;
use crate::content::files::digest_of;
use crate::state::{Published, State};
use crate::wire::types::Sha1;

/// Takes in the file with this digest.
pub(super) async fn add(
    state: &State,
    sha1: Sha1,
    source: impl Read + Send + 'static,
) -> Result<Value, AdminError> {
    let added = state.add_content(sha1, source).await?;
    let file = added.file;
    Ok(json!({
        "name": file.name,
        "sha1": file.sha1.to_hex(),
        "size": file.size,
        "new": added.new,
    }))
}

pub(super) fn status(state: &State) -> Result<Value, AdminError> {
    let published = state.published();
    let here: u64 = published.contents.values().map(|record| record.size).sum();
    let mut missing = Vec::new();
    for sha1 in needed(&published) {
        if !published.contents.contains_key(&sha1)
            && let Some(file) = state.file(&published, &sha1)?
        {
            let shown = json!({ "name": file.name, "sha1": file.sha1.to_hex(), "size": file.size });
            missing.push(shown);
        }
    }
    Ok(json!({ "files": published.contents.len(), "bytes": here, "missing": missing }))
}

/// Reads every file that should be here (blocking, as long as the disk takes).
pub(super) fn verify(state: &State) -> Value {
    let published = state.published();
    let mut damaged = Vec::new();
    for (sha1, record) in published.contents.iter() {
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
            damaged.push(json!({ "sha1": sha1.to_hex(), "problem": problem }));
        }
    }
    json!({ "verified": published.contents.len(), "damaged": damaged })
}

/// The files of everything that is approved for installation, bundle members included.
fn needed(published: &Published) -> HashSet<Sha1> {
    let installed = published.installed_by_approvals().into_iter();
    installed.flat_map(|index| published.catalog.files(index)).copied().collect()
}
