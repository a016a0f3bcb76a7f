//! The sample catalogue, and a computer that its vendor would sell to.

use std::path::{Path, PathBuf};

use super::scan::{Machine, Revision};

pub(crate) const COMPANY: &str = "d2dae5c5-2110-4f5a-a0ef-42997dc59632";
pub(crate) const FAMILY: &str = "c4e3a9b6-ff95-4af1-a536-6bbf01436dbf";
pub(crate) const PRODUCT_SLUICE: &str = "3ffb0efb-c74c-4db7-979c-68b2b4375d04";
pub(crate) const X64: &str = "7509bbfa-124b-407a-85ab-96c47f862775";
pub(crate) const X86: &str = "553d0edb-524c-42ec-bfb9-463de51df273";
const ENGLISH: &str = "5da50306-9e8d-4dec-94d2-e190b398534c";
/// Expired.
pub(crate) const SLUICE_40: &str = "21b176d2-db97-46df-abf4-49dd70cb8fea";
pub(crate) const SLUICE_41: &str = "4c21514f-5c01-412b-9866-52125b1a0110";
/// A bundle of the two that follow.
pub(crate) const SLUICE_42: &str = "5becb310-bedf-4963-a355-939d61cd755a";
pub(crate) const SLUICE_42_X64: &str = "54f97ff2-48ea-4622-850a-10231ea40aed";
pub(crate) const SLUICE_42_X86: &str = "a0c51443-bd7d-4342-88dc-06b1f8dbbd9b";
/// Has the file of 2.5 MiB.
pub(crate) const GAUGE_207: &str = "450b7a01-9903-4916-8138-db2f7aa8d785";
pub(crate) const GAUGE_21: &str = "7456a8f7-7f21-40e2-a8fa-dde68514c694";
/// For German computers only.
pub(crate) const GAUGE_GERMAN: &str = "52bb0daa-77fe-4996-b930-66068e47a929";
pub(crate) const GAUGE_VIEWER: &str = "50b3bc3e-dd59-442b-8544-80c6258f2dab";
pub(crate) const NETWORK_DRIVER: &str = "81cc32b1-045e-4986-81fd-c1cad3dddcb8";
pub(crate) const NETWORK_DEVICE: &str = "pci\\ven_8086&dev_100e";

/// An English 64-bit computer with Sluice 4.1 and an old Gauge, and the network adapter.
pub(crate) const OFFICE_PC: Machine<'static> =
    Machine { installed: &is_installed, devices: &["pci\\ven_8086&dev_29c0", NETWORK_DEVICE] };

fn is_installed(revision: &Revision) -> bool {
    revision.update_type == "Category"
        || [X64, ENGLISH, SLUICE_41].contains(&revision.update_id.as_str())
}

/// Where the sample's files are.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sample").join(name)
}
