//! A catalogue of nothing but drivers, and devices that some of them fit.

use std::sync::Arc;

use uuid::Uuid;
use weir::catalog::{Catalog, NewRevision};
use weir::metadata::model::{DriverEntry, PublicationState, UpdateMetadata, UpdateType};
use weir::wire::types::{RevisionId, UpdateIdentity};

/// Drivers for one kind of device, one later than the other.
const VERSIONS: u32 = 10;
/// Kinds of devices that share a compatible id.
const CLASSES: u32 = 1_000;

/// A catalogue of `count` drivers.
pub(crate) fn catalog(count: u32) -> Catalog {
    Catalog::build((0..count).map(driver).collect())
}

/// The ids of a device: two of its own, of which drivers know the second, and two compatible ones.
pub(crate) fn device(number: u32) -> [String; 4] {
    let kind = number * 97;
    [
        format!("pci\\ven_8086&dev_{kind:05x}&rev_01"),
        format!("pci\\ven_8086&dev_{kind:05x}"),
        format!("pci\\class_{:04x}", kind % CLASSES),
        "pci\\anything".to_owned(),
    ]
}

fn driver(number: u32) -> NewRevision {
    let (kind, version) = (number / VERSIONS, number % VERSIONS);
    let entry = |hardware_id: String| DriverEntry {
        hardware_id,
        ver_date: i64::from(version),
        ver_version: u64::from(version),
        class: "Net".to_owned(),
        manufacturer: "Maker".to_owned(),
        provider: "Seller".to_owned(),
        model: String::new(),
        whql_driver_id: None,
        feature_scores: vec![("AMD64.10.0".to_owned(), 128)],
        distribution_chids: Vec::new(),
        target_chids: Vec::new(),
    };
    let metadata = UpdateMetadata {
        identity: UpdateIdentity {
            update_id: Uuid::from_u128(u128::from(number) + 1),
            revision_number: 1,
        },
        update_type: UpdateType::Driver,
        explicitly_deployable: true,
        publication_state: PublicationState::Published,
        creation_date: 0,
        default_language: "en".to_owned(),
        msrc_severity: None,
        kb_article_ids: Vec::new(),
        security_bulletin_ids: Vec::new(),
        eula_id: None,
        languages: Vec::new(),
        prerequisites: Vec::new(),
        bundled: Vec::new(),
        superseded: Vec::new(),
        category_type: None,
        files: Vec::new(),
        express: Vec::new(),
        eulas: Vec::new(),
        drivers: vec![
            entry(format!("PCI\\VEN_8086&DEV_{kind:05X}")),
            entry(format!("PCI\\CLASS_{:04X}", kind % CLASSES)),
        ],
        titles: Vec::new(),
    };
    NewRevision {
        id: RevisionId(number + 1),
        deployment_id: number + 1,
        imported: 0,
        changed: 0,
        metadata: Arc::new(metadata),
        core_bytes: 1_000,
    }
}
