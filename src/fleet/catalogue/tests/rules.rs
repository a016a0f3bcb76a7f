//! Evaluates the rules of a document on a machine, as plainly as possible.

use roxmltree::{Document, Node};

use crate::fleet::profile::{Profile, RegistryValue, Version};

/// A document with its rules.
pub(super) struct Rules<'d>(pub(super) Document<'d>);

impl Rules<'_> {
    /// Whether the section (`IsInstalled`, `IsInstallable`) holds; one that is not there does not.
    pub(super) fn hold(&self, section: &str, profile: &Profile) -> bool {
        let section = self.0.descendants().find(|node| node.has_tag_name(section_name(section)));
        let rule = section.and_then(|section| section.first_element_child());
        rule.is_some_and(|rule| self.holds(rule, profile))
    }

    fn holds(&self, rule: Node<'_, '_>, profile: &Profile) -> bool {
        let text = |name| rule.attribute(name).unwrap_or_default();
        let version = |name| text(name).parse::<Version>().expect("a version");
        let place = || profile.registry_value(text("Subkey"), text("Value"));
        let mut children = rule.children().filter(Node::is_element);
        let compare = |order| compared(text("Comparison"), order);
        match rule.tag_name().name() {
            "True" => true,
            "And" => children.all(|child| self.holds(child, profile)),
            "Or" => children.any(|child| self.holds(child, profile)),
            "Not" => !children.any(|child| self.holds(child, profile)),
            "RegKeyExists" => profile.registry.get(text("Subkey")).is_some(),
            "RegValueExists" => match place() {
                Some(RegistryValue::Dword(_)) => text("Type") == "REG_DWORD",
                Some(RegistryValue::Sz(_)) => text("Type") == "REG_SZ",
                Some(RegistryValue::Binary) => text("Type") == "REG_BINARY",
                None => false,
            },
            "RegDword" => match place() {
                Some(RegistryValue::Dword(own)) => {
                    compare(own.cmp(&text("Data").parse().expect("a number")))
                }
                _ => false,
            },
            "RegSz" => profile.sz(text("Subkey"), text("Value")) == Some(text("Data")),
            "RegSzToVersion" => profile
                .sz(text("Subkey"), text("Value"))
                .and_then(|own| own.parse::<Version>().ok())
                .is_some_and(|own| compare(own.cmp(&version("Data")))),
            "FileExists" => profile.files.get(&system_file(&rule)).is_some(),
            "FileVersion" => profile
                .files
                .get(&system_file(&rule))
                .is_some_and(|own| compare(own.cmp(&version("Version")))),
            "FileVersionPrependRegSz" => profile
                .sz(text("Subkey"), text("Value"))
                .and_then(|folder| profile.files.get(&format!(r"{folder}\{}", text("Path"))))
                .is_some_and(|own| compare(own.cmp(&version("Version")))),
            "WindowsVersion" => {
                let number = |name| rule.attribute(name).map(|text| text.parse().expect("number"));
                let build: Option<u32> = number("BuildNumber");
                let own = (profile.os.major, profile.os.minor, build.map(|_| profile.os.build));
                let wanted = (number("MajorVersion"), number("MinorVersion"));
                let wanted = (wanted.0.unwrap_or(0), wanted.1.unwrap_or(0), build);
                let product_type = number("ProductType");
                compare(own.cmp(&wanted))
                    && product_type
                        .is_none_or(|wanted| wanted == u32::from(profile.os.product_type))
            }
            "WindowsLanguage" => profile.language == text("Language"),
            "Processor" => text("Architecture") == profile.architecture.processor().to_string(),
            "MsiProductInstalled" => {
                let code = text("ProductCode").trim_matches(['{', '}']);
                let bound = |name| rule.attribute(name).map(|_| version(name));
                profile.msi_products.get(code).is_some_and(|own| {
                    bound("VersionMin").is_none_or(|min| *own >= min)
                        && bound("VersionMax").is_none_or(|max| *own < max)
                })
            }
            "CbsPackageInstalled" => self.has_package("assembly", profile),
            "CbsPackageInstallable" => self.has_package("parent", profile),
            "CbsPackageInstalledByIdentity" => {
                let (package, version) = text("PackageIdentity").rsplit_once('~').expect("parts");
                profile.cbs_packages.get(&format!("{package}~")) == version.parse().ok().as_ref()
            }
            "ProductReleaseInstalled" => profile
                .product_releases
                .get(text("Name"))
                .is_some_and(|own| *own >= version("Version")),
            "DeviceAttribute" => {
                profile.device_attributes.get(text("Name")).is_some_and(|own| match text("Type") {
                    "Version" => {
                        compare(own.parse::<Version>().ok().cmp(&text("Value").parse().ok()))
                    }
                    _ => compare(own.as_str().cmp(text("Value"))),
                })
            }
            other => panic!("no rule is called {other}"),
        }
    }

    /// Whether the package that the manifest's element identifies is there, at least as new.
    fn has_package(&self, element: &str, profile: &Profile) -> bool {
        let element = self.0.descendants().find(|node| node.tag_name().name() == element);
        let identity = element.and_then(|element| element.first_element_child()).expect("identity");
        let part = |name| identity.attribute(name).expect("part");
        let token = part("publicKeyToken");
        let package = format!("{}~{token}~{}~~", part("name"), part("processorArchitecture"));
        let version: Version = part("version").parse().expect("a version");
        profile.cbs_packages.get(&package).is_some_and(|own| *own >= version)
    }
}

fn section_name(section: &str) -> (&str, &str) {
    ("http://schemas.microsoft.com/msus/2002/12/Update", section)
}

fn system_file(rule: &Node<'_, '_>) -> String {
    assert_eq!(rule.attribute("Csidl"), Some("37"));
    format!(r"C:\Windows\System32{}", rule.attribute("Path").unwrap_or_default())
}

fn compared(comparison: &str, order: std::cmp::Ordering) -> bool {
    match comparison {
        "LessThan" => order.is_lt(),
        "EqualTo" => order.is_eq(),
        "GreaterThanOrEqualTo" => order.is_ge(),
        "GreaterThan" => order.is_gt(),
        other => panic!("no comparison is called {other}"),
    }
}
