//! Fragments against those that real servers made.

use roxmltree::Node;

use crate::metadata::corpus;
use crate::metadata::fragments::derive;

/// One query parameter was blanked when the recordings were cleaned.
fn blank_link_ids(text: &str) -> String {
    let mut parts = text.split("LinkId=");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("LinkId=REDACTED");
        let id = part.strip_prefix("REDACTED");
        out.push_str(id.unwrap_or(part.trim_start_matches(|c: char| c.is_ascii_digit())));
    }
    out
}

#[test]
fn every_recorded_document_gives_the_recorded_fragments() {
    let expected = corpus::documents("fragments");
    for (name, document) in corpus::documents("documents") {
        let stem = name.trim_end_matches(".xml");
        let recorded = |kind: &str| {
            let wanted = format!("{stem}.{kind}.xml");
            let (_, text) = expected.iter().find(|(name, _)| *name == wanted).unwrap();
            text.clone()
        };
        let fragments = derive(&document).unwrap();
        assert_eq!(fragments.core, recorded("core"), "{name}");
        assert_eq!(fragments.extended, recorded("extended"), "{name}");
        let (_, english) = fragments.localized.iter().find(|(tag, _)| tag == "en").unwrap();
        let recorded_english = recorded("localized-en");
        if recorded_english.contains("REDACTED") {
            assert_eq!(blank_link_ids(english), blank_link_ids(&recorded_english), "{name}");
        } else {
            assert_eq!(*english, recorded_english, "{name}");
        }
    }
}

/// Fragments of other eras have no recorded document, so one is built around them: with prefixes,
/// declared on every element, and with everything a fragment leaves out.
#[test]
fn fragments_of_other_eras_come_out_of_documents_built_around_them() {
    let mut files = corpus::documents("fragments-other");
    files.extend(corpus::documents("cbs"));
    let pairs = [
        ("category-2026.core.xml", None),
        ("detectoid-2026.core.xml", None),
        ("leaf-147090.core.xml", None),
        ("xp-hotfix.core.xml", None),
        ("uup-bundle-2026.core.xml", Some("uup-bundle-2026.extended.xml")),
        ("cbs-dotnet-core-reduced.xml", Some("cbs-dotnet-extended.xml")),
        ("osinstaller-core.xml", Some("osinstaller-extended.xml")),
    ];
    if files.is_empty() {
        return;
    }
    for (core, extended) in pairs {
        let text = |wanted: &str| {
            let (_, text) = files.iter().find(|(name, _)| name == wanted).unwrap();
            text.trim_end().to_owned()
        };
        let core = text(core);
        let extended = extended.map(text);
        let document = document_around(&core, extended.as_deref().unwrap_or_default());
        let fragments = derive(&document).unwrap();
        assert_eq!(fragments.core, core);
        if let Some(extended) = extended {
            assert_eq!(fragments.extended, extended);
        }
    }
}

#[test]
fn layout_makes_no_difference() {
    for (name, document) in corpus::documents("documents-other") {
        let compact: String = document.lines().map(str::trim).collect();
        let fragments = derive(&document).unwrap();
        assert_eq!(fragments, derive(&compact).unwrap(), "{name}");
        assert!(!fragments.core.contains(['\n', '\r']), "{name}");
        assert!(!fragments.extended.contains("> "), "{name}");
    }
}

fn document_around(core: &str, extended: &str) -> String {
    let wrapped = format!("<r>{core}{extended}</r>");
    let tree = roxmltree::Document::parse(&wrapped).unwrap();
    let child = |name: &str| tree.root_element().children().find(|n| n.has_tag_name(name));

    let mut out =
        String::from("<u:Update xmlns:u=\"http://schemas.microsoft.com/msus/2002/12/Update\">");
    write(&mut out, &wrapped, child("UpdateIdentity").unwrap());
    out.push_str("<u:Properties PerUser=\"false\" PublicationState=\"Published\"");
    // Backwards, as Core has an order of its own.
    let flags: Vec<_> = child("Properties").unwrap().attributes().collect();
    for attribute in flags.iter().rev() {
        out.push_str(&format!(" {}=\"{}\"", attribute.name(), attribute.value()));
    }
    if let Some(properties) = child("ExtendedProperties") {
        for attribute in properties.attributes() {
            out.push_str(&format!(" {}=\"{}\"", attribute.name(), attribute.value()));
        }
        out.push('>');
        for element in properties.children() {
            write(&mut out, &wrapped, element);
        }
        out.push_str("</u:Properties>");
    } else {
        out.push_str(" OSUpgrade=\"false\"></u:Properties>");
    }
    // Not the order in which a fragment has them.
    for section in ["HandlerSpecificData", "Files", "ApplicabilityRules", "Relationships"] {
        if let Some(section) = child(section) {
            write(&mut out, &wrapped, section);
        }
    }
    out + "</u:Update>"
}

/// Writes `node` as a publisher would have: the bare names of the fragment get a namespace.
fn write(out: &mut String, source: &str, node: Node<'_, '_>) {
    if node.is_text() || node.tag_name().namespace().is_some() {
        out.push_str(&source[node.range()]);
        return;
    }
    let base = "http://schemas.microsoft.com/msus/2002/12";
    let (prefix, schema, local) = match node.tag_name().name() {
        name if name.starts_with("b.") => ("bar", "BaseApplicabilityRules", &name[2..]),
        name @ ("And" | "Or" | "Not" | "True") => ("lar", "LogicalApplicabilityRules", name),
        name if name.starts_with("Cbs") => ("c", "UpdateHandlers/Cbs", name),
        name => ("u", "Update", name),
    };
    out.push_str(&format!("<{prefix}:{local} xmlns:{prefix}=\"{base}/{schema}\""));
    for attribute in node.attributes() {
        let name = match attribute.name() {
            "type" => "xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type",
            name => name,
        };
        // As it stands between the quotes of the source.
        out.push_str(&format!(" {name}=\"{}\"", &source[attribute.range_value()]));
    }
    if source[node.range()].ends_with("/>") {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for child in node.children() {
        write(out, source, child);
    }
    out.push_str(&format!("</{prefix}:{local}>"));
}
