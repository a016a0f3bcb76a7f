//! Names that Windows compares without regard to case.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};

/// A map whose keys are compared without regard to case, and kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AnyCase<T>(BTreeMap<String, T>);

impl<T> AnyCase<T> {
    /// The value under `key`, in whatever case it is spelled.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.get(&*folded(key))
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.0.get_mut(&*folded(key))
    }

    /// Puts `value` under `key` and returns what was there.
    pub fn insert(&mut self, key: &str, value: T) -> Option<T> {
        self.0.insert(key.to_lowercase(), value)
    }

    /// Takes out what is under `key`.
    pub fn remove(&mut self, key: &str) -> Option<T> {
        self.0.remove(&*folded(key))
    }

    /// The keys that continue `prefix` after a backslash, without that part, and in order.
    pub fn below(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{}\\", folded(prefix));
        let from = self.0.range(prefix.clone()..).map(|(key, _)| key.as_str());
        from.map_while(move |key| key.strip_prefix(prefix.as_str()))
    }

    /// Takes out what is under `prefix` and under all keys [`below`](Self::below) it.
    pub fn remove_below(&mut self, prefix: &str) {
        let prefix = folded(prefix);
        self.0.retain(|key, _| match key.strip_prefix(&*prefix) {
            Some(rest) => !rest.is_empty() && !rest.starts_with('\\'),
            None => true,
        });
    }

    /// All entries, keys in lower case and in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

/// The key in lower case. Rules keep their names so, and are evaluated by the million.
fn folded(key: &str) -> Cow<'_, str> {
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if key.bytes().all(is_lower) {
        return Cow::Borrowed(key);
    }
    Cow::Owned(key.to_lowercase())
}

impl<T> Default for AnyCase<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AnyCase<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, T>::deserialize(deserializer)?;
        let mut map = Self::default();
        for (key, value) in entries {
            if map.insert(&key, value).is_some() {
                return Err(de::Error::custom(format!("'{key}' is there twice")));
            }
        }
        Ok(map)
    }
}
