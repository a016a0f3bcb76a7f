//! Rules about Windows and the hardware under it. No installation makes them true.

use std::cmp::Ordering;

use super::attributes::{Attributes, Unfit};
use super::comparison::Comparison;
use super::{Question, Truth};
use crate::fleet::profile::OperatingSystem;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SystemRule {
    Version(WindowsVersion),
    Language(Box<str>),
    MuiInstalled,
    MuiLanguage(Box<str>),
    Processor { architecture: u16, level: Option<u16>, revision: Option<u16> },
    Processors { comparison: Comparison, number: u32 },
    Metric { comparison: Comparison, index: i32, value: i32 },
    Licence { name: Box<str>, comparison: Comparison, data: u32 },
    Clustered,
}

/// `WindowsVersion`: what is given is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WindowsVersion {
    comparison: Comparison,
    major: Option<u32>,
    minor: Option<u32>,
    build: Option<u32>,
    service_pack: Option<u16>,
    service_pack_minor: Option<u16>,
    product_type: Option<u8>,
    suites: Option<u16>,
    all_suites: bool,
}

impl SystemRule {
    /// Reads the rule called `name` without its schema's prefix; none if it is no rule of this
    /// kind.
    pub(super) fn read(name: &str, from: &Attributes<'_>) -> Option<Result<Self, Unfit>> {
        Some(match name {
            "WindowsVersion" => WindowsVersion::read(from).map(Self::Version),
            "WindowsLanguage" => from.name("Language").map(Self::Language),
            "MuiInstalled" => Ok(Self::MuiInstalled),
            "MuiLanguageInstalled" => from.name("Language").map(Self::MuiLanguage),
            "Processor" => Self::read_processor(from),
            "NumberOfProcessors" => Self::read_processors(from),
            "SystemMetric" => Self::read_metric(from),
            "LicenseDword" => Self::read_licence(from),
            "ClusteredOS" => Ok(Self::Clustered),
            _ => return None,
        })
    }

    fn read_processor(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let (level, revision) = (from.perhaps("Level")?, from.perhaps("Revision")?);
        Ok(Self::Processor { architecture: from.value("Architecture")?, level, revision })
    }

    fn read_processors(from: &Attributes<'_>) -> Result<Self, Unfit> {
        Ok(Self::Processors { comparison: from.comparison()?, number: from.value("Number")? })
    }

    fn read_metric(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let (index, value) = (from.value("Index")?, from.value("Value")?);
        Ok(Self::Metric { comparison: from.comparison()?, index, value })
    }

    fn read_licence(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let (comparison, data) = (from.comparison()?, from.value("Data")?);
        Ok(Self::Licence { name: from.name("Value")?, comparison, data })
    }

    pub(super) fn holds(&self, question: Question<'_>) -> Truth {
        let machine = question.machine;
        match self {
            Self::Version(wanted) => wanted.holds(&machine.os).into(),
            // With the multilingual interface a system counts as English only for `Mui...` rules.
            Self::Language(language) => {
                let has_mui = machine.mui_languages.as_ref().is_some_and(|all| !all.is_empty());
                (!has_mui && machine.language.to_lowercase() == **language).into()
            }
            Self::MuiInstalled => {
                machine.mui_languages.as_ref().map(|languages| !languages.is_empty()).into()
            }
            Self::MuiLanguage(language) => {
                let is_it = |own: &String| own.to_lowercase() == **language;
                machine.mui_languages.as_ref().map(|languages| languages.iter().any(is_it)).into()
            }
            Self::Processor { architecture, level, revision } => {
                let same = |wanted: &Option<u16>, own: Option<u16>| match wanted {
                    Some(wanted) => own.map(|own| own == *wanted).into(),
                    None => Truth::True,
                };
                Truth::all([
                    (machine.architecture.processor() == *architecture).into(),
                    same(level, machine.processor_level),
                    same(revision, machine.processor_revision),
                ])
            }
            Self::Processors { comparison, number } => {
                machine.processors.map(|own| comparison.holds(own.cmp(number))).into()
            }
            Self::Metric { comparison, index, value } => {
                let own = machine.system_metrics.get(index);
                own.map(|own| comparison.holds(own.cmp(value))).into()
            }
            Self::Licence { name, comparison, data } => {
                let holds = |own: &u32| comparison.holds(own.cmp(data));
                machine.licences.as_ref().map(|all| all.get(name).is_some_and(holds)).into()
            }
            Self::Clustered => machine.clustered.into(),
        }
    }
}

impl WindowsVersion {
    fn read(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let is_compared = from.text("Comparison").is_some();
        Ok(Self {
            comparison: if is_compared { from.comparison()? } else { Comparison::EqualTo },
            major: from.perhaps("MajorVersion")?,
            minor: from.perhaps("MinorVersion")?,
            build: from.perhaps("BuildNumber")?,
            service_pack: from.perhaps("ServicePackMajor")?,
            service_pack_minor: from.perhaps("ServicePackMinor")?,
            product_type: from.perhaps("ProductType")?,
            suites: from.perhaps("SuiteMask")?,
            all_suites: from.flag("AllSuitesMustBePresent")?,
        })
    }

    /// What `VerifyVersionInfo` does: version and service pack are compared as one, the more
    /// significant number first, and the build by itself, both in the same way. The agent was seen
    /// to compare the product type for equality whatever `Comparison` says.
    fn holds(&self, os: &OperatingSystem) -> bool {
        let numbers = [
            (self.major, os.major),
            (self.minor, os.minor),
            (self.service_pack.map(u32::from), os.service_pack.into()),
            (self.service_pack_minor.map(u32::from), os.service_pack_minor.into()),
        ];
        let compared = numbers.iter().filter_map(|(wanted, own)| Some(own.cmp(&(*wanted)?)));
        let as_one = compared.reduce(Ordering::then);
        let build = self.build.map(|wanted| os.build.cmp(&wanted));
        let by_number =
            [as_one, build].into_iter().flatten().all(|order| self.comparison.holds(order));
        let by_suite = self.suites.is_none_or(|wanted| match self.all_suites {
            true => os.suite & wanted == wanted,
            false => os.suite & wanted != 0,
        });
        by_number && by_suite && self.product_type.is_none_or(|wanted| wanted == os.product_type)
    }
}
