//! What is read of real documents, and of every spelling the schema allows.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::metadata::corpus;
use crate::metadata::model::PublicationState;
use crate::wire::types::{Sha1, UpdateIdentity};

/// A document with the given children after a plain identity.
fn document(children: &str) -> String {
    format!(
        "<?xml version='1.0'?><p:Update xmlns:p='http://schemas.microsoft.com/msus/2002/12/Update'>\
         <p:UpdateIdentity RevisionNumber='7' UpdateID='{{266F6222-c89d-43f2-9f8a-69340271e677}}'/>\
         {children}</p:Update>"
    )
}

const SOFTWARE: &str = "<p:Properties UpdateType='Software'/>";

fn parsed(children: &str) -> UpdateMetadata {
    parse(&document(&format!("{SOFTWARE}{children}"))).unwrap()
}

fn refused(children: &str) -> String {
    parse(&document(children)).unwrap_err().to_string()
}

fn id(last: u8) -> uuid::Uuid {
    uuid::Uuid::from_u128(last.into())
}

fn member(last: u8) -> String {
    format!("<p:UpdateIdentity UpdateID='{{{}}}' RevisionNumber='{last}'/>", id(last))
}

#[test]
fn recorded_documents_say_what_they_are_known_to_say() {
    let documents = corpus::documents("documents");
    let read = |start: &str| {
        let document = documents.iter().find(|(name, _)| name.starts_with(start));
        document.map(|(_, text)| parse(text).unwrap())
    };
    let (Some(bundle), Some(leaf), Some(company)) =
        (read("a2fef9b0"), read("266f6222"), read("56309036"))
    else {
        return;
    };

    assert_eq!(bundle.identity.to_string(), "a2fef9b0-7951-4c2c-a42b-9e351dd1c1fe/200");
    assert_eq!(bundle.update_type, UpdateType::Software);
    assert!(bundle.explicitly_deployable);
    assert_eq!(bundle.kb_article_ids, ["2267602"]);
    assert_eq!(bundle.superseded.len(), 10);
    let categories: Vec<_> = bundle.prerequisites.iter().map(|p| p.is_category).collect();
    assert_eq!(categories, [false, false, true, true]);
    assert!(bundle.bundled.iter().all(|clause| clause.alternatives.len() >= 7));
    assert!(bundle.files.is_empty());
    assert!(bundle.title("EN").starts_with("Security Intelligence Update"));
    assert!(bundle.title("bg").starts_with("Актуализация"));

    assert!(!leaf.explicitly_deployable);
    assert_eq!(leaf.publication_state, PublicationState::Published);
    assert_eq!(leaf.creation_date, 1_791_115_258);
    let [file] = &leaf.files[..] else { panic!("{:?}", leaf.files) };
    assert_eq!((file.name.as_str(), file.size), ("AM_Delta.exe", 11_606_440));
    assert_eq!(file.sha1.to_hex(), "87F5BD046958500 6AA5D3A77D1C662FD2895DDCD".replace(' ', ""));
    assert!(file.sha256.is_some());

    assert_eq!(company.category_type, Some(CategoryType::Company));
    assert_eq!(company.titles.len(), 24);
    assert_eq!(company.prerequisites, []);
}

#[test]
fn whole_documents_of_the_public_service_are_read() {
    for (name, text) in corpus::documents("documents-other") {
        let update = parse(&text).unwrap();
        match name.as_str() {
            "bundle-kb5013943.xml" => {
                assert_eq!(update.msrc_severity.as_deref(), Some("Critical"));
                assert_eq!(update.superseded.len(), 14);
                assert_eq!(update.bundled.len(), 1);
                assert_eq!(update.prerequisites.len(), 4);
            }
            "category-exchange2000.xml" => {
                assert_eq!(update.category_type, Some(CategoryType::Product));
            }
            _ => assert_eq!(update.update_type, UpdateType::Detectoid),
        }
    }
}

#[test]
fn packages_are_refused_as_packages() {
    for (name, text) in corpus::documents("sdp/packages") {
        assert_eq!(parse(&text), Err(DocumentError::SoftwareDistributionPackage), "{name}");
    }
    let package = format!("<SoftwareDistributionPackage xmlns='{PACKAGE}'/>");
    let reason = parse(&package).unwrap_err().to_string();
    assert!(reason.starts_with("this is a SoftwareDistributionPackage"), "{reason}");
}

#[test]
fn identities_are_read_in_any_spelling() {
    let update = parsed("");
    assert_eq!(update.identity.to_string(), "266f6222-c89d-43f2-9f8a-69340271e677/7");
    assert_eq!(update.default_language, "en");
    assert_eq!(update.category_type, None);
}

#[test]
fn relations_are_read_in_both_spellings() {
    let members = |ids: &[u8]| ids.iter().map(|last| member(*last)).collect::<String>();
    let update = parsed(&format!(
        "<p:Relationships>\n<p:SupersededUpdates>{}</p:SupersededUpdates>\
         <p:Prerequisites>{}<p:AtLeastOne IsCategory='1'>{}</p:AtLeastOne>\
         <p:AtLeastOne>{}</p:AtLeastOne></p:Prerequisites>\
         <p:BundledUpdates>{}<p:AtLeastOne>{}</p:AtLeastOne></p:BundledUpdates>\
         </p:Relationships>",
        members(&[1, 2, 1]),
        members(&[3, 3]),
        members(&[4, 5, 4]),
        members(&[6]),
        members(&[7, 8]),
        members(&[9, 9, 10]),
    ));
    assert_eq!(update.superseded, [id(1), id(2)]);
    let clauses: Vec<_> =
        update.prerequisites.iter().map(|p| (&p.alternatives[..], p.is_category)).collect();
    assert_eq!(
        clauses,
        [(&[id(3)][..], false), (&[id(3)], false), (&[id(4), id(5)], true), (&[id(6)], false)]
    );
    let revision = |last: u8| UpdateIdentity { update_id: id(last), revision_number: last.into() };
    let bundled: Vec<_> = update.bundled.iter().map(|clause| &clause.alternatives[..]).collect();
    assert_eq!(bundled, [&[revision(7)][..], &[revision(8)], &[revision(9), revision(10)]]);
}

#[test]
fn drivers_have_a_row_for_every_hardware_id() {
    let driver = "http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/WindowsDriver";
    let update = parse(&document(&format!(
        "<p:Properties UpdateType='Driver'/><p:ApplicabilityRules><p:IsInstalled/><p:Metadata>\
         <d:WindowsDriverMetaData xmlns:d='{driver}' HardwareID='pci\\ven_8086&amp;dev_100e' \
         DriverVerDate='2009-10-28' DriverVerVersion='8.4.1.0' Class='Networking' Company='C' \
         Manufacturer='M' Provider='P' Model='X' WhqlDriverID='123'>\
         <d:CompatibleProvider>Q</d:CompatibleProvider>\
         <d:FeatureScore OperatingSystem='amd64.10.0' FeatureScore='255'/>\
         <d:DistributionComputerHardwareId>{{{}}}</d:DistributionComputerHardwareId>\
         <d:TargetComputerHardwareId> {} </d:TargetComputerHardwareId>\
         </d:WindowsDriverMetaData>\
         <WindowsDriverMetaData xmlns='{driver}' HardwareID='a'/>\
         <p:WindowsDriverMetaData HardwareID='of another schema'/>\
         </p:Metadata></p:ApplicabilityRules>",
        id(1),
        id(2),
    )))
    .unwrap();
    let [first, second] = &update.drivers[..] else { panic!("{:?}", update.drivers) };
    assert_eq!(first.hardware_id, "pci\\ven_8086&dev_100e");
    assert_eq!(first.ver_date, 1_256_688_000);
    assert_eq!(first.ver_version, 0x0008_0004_0001_0000);
    assert_eq!((first.class.as_str(), first.provider.as_str()), ("Networking", "P"));
    assert_eq!((first.manufacturer.as_str(), first.model.as_str()), ("M", "X"));
    assert_eq!(first.whql_driver_id, Some(123));
    assert_eq!(first.feature_scores, [("amd64.10.0".to_owned(), 255)]);
    assert_eq!(
        (&first.distribution_chids[..], &first.target_chids[..]),
        (&[id(1)][..], &[id(2)][..])
    );
    assert_eq!((second.ver_date, second.ver_version, second.whql_driver_id), (0, 0, None));
}

#[test]
fn licences_are_files_in_a_language() {
    let eula = "<p:LocalizedPropertiesCollection><p:EulaFile Language='en' GeoId='USA' Size='1' \
        FileName='eula.txt' DigestAlgorithm='SHA1' Digest='hlQslyYcRtWzeaQ+yJX5fq9Am6I='/>\
        </p:LocalizedPropertiesCollection>";
    let update = parsed(eula);
    let [eula] = &update.eulas[..] else { panic!("{:?}", update.eulas) };
    assert_eq!((eula.language.as_str(), eula.geo_id.as_deref()), ("en", Some("USA")));
    assert_eq!((eula.file.name.as_str(), eula.file.sha256), ("eula.txt", None));
}

#[test]
fn withdrawn_updates_are_known_as_such() {
    let update = parse(&document(
        "<p:Properties UpdateType='Detectoid' PublicationState='Expired' CreationDate='soon'/>",
    ))
    .unwrap();
    assert_eq!(update.publication_state, PublicationState::Expired);
    assert_eq!(update.creation_date, 0);
}

#[test]
fn express_files_are_known_by_their_patching_type() {
    let file = |byte: u8, patching_type: &str| {
        format!(
            "<p:File FileName='f' Size='1' Digest='{}' {patching_type}/>",
            BASE64_STANDARD.encode([byte; 20])
        )
    };
    let files = [
        file(1, ""),
        file(2, "PatchingType='Express'"),
        file(3, "PatchingType='SelfContained'"),
        file(4, "PatchingType='express '"),
    ];
    let metadata = parsed(&format!("<p:Files>{}</p:Files>", files.concat()));
    assert_eq!(metadata.files.len(), 4);
    assert_eq!(metadata.express, [Sha1([2; 20]), Sha1([4; 20])]);
}

#[test]
fn refusals_name_the_place_and_what_was_expected() {
    assert_eq!(
        refused("<p:Properties UpdateType='Firmware'/>"),
        "Properties/@UpdateType is 'Firmware', which is not Software, Driver, Category or Detectoid"
    );
    assert_eq!(refused(""), "Properties is missing");
    assert_eq!(refused("<p:Properties/>"), "Properties/@UpdateType is missing");
    assert_eq!(
        refused("<p:Properties UpdateType='Software' PublicationState='Draft'/>"),
        "Properties/@PublicationState is 'Draft', which is not Published or Expired"
    );
    let relations =
        |inside: &str| refused(&format!("{SOFTWARE}<p:Relationships>{inside}</p:Relationships>"));
    assert_eq!(
        relations("<p:Prerequisites><p:AtLeastOne/></p:Prerequisites>"),
        "AtLeastOne/UpdateIdentity is missing"
    );
    assert_eq!(
        relations("<p:Prerequisites><p:UpdateIdentity UpdateID='x'/></p:Prerequisites>"),
        "UpdateIdentity/@UpdateID is 'x', which is not a GUID"
    );
    assert_eq!(
        relations(&format!(
            "<p:BundledUpdates><p:UpdateIdentity UpdateID='{}'/></p:BundledUpdates>",
            id(1)
        )),
        "UpdateIdentity/@RevisionNumber is missing"
    );
    let file = |attributes: &str| {
        refused(&format!("{SOFTWARE}<p:Files><p:File FileName='f' {attributes}/></p:Files>"))
    };
    assert_eq!(
        file("Size='1' Digest='AAAA'"),
        "File/@Digest is 'AAAA', which is not Base64 of the 20 bytes of a SHA-1 digest"
    );
    assert_eq!(
        file("Digest='hlQslyYcRtWzeaQ+yJX5fq9Am6I=' Size='-1'"),
        "File/@Size is '-1', which is not a number of bytes"
    );
    assert_eq!(
        file("Digest='AAAA' DigestAlgorithm='MD5'"),
        "File/@DigestAlgorithm is 'MD5', which is not SHA1"
    );
    assert_eq!(parse("").unwrap_err().to_string(), "the document ends early");
}

#[test]
fn counts_are_capped() {
    let many =
        "<p:UpdateIdentity UpdateID='266f6222-c89d-43f2-9f8a-69340271e677'/>".repeat(100_001);
    assert_eq!(
        refused(&format!(
            "{SOFTWARE}<p:Relationships><p:SupersededUpdates>{many}</p:SupersededUpdates>\
             </p:Relationships>"
        )),
        "more than 100000 references to updates"
    );
}

#[test]
fn languages_are_those_of_the_properties_in_lower_case() {
    let update = parse(&document(
        "<p:Properties UpdateType='Software'><p:Language>en</p:Language>\
         <p:Language> ZH-CN </p:Language><p:Language/></p:Properties>",
    ));
    let update = update.unwrap();
    assert_eq!(update.languages, ["en", "zh-cn"]);
}
