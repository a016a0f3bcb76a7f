//! The XML namespaces of update documents. Prefixes are the publisher's choice and mean nothing.

/// The document itself.
pub(crate) const UPDATE: &str = "http://schemas.microsoft.com/msus/2002/12/Update";

/// Rules about registry, files and the operating system; `b.` in Core fragments.
pub(super) const BASE_RULES: &str =
    "http://schemas.microsoft.com/msus/2002/12/BaseApplicabilityRules";

/// Rules about Windows Installer products and patches; `m.` in Core fragments.
pub(super) const MSI_RULES: &str =
    "http://schemas.microsoft.com/msus/2002/12/MsiApplicabilityRules";

/// Driver metadata and rules; `d.` in Core fragments.
pub(super) const WINDOWS_DRIVER: &str =
    "http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/WindowsDriver";

/// Handler data of categories.
pub(super) const CATEGORY: &str =
    "http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/Category";

/// A package to be published.
pub(super) const PACKAGE: &str =
    "http://schemas.microsoft.com/wsus/2005/04/CorporatePublishing/SoftwareDistributionPackage.xsd";

/// Whether `namespace` is one of the update schemas, whose declarations no fragment keeps.
pub(super) fn is_update_schema(namespace: &str) -> bool {
    namespace.starts_with("http://schemas.microsoft.com/msus/")
}
