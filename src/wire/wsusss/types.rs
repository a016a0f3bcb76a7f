//! What the fields of several messages have in common.

use crate::wire::soap::codec::{Base64, Codec, List};
use crate::wire::soap::read::RequestError;
use crate::wire::soap::write::Writer;
use crate::wire::types::UpdateIdentity;
use crate::wire::wusp::types::{update_identity, write_update_identity};
use crate::wire::xml::Cursor;

use super::limits;

/// An `UpdateIdentity` ([MS-WSUSSS] 2.2.4.9); both its parts are needed.
pub(super) struct Identity;

impl Codec<'_, UpdateIdentity> for Identity {
    fn read(&self, cursor: &mut Cursor<'_>) -> Result<UpdateIdentity, RequestError> {
        update_identity(cursor)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str, value: &UpdateIdentity) {
        write_update_identity(out, name, value);
    }
}

/// A list of at most `cap` identities.
pub(super) const fn identities(cap: usize) -> List<Identity> {
    List("UpdateIdentity", cap, Identity)
}

/// A list of at most `cap` file digests.
pub(super) const fn digests(cap: usize) -> List<Base64> {
    List("base64Binary", cap, Base64(limits::FILE_DIGEST))
}
