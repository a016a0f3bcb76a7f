//! RefreshCache: what a server is asked that does not know an agent's numbers.

use super::{Cookie, request};
use crate::wire::operation::Operation;
use crate::wire::types::UpdateIdentity;

/// The request for the numbers of the revisions in the cache.
pub fn refresh_cache(
    cookie: &Cookie,
    revisions: impl IntoIterator<Item = UpdateIdentity>,
) -> Vec<u8> {
    request(Operation::RefreshCache, |out| {
        cookie.write(out, "cookie");
        out.element("globalIDs", |out| {
            for identity in revisions {
                out.element("UpdateIdentity", |out| {
                    out.display("UpdateID", identity.update_id);
                    out.display("RevisionNumber", identity.revision_number);
                });
            }
        });
    })
}
