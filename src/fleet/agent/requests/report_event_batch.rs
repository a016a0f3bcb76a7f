//! ReportEventBatch: what happened on the computer.

use uuid::Uuid;

use super::{Cookie, request, strings};
use crate::wire::operation::Operation;
use crate::wire::soap::write::Writer;
use crate::wire::types::UpdateIdentity;

/// What every event says of the computer.
#[derive(Debug, Clone, Copy)]
pub struct Reporter<'a> {
    /// The computer's id.
    pub client_id: &'a str,
    /// Who made it.
    pub brand: &'a str,
    /// What it is.
    pub model: &'a str,
    /// Version of its firmware.
    pub bios_revision: &'a str,
    /// As in `Amd64Compatible`.
    pub processor_architecture: &'a str,
    /// Major and minor version, build number; product type and suite in one; service pack.
    pub os_version: [u32; 6],
    /// The LCID.
    pub os_locale_id: u32,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, by the computer's clock.
    pub time_at_target: String,
    /// Which.
    pub instance: Uuid,
    /// What.
    pub id: u16,
    /// To which update.
    pub update: Option<UpdateIdentity>,
    /// The HRESULT.
    pub result: i32,
    /// The program that asked, if it gave a name.
    pub app_name: Option<String>,
    /// Texts for the event's message.
    pub replacement_strings: Vec<String>,
    /// `Tag=Value` texts.
    pub misc_data: Vec<String>,
}

/// The request.
pub fn report_event_batch(
    cookie: &Cookie,
    client_time: &str,
    reporter: &Reporter<'_>,
    events: &[Event],
) -> Vec<u8> {
    request(Operation::ReportEventBatch, |out| {
        cookie.write(out, "cookie");
        out.text("clientTime", client_time);
        out.element("eventBatch", |out| {
            events.iter().for_each(|event| event.write(out, reporter));
        });
    })
}

impl Event {
    fn write(&self, out: &mut Writer<'_>, reporter: &Reporter<'_>) {
        out.element("ReportingEvent", |out| {
            out.element("BasicData", |out| self.write_basic_data(out, reporter));
            out.element("ExtendedData", |out| {
                if !self.replacement_strings.is_empty() {
                    let texts = self.replacement_strings.iter().map(String::as_str);
                    strings(out, "ReplacementStrings", texts);
                }
                strings(out, "MiscData", self.misc_data.iter().map(String::as_str));
                reporter.write(out);
            });
            out.element("PrivateData", |_| {});
        });
    }

    fn write_basic_data(&self, out: &mut Writer<'_>, reporter: &Reporter<'_>) {
        out.element("TargetID", |out| out.text("Sid", reporter.client_id));
        out.display("SequenceNumber", 0);
        out.text("TimeAtTarget", &self.time_at_target);
        out.display("EventInstanceID", self.instance);
        out.display("NamespaceID", 1);
        out.display("EventID", self.id);
        out.display("SourceID", 101);
        out.element("UpdateID", |out| {
            let none = UpdateIdentity { update_id: Uuid::nil(), revision_number: 0 };
            let update = self.update.unwrap_or(none);
            out.display("UpdateID", update.update_id);
            out.display("RevisionNumber", update.revision_number);
        });
        out.display("Win32HResult", self.result);
        if let Some(name) = &self.app_name {
            out.text("AppName", name);
        }
    }
}

impl Reporter<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        out.text("ComputerBrand", self.brand);
        out.text("ComputerModel", self.model);
        out.text("BiosRevision", self.bios_revision);
        out.text("ProcessorArchitecture", self.processor_architecture);
        let [major, minor, build, revision, pack, pack_minor] = self.os_version;
        out.element("OSVersion", |out| {
            out.display("Major", major);
            out.display("Minor", minor);
            out.display("Build", build);
            out.display("Revision", revision);
            out.display("ServicePackMajor", pack);
            out.display("ServicePackMinor", pack_minor);
        });
        out.display("OSLocaleID", self.os_locale_id);
    }
}
