//! The rules of derivation, one by one.

use super::*;
use crate::wire::xml::XmlError;

/// A document with `sections` after an identity and the given `Properties`.
fn document(properties: &str, sections: &str) -> String {
    format!(
        "<upd:Update xmlns:upd=\"http://schemas.microsoft.com/msus/2002/12/Update\" \
         xmlns:bar=\"http://schemas.microsoft.com/msus/2002/12/BaseApplicabilityRules\" \
         xmlns:mar=\"http://schemas.microsoft.com/msus/2002/12/MsiApplicabilityRules\" \
         xmlns:drv=\"http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/WindowsDriver\">\
         <upd:UpdateIdentity UpdateID=\"1\" RevisionNumber=\"1\"/>{properties}{sections}\
         </upd:Update>"
    )
}

const IDENTITY: &str = "<UpdateIdentity UpdateID=\"1\" RevisionNumber=\"1\" />";

/// The Core fragment of a document with these rules, without identity and properties.
fn core_rules(rules: &str) -> String {
    let rules = format!("<upd:ApplicabilityRules>{rules}</upd:ApplicabilityRules>");
    let core = derive(&document("<upd:Properties/>", &rules)).unwrap().core;
    let rest = core.strip_prefix(IDENTITY).unwrap().strip_prefix("<Properties />").unwrap();
    let rest = rest.strip_prefix("<ApplicabilityRules>").unwrap();
    rest.strip_suffix("</ApplicabilityRules>").unwrap().to_owned()
}

fn extended(properties: &str, sections: &str) -> String {
    derive(&document(properties, sections)).unwrap().extended
}

#[test]
fn core_properties_have_their_own_order_and_no_defaults() {
    let properties = |attributes: &str| {
        let properties = format!("<upd:Properties {attributes}><upd:A/></upd:Properties>");
        derive(&document(&properties, "")).unwrap().core.strip_prefix(IDENTITY).unwrap().to_owned()
    };
    assert_eq!(
        properties(
            "EulaID='e' OSUpgrade='swap' AutoSelectOnWebSites='true' ExplicitlyDeployable='true' UpdateType='Software'"
        ),
        "<Properties UpdateType=\"Software\" ExplicitlyDeployable=\"true\" \
         AutoSelectOnWebSites=\"true\" OSUpgrade=\"swap\" EulaID=\"e\" />"
    );
    assert_eq!(
        properties(
            "UpdateType='Category' ExplicitlyDeployable='false' AutoSelectOnWebSites='false' OSUpgrade='false' IsPublic='true'"
        ),
        "<Properties UpdateType=\"Category\" />"
    );
}

#[test]
fn extended_properties_lose_what_core_or_nobody_needs() {
    let properties = "<upd:Properties UpdateType='Software' Handler='h' ExplicitlyDeployable='true' \
        AutoSelectOnWebSites='true' EulaID='e' PublicationState='Published' PublisherID='p' \
        CreationDate='c' IsPublic='false' LegacyName='l' DetectoidType='d' OSUpgrade='swap' \
        PerUser='false' IsBeta='false' MaxDownloadSize='1'>\n \
        <upd:InstallationBehavior Impact='Minor'/>\n <upd:KBArticleID>1</upd:KBArticleID>\n\
        </upd:Properties>";
    assert_eq!(
        extended(properties, ""),
        "<ExtendedProperties Handler=\"h\" IsBeta=\"false\" MaxDownloadSize=\"1\">\
         <InstallationBehavior Impact=\"Minor\" /><KBArticleID>1</KBArticleID>\
         </ExtendedProperties>"
    );
    assert_eq!(
        extended("<upd:Properties PerUser='true'>\n </upd:Properties>", ""),
        "<ExtendedProperties PerUser=\"true\" />"
    );
}

#[test]
fn rule_schemas_are_marked_in_core_only() {
    assert_eq!(
        core_rules("<bar:A/><mar:B/><drv:C><drv:D>t</drv:D></drv:C><x:E xmlns:x='urn:x'/>"),
        "<b.A /><m.B /><d.C><d.D>t</d.D></d.C><E />"
    );
    let handler = "<upd:HandlerSpecificData xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' \
        xsi:type='drv:WindowsDriver'><drv:WindowsDriverData/></upd:HandlerSpecificData>";
    assert_eq!(
        extended("<upd:Properties/>", handler),
        "<ExtendedProperties /><HandlerSpecificData type=\"drv:WindowsDriver\">\
         <WindowsDriverData /></HandlerSpecificData>"
    );
}

#[test]
fn islands_keep_their_default_namespace_where_the_source_has_it() {
    let patch = "<mar:MsiPatchMetadata><MsiPatch SchemaVersion=\"1.0.0.0\" PatchGUID=\"{1}\" \
        xmlns=\"http://www.microsoft.com/msi/patch_applicability.xsd\"><TargetProduct \
        MinMsiVersion=\"4\"><TargetVersion Validate=\"true\"></TargetVersion></TargetProduct>\
        </MsiPatch></mar:MsiPatchMetadata>";
    assert_eq!(core_rules(patch), patch.replace("mar:", "m."));
    let manifest = "<assembly xmlns=\"urn:schemas-microsoft-com:asm.v3\" v=\"1\">\
        <package restart=\"possible\"></package><file xmlns=\"\" /></assembly>";
    assert_eq!(core_rules(manifest), manifest);
}

#[test]
fn update_schemas_lose_their_declarations_however_they_are_spelled() {
    let document = "<Update xmlns='http://schemas.microsoft.com/msus/2002/12/Update'>\
        <UpdateIdentity UpdateID='1' RevisionNumber='1'/><Properties/><ApplicabilityRules>\
        <ProductReleaseInstalled xmlns='http://schemas.microsoft.com/msus/2016/01/X' Name='n'/>\
        <RegKeyExists xmlns='http://schemas.microsoft.com/msus/2002/12/BaseApplicabilityRules'/>\
        </ApplicabilityRules></Update>";
    let core = derive(document).unwrap().core;
    assert!(
        core.ends_with(
            "<ApplicabilityRules><ProductReleaseInstalled Name=\"n\" /><b.RegKeyExists />\
             </ApplicabilityRules>"
        ),
        "{core}"
    );
}

#[test]
fn attributes_never_collide_when_their_prefixes_go() {
    assert_eq!(
        core_rules(
            "<bar:A x:n='1' n='2' y:n='3' x:m='4' y:m='5' x:xmlns='6' xmlns:x='urn:x' xmlns:y='urn:y'/>"
        ),
        "<b.A n=\"2\" m=\"4\" />"
    );
}

#[test]
fn text_is_kept_and_layout_is_not() {
    assert_eq!(
        core_rules(
            "\n <bar:A>\r\n\t<bar:B> a &amp;\n<!-- c --> b </bar:B>\n <?p i?><bar:C> </bar:C></bar:A>\n"
        ),
        "<b.A><b.B> a &amp;\n b </b.B><b.C> </b.C></b.A>"
    );
    assert_eq!(
        core_rules("<bar:A>&lt; &gt;<![CDATA[ <&\"' ]]></bar:A>"),
        "<b.A>&lt; &gt; &lt;&amp;\"' </b.A>"
    );
    assert_eq!(core_rules("<bar:A></bar:A><bar:B  />"), "<b.A></b.A><b.B />");
}

#[test]
fn attribute_values_are_escaped_as_the_real_server_does() {
    assert_eq!(
        core_rules("<bar:A B='&quot;x&quot; > y &lt; z &amp; \\ &#39;' C=\"it's\"/>"),
        "<b.A B=\"&quot;x&quot; &gt; y &lt; z &amp; \\ '\" C=\"it's\" />"
    );
}

#[test]
fn each_language_and_licence_has_a_fragment() {
    let fragments = derive(&document(
        "<upd:Properties/>",
        "<upd:LocalizedPropertiesCollection>\
         <upd:LocalizedProperties><upd:Language> pt-BR </upd:Language><upd:Title>a</upd:Title></upd:LocalizedProperties>\
         <upd:LocalizedProperties><upd:Title>b</upd:Title><upd:Language>ja</upd:Language></upd:LocalizedProperties>\
         <upd:LocalizedProperties><upd:Language>JA</upd:Language></upd:LocalizedProperties>\
         <upd:EulaFile Language='en' GeoId='' Digest='d'><upd:AdditionalDigest Algorithm='SHA256'>x</upd:AdditionalDigest></upd:EulaFile>\
         <upd:EulaFile Language='en' GeoId='DEU'/>\
         </upd:LocalizedPropertiesCollection>",
    ))
    .unwrap();
    let languages: Vec<_> = fragments.localized.iter().map(|(tag, _)| tag.as_str()).collect();
    assert_eq!(languages, ["pt-BR", "ja"]);
    assert_eq!(
        fragments.localized[1].1,
        "<LocalizedProperties><Title>b</Title><Language>ja</Language></LocalizedProperties>"
    );
    assert_eq!(
        fragments.eula,
        [
            EulaFragment {
                language: "en".to_owned(),
                geo_id: None,
                xml: "<EulaFile Language=\"en\" GeoId=\"\" Digest=\"d\"><AdditionalDigest \
                      Algorithm=\"SHA256\">x</AdditionalDigest></EulaFile>"
                    .to_owned(),
            },
            EulaFragment {
                language: "en".to_owned(),
                geo_id: Some("DEU".to_owned()),
                xml: "<EulaFile Language=\"en\" GeoId=\"DEU\" />".to_owned(),
            },
        ]
    );
    assert_eq!(fragments.extended, "<ExtendedProperties />");
}

#[test]
fn what_is_no_update_is_refused_with_a_reason() {
    let reason = |document: &str| derive(document).unwrap_err().to_string();
    assert_eq!(
        reason("<Update/>"),
        "the root element is 'Update', not Update of http://schemas.microsoft.com/msus/2002/12/Update"
    );
    let missing = document("", "");
    assert_eq!(reason(&missing), "Properties is missing");
    let twice = document("<upd:Properties/><upd:Properties/>", "");
    assert_eq!(reason(&twice), "Properties occurs more than once");
    let no_language = "<upd:LocalizedPropertiesCollection><upd:LocalizedProperties/>\
        </upd:LocalizedPropertiesCollection>";
    let no_language = document("<upd:Properties/>", no_language);
    assert_eq!(reason(&no_language), "LocalizedProperties/Language is missing");
    for cut in [1, 10, 200, missing.len() - 1] {
        assert!(derive(&missing[..cut]).is_err(), "{cut}");
    }
    assert!(derive(&format!("{}<x/>", document("<upd:Properties/>", ""))).is_err());
}

#[test]
fn deep_nesting_is_refused_and_long_runs_are_not() {
    let deep = "<bar:Not>".repeat(200) + &"</bar:Not>".repeat(200);
    let deep = format!("<upd:ApplicabilityRules>{deep}</upd:ApplicabilityRules>");
    assert!(matches!(
        derive(&document("<upd:Properties/>", &deep)),
        Err(DocumentError::Xml(XmlError::Limit { .. }))
    ));
    let long = core_rules(&"<bar:RegDword Key=\"k\"/>\n".repeat(20_000));
    assert_eq!(long, "<b.RegDword Key=\"k\" />".repeat(20_000));
}

#[test]
fn the_number_of_texts_is_capped() {
    let texts = "<upd:EulaFile Language='en'/>".repeat(5_001);
    let texts =
        format!("<upd:LocalizedPropertiesCollection>{texts}</upd:LocalizedPropertiesCollection>");
    let refused = derive(&document("<upd:Properties/>", &texts)).unwrap_err();
    assert_eq!(refused.to_string(), "more than 5000 localized texts");
}
