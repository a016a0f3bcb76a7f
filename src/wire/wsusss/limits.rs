//! How much of one message between servers is read.
//!
//! Requests come from anyone who reaches the port, so their lists have caps far above what the
//! configuration of a real server allows and far below what would cost noticeable memory; the
//! operation itself refuses what is over the configured limit. Answers come from the one server
//! that the administrator chose, and are only kept from being absurd.

/// Authorization cookies in a GetCookie; exactly one is right.
pub const AUTHORIZATION_COOKIES: usize = 16;

/// Reserved keys in a GetAuthorizationCookie; none is right.
pub const PROGRAM_KEYS: usize = 256;

/// Categories, classifications or languages in one filter. Microsoft Update has some 3,000
/// products.
pub const FILTER_ENTRIES: usize = 20_000;

/// Hardware ids of devices or computers in one driver filter.
pub const HARDWARE_IDS: usize = 20_000;

/// Revisions, updates or driver sets that are asked about in one request; real servers allow 100.
pub const ASKED_REVISIONS: usize = 5_000;

/// Files that are asked for in one DownloadFiles; 100 are allowed.
pub const ASKED_FILES: usize = 2_000;

/// Bytes of one file digest: SHA-1 has 20, SHA-256 32. What is no SHA-1 is for the reader of the
/// revision to refuse; this only keeps a long one from being decoded.
pub const FILE_DIGEST: usize = 64;

/// Bytes of a file's key.
pub const DECRYPTION_KEY: usize = 4096;

/// Servers in one rollup, and groups of computers of one server. The real server takes 5,000 groups
/// of all servers together.
pub const ROLLUP_SERVERS: usize = 10_000;

/// Computers described, or with their updates' states, in one rollup. The real server takes 1,500.
pub const ROLLUP_COMPUTERS: usize = 5_000;

/// Computers that are only named in one rollup. The real server takes 20,000.
pub const ROLLUP_NAMES: usize = 100_000;

/// Updates of which one computer, or one group of them, has something to report.
pub const ROLLUP_UPDATES: usize = 200_000;

/// Target groups of one computer.
pub const ROLLUP_GROUPS: usize = 10_000;

/// Revisions in one answer. Microsoft Update lists some 137,000.
pub const LISTED_REVISIONS: usize = 2_500_000;

/// Groups, deployments, hidden updates or licences in one answer.
pub const LISTED_DEPLOYMENTS: usize = 2_000_000;

/// Files of one revision, or of all revisions in one answer.
pub const LISTED_FILES: usize = 500_000;

/// Languages in one answer; 39 are recorded.
pub const LANGUAGES: usize = 2_000;

/// Authorization plug-ins, or event ids, in one answer.
pub const AUTHORIZATION_INFO: usize = 256;

/// Bytes of one revision's document as text, plain or escaped. A Core fragment alone may have
/// 47 MB.
pub const DOCUMENT: usize = 256 * 1024 * 1024;

/// Bytes of one revision's document as a cabinet.
pub const CABINET: usize = 64 * 1024 * 1024;
