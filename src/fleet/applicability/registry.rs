//! Rules about the registry.
//!
//! A key or value that is not there makes every rule about it false, whatever is compared. Rules
//! see the 64-bit registry; with `RegType32` they see what 32-bit programs do.

use super::attributes::{Attributes, Unfit};
use super::comparison::{Comparison, TextComparison};
use super::reach::Reach;
use super::{Question, Truth};
use crate::fleet::profile::{AnyCase, Architecture, Profile, RegistryValue, Version};

/// A key, by its names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Whether it is below the key that a `RegKeyLoop` is at.
    in_loop: bool,
    subkey: Box<str>,
    /// Where 32-bit programs find it on 64-bit systems, if that is what the rule asks for.
    redirected: Option<Box<str>>,
}

/// A value under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    key: Key,
    value: Box<str>,
}

/// `REG_...`, as `RegValueExists` asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueType {
    Dword,
    Sz,
    ExpandSz,
    Binary,
    MultiSz,
    Qword,
    /// One that no profile has.
    Other,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RegistryRule {
    KeyExists(Key),
    ValueExists {
        place: Place,
        value_type: Option<ValueType>,
    },
    Dword {
        place: Place,
        comparison: Comparison,
        data: u32,
    },
    Text {
        place: Place,
        expand: bool,
        comparison: TextComparison,
        data: Box<str>,
    },
    ToVersion {
        place: Place,
        comparison: Comparison,
        data: Version,
    },
    /// `WUv4RegKeyValue` of the oldest updates, which knows no types: text or number, as text.
    Plain {
        place: Place,
        data: Box<str>,
    },
}

impl Key {
    pub(super) fn read(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let in_loop = match from.required("Key")?.trim() {
            "HKEY_LOCAL_MACHINE" => false,
            "HKEY_LOOP_TARGET" => true,
            _ => return Err(Unfit("Key")),
        };
        let subkey = canonical(if in_loop {
            from.text("Subkey").unwrap_or_default()
        } else {
            from.required("Subkey")?
        });
        let below = subkey.strip_prefix(r"software\").filter(|_| !in_loop);
        let redirected = match (from.flag("RegType32")?, below) {
            (true, Some(below)) => Some(format!(r"software\wow6432node\{below}").into()),
            _ => None,
        };
        Ok(Self { in_loop, subkey, redirected })
    }

    /// The subkey on this machine.
    pub(super) fn on(&self, question: Question<'_>) -> std::borrow::Cow<'_, str> {
        if self.in_loop {
            let target = question.loop_target.unwrap_or_default();
            return if self.subkey.is_empty() {
                target.to_owned().into()
            } else {
                format!(r"{target}\{}", self.subkey).into()
            };
        }
        match &self.redirected {
            Some(redirected) if question.machine.architecture != Architecture::X86 => {
                (&**redirected).into()
            }
            _ => (&*self.subkey).into(),
        }
    }
}

impl Place {
    pub(super) fn read(from: &Attributes<'_>) -> Result<Self, Unfit> {
        Ok(Self { key: Key::read(from)?, value: from.name("Value")? })
    }

    pub(super) fn find<'m>(&self, question: Question<'m>) -> Option<&'m RegistryValue> {
        question.machine.registry_value(&self.key.on(question), &self.value)
    }

    /// A `REG_SZ`.
    pub(super) fn sz<'m>(&self, question: Question<'m>) -> Option<&'m str> {
        match self.find(question)? {
            RegistryValue::Sz(text) => Some(text),
            _ => None,
        }
    }

    fn put(&self, machine: &mut Profile, value: Option<RegistryValue>) {
        let subkey = self.key.on(Question::about(machine)).into_owned();
        match value {
            Some(value) => {
                if machine.registry.get(&subkey).is_none() {
                    machine.registry.insert(&subkey, AnyCase::default());
                }
                if let Some(key) = machine.registry.get_mut(&subkey) {
                    key.insert(&self.value, value);
                }
            }
            None => {
                if let Some(key) = machine.registry.get_mut(&subkey) {
                    key.remove(&self.value);
                }
            }
        }
    }
}

impl ValueType {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "REG_DWORD" => Self::Dword,
            "REG_SZ" => Self::Sz,
            "REG_EXPAND_SZ" => Self::ExpandSz,
            "REG_BINARY" => Self::Binary,
            "REG_MULTI_SZ" => Self::MultiSz,
            "REG_QWORD" => Self::Qword,
            "REG_FULL_RESOURCE_DESCRIPTOR" => Self::Other,
            _ => return None,
        })
    }

    fn of(value: &RegistryValue) -> Self {
        match value {
            RegistryValue::Dword(_) => Self::Dword,
            RegistryValue::Sz(_) => Self::Sz,
            RegistryValue::ExpandSz(_) => Self::ExpandSz,
            RegistryValue::Binary => Self::Binary,
            RegistryValue::MultiSz => Self::MultiSz,
            RegistryValue::Qword => Self::Qword,
        }
    }

    /// A value of this type.
    fn any(self) -> Option<RegistryValue> {
        Some(match self {
            Self::Dword => RegistryValue::Dword(0),
            Self::Sz => RegistryValue::Sz(String::new()),
            Self::ExpandSz => RegistryValue::ExpandSz(String::new()),
            Self::Binary => RegistryValue::Binary,
            Self::MultiSz => RegistryValue::MultiSz,
            Self::Qword => RegistryValue::Qword,
            Self::Other => return None,
        })
    }
}

impl RegistryRule {
    /// Reads the rule called `name` without its schema's prefix; none if it is no rule of this
    /// kind.
    pub(super) fn read(name: &str, from: &Attributes<'_>) -> Option<Result<Self, Unfit>> {
        Some(match name {
            "RegKeyExists" => Key::read(from).map(Self::KeyExists),
            "RegValueExists" => Self::read_exists(from),
            "RegDword" => Self::read_dword(from),
            "RegSz" => Self::read_text(from, false),
            "RegExpandSz" => Self::read_text(from, true),
            "RegSzToVersion" => Self::read_version(from),
            "WUv4RegKeyValue" => Self::read_plain(from),
            _ => return None,
        })
    }

    fn read_exists(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let value = from.text("Value").unwrap_or_default().to_lowercase().into();
        let named = |name: &str| ValueType::named(name.trim()).ok_or(Unfit("Type"));
        let value_type = from.text("Type").map(named).transpose()?;
        Ok(Self::ValueExists { place: Place { key: Key::read(from)?, value }, value_type })
    }

    fn read_dword(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let (place, comparison) = (Place::read(from)?, from.comparison()?);
        Ok(Self::Dword { place, comparison, data: from.value("Data")? })
    }

    fn read_text(from: &Attributes<'_>, expand: bool) -> Result<Self, Unfit> {
        let (place, comparison) = (Place::read(from)?, from.text_comparison()?);
        Ok(Self::Text { place, expand, comparison, data: from.name("Data")? })
    }

    fn read_version(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let (place, comparison) = (Place::read(from)?, from.comparison()?);
        Ok(Self::ToVersion { place, comparison, data: from.value("Data")? })
    }

    fn read_plain(from: &Attributes<'_>) -> Result<Self, Unfit> {
        Ok(Self::Plain { place: Place::read(from)?, data: from.name("Data")? })
    }

    pub(super) fn holds(&self, question: Question<'_>) -> Truth {
        let holds = match self {
            Self::KeyExists(key) => exists(question.machine, &key.on(question)),
            Self::ValueExists { place, value_type } => place.find(question).is_some_and(|value| {
                value_type.is_none_or(|wanted| wanted == ValueType::of(value))
            }),
            Self::Dword { place, comparison, data } => match place.find(question) {
                Some(RegistryValue::Dword(own)) => comparison.holds(own.cmp(data)),
                _ => false,
            },
            Self::Text { place, expand, comparison, data } => match place.find(question) {
                Some(RegistryValue::Sz(own)) if !expand => comparison.holds(own, data),
                Some(RegistryValue::ExpandSz(own)) if *expand => comparison.holds(own, data),
                _ => false,
            },
            Self::ToVersion { place, comparison, data } => {
                let own = place.sz(question).and_then(|own| own.parse::<Version>().ok());
                own.is_some_and(|own| comparison.holds(own.cmp(data)))
            }
            Self::Plain { place, data } => match place.find(question) {
                Some(RegistryValue::Sz(own)) => own.to_lowercase() == **data,
                Some(RegistryValue::Dword(own)) => own.to_string() == **data,
                _ => false,
            },
        };
        holds.into()
    }

    /// How near the machine is to what [`RegistryRule::establish`] makes of it.
    pub(super) fn reach(&self, wanted: bool, question: Question<'_>) -> Reach {
        let is_possible = !wanted || matches!(self, Self::KeyExists(_)) || self.witness().is_some();
        let is_there = match self {
            Self::KeyExists(_) => self.holds(question).is_true(),
            _ => self.place().is_some_and(|place| place.find(question).is_some()),
        };
        Reach::of(is_possible, is_there)
    }

    /// Makes the rule true, or false by taking away what it looks at.
    pub(super) fn establish(&self, wanted: bool, machine: &mut Profile) {
        let Some(place) = self.place() else {
            let Self::KeyExists(key) = self else { return };
            let subkey = key.on(Question::about(machine)).into_owned();
            if wanted {
                machine.registry.insert(&subkey, AnyCase::default());
            } else {
                machine.registry.remove_below(&subkey);
            }
            return;
        };
        place.put(machine, if wanted { self.witness() } else { None });
    }

    fn place(&self) -> Option<&Place> {
        match self {
            Self::KeyExists(_) => None,
            Self::ValueExists { place, .. }
            | Self::Dword { place, .. }
            | Self::Text { place, .. }
            | Self::ToVersion { place, .. }
            | Self::Plain { place, .. } => Some(place),
        }
    }

    /// A value that makes the rule true.
    fn witness(&self) -> Option<RegistryValue> {
        Some(match self {
            Self::KeyExists(_) => return None,
            Self::ValueExists { value_type, .. } => value_type.unwrap_or(ValueType::Sz).any()?,
            Self::Dword { comparison, data, .. } => {
                RegistryValue::Dword(comparison.witness(*data)?)
            }
            Self::Text { expand: true, data, .. } => RegistryValue::ExpandSz(data.to_string()),
            Self::Text { data, .. } | Self::Plain { data, .. } => {
                RegistryValue::Sz(data.to_string())
            }
            Self::ToVersion { comparison, data, .. } => {
                RegistryValue::Sz(comparison.witness(*data)?.to_string())
            }
        })
    }
}

/// A key is there if it is listed, or one below it is.
fn exists(machine: &Profile, subkey: &str) -> bool {
    machine.registry.get(subkey).is_some() || machine.registry.below(subkey).next().is_some()
}

/// In lower case, without a backslash at either end or twice in a row.
fn canonical(subkey: &str) -> Box<str> {
    let parts: Vec<&str> = subkey.trim().split('\\').filter(|part| !part.is_empty()).collect();
    parts.join(r"\").to_lowercase().into()
}
