//! How much of one request is read.
//!
//! The agent services are open to anyone who reaches the port, so each list has a cap far above
//! what any agent was seen to send and far below what would cost noticeable memory. A request over
//! a cap gets `InvalidParameters` with the parameter's path. These are limits of the decoder, not
//! of policy: the configurable cap on installed ids is the business of SyncUpdates.

/// Bytes of a decoded cookie. Real ones have 224 and 496; a larger one cannot be ours, but must
/// be read to be answered with InvalidCookie.
pub const COOKIE: usize = 1024 * 1024;

/// Authorization cookies in a GetCookie; a server names one plug-in, so agents send one.
pub const AUTHORIZATION_COOKIES: usize = 16;

/// Revision ids that a client says it has cached. Recorded: 1,367, and 4,937 by another client.
pub const CACHED_REVISIONS: usize = 100_000;

/// Revision ids or identities that are asked about in one request; the real server allows 50
/// (GetExtendedUpdateInfo), and 200 were seen (RefreshCache).
pub const ASKED_REVISIONS: usize = 10_000;

/// File digests in one GetFileLocations; 100 were seen.
pub const FILE_DIGESTS: usize = 10_000;

/// Bytes of one file digest: SHA-1 has 20, SHA-256 32. The operation demands 20; this only keeps
/// a long one from being decoded.
pub const FILE_DIGEST: usize = 64;

/// Categories in a StartCategoryScan or a SyncUpdates filter. The real server refuses 200; that
/// is checked by the operation, which therefore has to see more than 200.
pub const CATEGORIES: usize = 1_000;

/// Kinds of fragment in one request: the contract has eight.
pub const INFO_TYPES: usize = 64;

/// Locales in one request; agents send the display language and its parent.
pub const LOCALES: usize = 256;

/// Devices in a driver scan. Recorded: 75.
pub const DEVICES: usize = 10_000;

/// Hardware or compatible ids of one device, and computer hardware ids. Recorded: 10.
pub const HARDWARE_IDS: usize = 1_000;

/// Extension drivers, or recovery ids, of one device. Recorded: 1.
pub const EXTENSION_DRIVERS: usize = 1_000;

/// Events in one batch. An agent that was offline for months sends what it kept, some hundreds.
pub const EVENTS: usize = 2_000;

/// Strings in an event's ReplacementStrings or MiscData. Recorded: 31.
pub const EVENT_STRINGS: usize = 1_000;

/// Bytes of an inventory: bounded by the operation's body limit, not again here.
pub const INVENTORY: usize = 8 * 1024 * 1024;
