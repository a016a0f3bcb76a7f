//! What a server reports of itself ([MS-WSUSSS] 3.1.4.14).

use serde::{Deserialize, Serialize};

/// Most groups of computers that are kept of one server: as many as one of its reports may hold.
pub const SYSTEMS_KEPT: usize = 5_000;

/// What a server reports of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Unix seconds of when it did, or will have done by a clock that was corrected.
    pub at: i64,
    /// Unix seconds of when it last synchronized; none for never.
    pub last_sync: Option<i64>,
    /// One to four numbers with dots between.
    pub version: String,
    /// Whether it is a replica.
    pub is_replica: bool,
    /// Counts of its updates and computers.
    pub summary: Summary,
    /// Its computers, by operating system; at most [`SYSTEMS_KEPT`].
    pub systems: Vec<System>,
    /// Installations of all updates that succeeded, ever since it reports.
    pub installations: u64,
    /// Installations that failed.
    pub failures: u64,
}

/// Counts of a server's updates and computers ([MS-WSUSSS] 3.1.4.14.3.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Updates.
    pub updates: u32,
    /// Declined ones.
    pub declined: u32,
    /// Approved for installation or removal.
    pub approved: u32,
    /// Neither declined nor approved.
    pub not_approved: u32,
    /// Approved in another revision than the latest.
    pub stale_approvals: u32,
    /// Expired, without an approval.
    pub expired: u32,
    /// Critical and security updates that are not approved for installation.
    pub critical_not_approved: u32,
    /// Updates of the update service itself that are not approved for installation.
    pub infrastructure_not_approved: u32,
    /// Failed on a computer.
    pub with_client_errors: u32,
    /// Files could not be downloaded.
    pub with_server_errors: u32,
    /// Files are not here yet.
    pub needing_files: u32,
    /// A computer needs them.
    pub needed: u32,
    /// No computer needs them.
    pub up_to_date: u32,
    /// Groups that are not built in.
    pub groups: u32,
    /// Computers.
    pub computers: u32,
    /// Computers that need an update.
    pub computers_in_need: u32,
    /// Computers on which an update failed.
    pub computers_with_errors: u32,
    /// Computers that need nothing.
    pub computers_up_to_date: u32,
}

/// Computers of the same operating system ([MS-WSUSSS] 3.1.4.14.3.5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct System {
    /// Major, minor, build.
    pub version: (i32, i32, i32),
    /// Service pack, major and minor.
    pub service_pack: (i32, i32),
    /// `en-US`
    pub locale: String,
    /// `wSuiteMask`
    pub suite_mask: i32,
    /// `wProductType`
    pub old_product_type: i32,
    /// The edition.
    pub new_product_type: i32,
    /// `SM_SERVERR2` and the like.
    pub system_metrics: i32,
    /// `AMD64`
    pub architecture: String,
    /// How many computers.
    pub count: u32,
}
