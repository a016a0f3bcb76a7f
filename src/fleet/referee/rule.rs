//! The rules, and what happens to a real agent when one is broken.

use std::fmt;

use serde::Serialize;

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $name:literal $why:literal;)*) => {
        /// A rule that a server can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[$doc])* $rule,)* }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$rule,)*];

            /// The name in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            /// What breaking it does to an agent.
            pub fn why(self) -> &'static str {
                match self { $(Self::$rule => $why,)* }
            }
        }
    };
}

rules! {
    /// A request is answered in time.
    NoAnswer "no-answer" "The agent waits longer before each attempt (0x80240438), and the computer goes silent.";
    /// Responses have status 200, faults 500.
    Status "status" "Anything else fails the scan with 0x8024401x.";
    /// Content-Type is text/xml in UTF-8.
    ContentType "content-type" "The agent's XML reader is given bytes that are not announced as XML.";
    /// Content-Length is there and right.
    ContentLength "content-length" "Agents were only ever answered with a length; a wrong one breaks the connection for all that follows.";
    /// Content-Encoding is one that was asked for, and the body is encoded so.
    ContentEncoding "content-encoding" "A body that cannot be decoded fails the scan.";
    /// The body is the operation's response in an envelope.
    Envelope "envelope" "What is no response in SOAP fails the scan with 0x8024400x.";
    /// Elements stand in the order of the contract, all that are required, and no others.
    Contract "contract" "Agents read by the contract's schema: an element too many, missing or in another place fails the scan.";
    /// Values are what their types say.
    Value "value" "A value that is none of its type fails the scan.";
    /// A fault has an ErrorCode that the specification lists.
    FaultCode "fault-code" "The code alone says how to recover; without one the agent only gives up.";
    /// A fault that tells the client to do something is gone when it has done that.
    FaultRepeated "fault-repeated" "An agent that recovers again and again never scans.";
    /// A well-formed request is not refused.
    Refused "refused" "What the agent asked for is what native agents ask for.";
    /// GetConfig says all that an agent needs.
    Configuration "configuration" "Without plug-in or protocol version there is no handshake (0x80240436 in category scans).";
    /// A cookie is there and not expired when it is issued.
    Cookie "cookie" "Without a good cookie every further call is refused.";
    /// A Deployment has its seven elements in order.
    Deployment "deployment" "Without one of them the scan dies with 80070057, \"PopulateDataStore failed\".";
    /// LastChangeTime is a date and nothing else.
    LastChangeTime "last-change-time" "The agent parses a date; a time of day fails the scan with 80070057.";
    /// The Core fragment can be read.
    CoreFragment "core-fragment" "An update that cannot be evaluated is lost, and so is what depends on it.";
    /// A revision comes when its prerequisites are installed.
    PrerequisiteLate "prerequisite-late" "The agent cannot evaluate it yet and drops it.";
    /// A revision that is cached or was sent is not sent again.
    UpdateTwice "update-twice" "The agent counts round trips, and its store has the revision already.";
    /// At most one revision of an update is in scope.
    TwoRevisions "two-revisions" "[MS-WUSP] 3.1.5.7 forbids it: the agent cannot tell which to offer.";
    /// Only what is cached can change or go.
    UnknownRevision "unknown-revision" "The agent has no such revision.";
    /// A page that promises more holds something.
    EmptyPage "empty-page" "The agent asks the same again until it gives up.";
    /// A scan ends within 200 round trips.
    TooManyTrips "too-many-trips" "The agent gives up with 0x80244010.";
    /// What bundles a member is sent, too.
    BundleWithoutParent "bundle-without-parent" "The agent keeps and evaluates what nothing offers.";
    /// Categories and detectoids are deployed as Evaluate, members of bundles as Bundle.
    Action "action" "The agent reports or offers what nobody installs, or a part of an update beside the update.";
    /// IsLeaf is false of what is a prerequisite, and of no member of a bundle that is none.
    IsLeaf "is-leaf" "A leaf is never listed as installed, so that all that depends on it never arrives; members that are listed use up the 400 that a server takes.";
    /// Drivers come in a driver pass, and all else in a software pass.
    Pass "pass" "A software pass names no devices that a driver could fit; a driver pass does not list what is cached, so that it comes again and again.";
    /// A driver that is sent fits a device.
    DriverFits "driver-fits" "The agent discards it, and is sent it again with every scan.";
    /// Every revision asked for has its fragments, or is out of scope and then not sent again.
    FragmentMissing "fragment-missing" "Without title or handler an update cannot be offered.";
    /// The Extended fragment can be read.
    ExtendedFragment "extended-fragment" "The update cannot be downloaded or installed.";
    /// Every file of an update has a location.
    FileLocationMissing "file-location-missing" "The agent drops the update as if it had never been sent.";
    /// A location is a URL of a file that was asked for.
    FileLocation "file-location" "The download cannot start.";
    /// Files have a SHA-256 digest.
    FileDigest "file-digest" "Windows 8 and later refuse files without one.";
    /// A range is answered as asked for, and in the file's length.
    Range "range" "Delivery Optimization takes its size from the metadata and closed ranges only (0x80246008).";
    /// The bytes have the digests of the metadata.
    DigestDiffers "digest-differs" "The download fails with 0x80246002, again and again.";
    /// Events are taken.
    ReportRefused "report-refused" "The agent keeps its events and sends them again with all that follow.";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
