//! What a server may choose, element by element.
//!
//! A freedom is not a blank cheque: the text must still be what a client can read there, such as
//! a date where it parses a date, or a fault would pass as a choice.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use super::super::carry::{Carry, revision_id};
use super::super::tree::Tree;
use super::Freedom;
use crate::wire::cabinet;
use crate::wire::wsusss::limits;

/// The verdict on one text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// The same.
    Same,
    /// Another one, as the server may choose.
    Free(Freedom),
    /// Another one, for this reason not allowed.
    Broken(&'static str),
}

/// Rules on the text of the element `local` in `parent`.
pub(super) fn on_text(
    parent: &str,
    local: &str,
    recorded: &str,
    got: &str,
    carry: &Carry,
) -> Ruling {
    // Ids come first: the same number can be a wrong one, if it names another revision here.
    if is_revision_id(parent, local) {
        return on_revision_id(recorded, got, carry);
    }
    if recorded == got {
        return Ruling::Same;
    }
    let free = |allowed: bool, freedom: Freedom, why: &'static str| {
        if allowed { Ruling::Free(freedom) } else { Ruling::Broken(why) }
    };
    match (parent, local) {
        (_, "EncryptedData" | "CookieData") => {
            free(is_sealed(got), Freedom::Cookie, "a cookie is base64 and not empty")
        }
        (_, "Expiration") => {
            free(is_date_time(got), Freedom::Expiration, "an expiration is a date and time")
        }
        (_, "LastChange") => {
            free(is_date_time(got), Freedom::LastChange, "a last change is a date and time")
        }
        (_, "Anchor" | "NewConfigAnchor") => {
            free(is_anchor(got), Freedom::Anchor, "an anchor is a positive number and a time")
        }
        (_, "XmlUpdateBlobCompressed") => {
            let documents = (unpacked(recorded), unpacked(got));
            let same = documents.0.is_some() && documents.0 == documents.1;
            free(same, Freedom::Packing, "the cabinets hold other documents")
        }
        ("Deployment", "LastChangeTime") => {
            let why = "agents read this date only in the recorded form";
            free(same_date_form(recorded, got), Freedom::LastChangeTime, why)
        }
        ("Deployment", "ID") => {
            free(got.parse::<i32>().is_ok(), Freedom::DeploymentId, "a deployment id is an int")
        }
        ("FileLocation", "Url") | ("Fault", "faultactor") => {
            let allowed = path_of(recorded).is_some() && path_of(recorded) == path_of(got);
            free(allowed, Freedom::Host, "only scheme, host and port may change")
        }
        ("detail" | "Detail", "ID") => {
            free(Uuid::try_parse(got).is_ok(), Freedom::FaultId, "a fault's id is a GUID")
        }
        (_, "faultstring") | ("Reason", "Text") => {
            free(!got.is_empty(), Freedom::FaultWording, "a fault has some wording")
        }
        (_, "faultcode") => {
            // A QName whose prefix is bound to the envelope's namespace, whichever prefix it is.
            let local = |name: &str| name.rsplit(':').next().map(str::to_owned);
            free(local(recorded) == local(got), Freedom::Spelling, "another fault code")
        }
        _ => Ruling::Broken("another value"),
    }
}

/// Whether `item` is the `ConfigurationProperty` that names the share of published packages.
pub(super) fn is_package_server_share(item: &Tree) -> bool {
    item.local == "ConfigurationProperty" && item.child_text("Name") == Some("PackageServerShare")
}

fn is_revision_id(parent: &str, local: &str) -> bool {
    matches!(
        (parent, local),
        ("UpdateInfo" | "Update", "ID")
            | ("RefreshCacheResult", "RevisionID")
            | ("OutOfScopeRevisionIDs" | "DeployedOutOfScopeRevisionIds", "int")
    )
}

fn on_revision_id(recorded: &str, got: &str, carry: &Carry) -> Ruling {
    let (Some(theirs), Some(ours)) = (revision_id(recorded), revision_id(got)) else {
        return Ruling::Broken("a revision id is a positive int");
    };
    let Some(identity) = carry.recorded_identity(theirs) else {
        let same = theirs == ours;
        let why = "the dialogue never told which revision this is";
        return if same { Ruling::Same } else { Ruling::Broken(why) };
    };
    match (carry.live_id(identity), carry.live_identity(ours)) {
        (Some(first), _) if first != ours => {
            Ruling::Broken("the server gave this revision another id before")
        }
        (_, Some(other)) if other != identity => {
            Ruling::Broken("the server gave this id to another revision before")
        }
        _ if theirs == ours => Ruling::Same,
        (Some(_), _) => Ruling::Free(Freedom::RevisionId),
        (None, _) => Ruling::Broken("the server never told which revision this is"),
    }
}

fn is_sealed(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| !bytes.is_empty())
}

/// `9438,2026-10-04 16:33:26.670` ([MS-WSUSSS] note 31).
fn is_anchor(text: &str) -> bool {
    let form =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3]");
    text.split_once(',').is_some_and(|(number, at)| {
        revision_id(number).is_some() && PrimitiveDateTime::parse(at, form).is_ok()
    })
}

/// The document in a cabinet in base64.
fn unpacked(text: &str) -> Option<Vec<u8>> {
    cabinet::unpack_blob(&STANDARD.decode(text).ok()?, limits::DOCUMENT).ok()
}

fn is_date_time(text: &str) -> bool {
    OffsetDateTime::parse(text, &Rfc3339).is_ok()
}

fn is_date(text: &str) -> bool {
    Date::parse(text, format_description!("[year]-[month]-[day]")).is_ok()
}

fn same_date_form(recorded: &str, got: &str) -> bool {
    if is_date(recorded) { is_date(got) } else { is_date_time(got) }
}

/// The part of an absolute URL from the first slash after the authority.
fn path_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.find('/').and_then(|at| rest.get(at..))
}
