//! What an agent reports: one event ([MS-WUSP] 2.2.2.3.1, `ReportingEvent`).

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::read::{date_time, guid, hresult, int, list, request_structure, text};
use crate::wire::time::DateTime;
use crate::wire::types::UpdateIdentity;
use crate::wire::wusp::limits;
use crate::wire::wusp::types::update_identity;

request_structure! {
    /// An event.
    pub struct ReportingEvent<'a> {
        /// What happened, to which update, on which computer.
        basic_data: BasicData<'a> = "BasicData" => BasicData::read,
        /// The event's texts, and the computer's description.
        extended_data: ExtendedData<'a> = "ExtendedData" => ExtendedData::read,
        /// Personal data; agents send it empty.
        private_data: PrivateData<'a> = "PrivateData" => PrivateData::read,
    }
}

request_structure! {
    /// What happened, to which update, on which computer.
    pub struct BasicData<'a> {
        /// The computer.
        target_id: ComputerTargetIdentifier<'a> = "TargetID" => ComputerTargetIdentifier::read,
        /// Zero in all recordings.
        sequence_number: i32 = "SequenceNumber" => int,
        /// When it happened, by the computer's clock.
        time_at_target: DateTime = "TimeAtTarget" => date_time,
        /// Identifies the event: a repeated report carries the same.
        event_instance_id: Uuid = "EventInstanceID" => guid,
        /// 1 for the update agent.
        namespace_id: i32 = "NamespaceID" => int,
        /// The kind of event: 147 scan succeeded, 156 status, 183 installed, …
        event_id: i32 = "EventID" => int,
        /// The component: 101 the agent.
        source_id: i32 = "SourceID" => int,
        /// The update; the zero GUID and revision 0 when the event is about none.
        update_id: UpdateIdentity = "UpdateID" => update_identity,
        /// Success, or why not. The specification's prose spells it `Win32Hresult`.
        win32_hresult: i32 = "Win32HResult" | "Win32Hresult" => hresult,
        /// The program that asked for the scan or installation.
        app_name: Cow<'a, str> = "AppName" => text,
    }
}

request_structure! {
    /// A computer's id in its wrapper.
    pub struct ComputerTargetIdentifier<'a> {
        /// The `clientId` of GetAuthorizationCookie.
        sid: Cow<'a, str> = "Sid" => text,
    }
}

request_structure! {
    /// The event's texts, and the computer's description.
    pub struct ExtendedData<'a> {
        /// Texts for the event's message.
        replacement_strings: Vec<Cow<'a, str>> = "ReplacementStrings" =>
            list(&["string"], limits::EVENT_STRINGS, text),
        /// `Tag=Value` texts; in event 156 the update lists `U`, `V`, `W`, `g` and `h`.
        misc_data: Vec<Cow<'a, str>> = "MiscData" =>
            list(&["string"], limits::EVENT_STRINGS, text),
        /// The maker.
        computer_brand: Cow<'a, str> = "ComputerBrand" => text,
        /// The model.
        computer_model: Cow<'a, str> = "ComputerModel" => text,
        /// The firmware's version.
        bios_revision: Cow<'a, str> = "BiosRevision" => text,
        /// `Amd64Compatible`, `X86Compatible`, `IA64Compatible`, `Unknown`, or newer.
        processor_architecture: Cow<'a, str> = "ProcessorArchitecture" => text,
        /// The operating system's version.
        os_version: DetailedVersion = "OSVersion" => DetailedVersion::read,
        /// The LCID.
        os_locale_id: i32 = "OSLocaleID" => int,
        /// The device, for driver events.
        device_id: Cow<'a, str> = "DeviceID" => text,
    }
}

request_structure! {
    /// An operating system's version.
    pub struct DetailedVersion {
        /// 10 for Windows 10 and 11.
        major: i32 = "Major" => int,
        /// 0 for Windows 10 and 11.
        minor: i32 = "Minor" => int,
        /// 22000 and above for Windows 11.
        build: i32 = "Build" => int,
        /// Product type in the upper 16 bits, suite mask in the lower.
        revision: i32 = "Revision" => int,
        /// The service pack.
        service_pack_major: i32 = "ServicePackMajor" => int,
        /// The service pack's minor number.
        service_pack_minor: i32 = "ServicePackMinor" => int,
    }
}

request_structure! {
    /// Personal data.
    pub struct PrivateData<'a> {
        /// The DNS name.
        computer_dns_name: Cow<'a, str> = "ComputerDnsName" => text,
        /// The user.
        user_account_name: Cow<'a, str> = "UserAccountName" => text,
    }
}
