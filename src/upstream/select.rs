//! Choosing what to synchronise, by the names that the categories have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::Upstream;
use super::error::SyncError;
use super::records::{Language, SelectionRecord, UpstreamRecord, names};
use crate::metadata::model::CategoryType;
use crate::policy::by::By;
use crate::state::State;

/// What to do with the lists of a [`SelectionChange`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// They are added to what is selected.
    #[default]
    Add,
    /// They are taken from it.
    Remove,
    /// Each that is not empty takes the place of what was selected.
    Replace,
}

/// A change of what is selected. Categories go by name or id, languages by tag or LCID.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SelectionChange {
    /// What to do.
    pub change: Change,
    /// Everything that the upstream server has, or not; none to leave that as it is.
    pub everything: Option<bool>,
    /// Products, families, companies.
    pub products: Vec<String>,
    /// Classifications.
    pub classifications: Vec<String>,
    /// Languages.
    pub languages: Vec<String>,
}

/// A product or a classification, and whether it is selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelectableCategory {
    /// Its id.
    pub id: Uuid,
    /// `company`, `family`, `product` or `classification`.
    pub r#type: String,
    /// Its title in English.
    pub title: String,
    /// Whether it is selected.
    pub selected: bool,
}

/// One category that can be selected.
struct Category {
    id: Uuid,
    kind: CategoryType,
    title: String,
}

impl Upstream {
    /// All products and classifications, and whether they are selected.
    pub async fn categories(&self) -> Result<Vec<SelectableCategory>, SyncError> {
        let selection = self.selection().await?;
        let categories = categories(&self.state)?.into_iter().map(|category| {
            let Category { id, kind, title } = category;
            let list = match kind {
                CategoryType::UpdateClassification => &selection.classifications,
                _ => &selection.products,
            };
            let name = match kind {
                CategoryType::Company => "company",
                CategoryType::ProductFamily => "family",
                CategoryType::Product => "product",
                CategoryType::UpdateClassification => "classification",
                CategoryType::Other => "other",
            };
            let selected = selection.everything || list.contains(&id);
            SelectableCategory { id, r#type: name.to_owned(), title, selected }
        });
        Ok(categories.collect())
    }

    /// Changes what is selected and returns it, as it is then.
    ///
    /// # Errors
    /// When a name is none, or that of several. Nothing is changed then.
    pub async fn select(
        &self,
        by: By,
        change: SelectionChange,
    ) -> Result<SelectionRecord, SyncError> {
        let upstream: UpstreamRecord = self.state.meta(names::UPSTREAM).await?.unwrap_or_default();
        let all = categories(&self.state)?;
        let is_classification = |it: &&Category| it.kind == CategoryType::UpdateClassification;
        let (classifications, products): (Vec<&Category>, Vec<&Category>) =
            all.iter().partition(is_classification);
        let find = |list: &[&Category], kind, names: &[String]| -> Result<Vec<Uuid>, SyncError> {
            names.iter().map(|name| category(list, kind, name)).collect()
        };
        let products = find(&products, "product", &change.products)?;
        let classifications = find(&classifications, "classification", &change.classifications)?;
        let languages: Result<Vec<i32>, SyncError> =
            change.languages.iter().map(|name| language(&upstream.languages, name)).collect();
        let languages = languages?;
        let selected = self.state.records(move |records| {
            let before: SelectionRecord = records.read(names::SELECTION)?.unwrap_or_default();
            let mut selection = before.clone();
            apply(change.change, &mut selection.products, products);
            apply(change.change, &mut selection.classifications, classifications);
            apply(change.change, &mut selection.languages, languages);
            selection.everything = change.everything.unwrap_or(selection.everything);
            records.journal(&by, json!({ "sync_selection": selection, "before": before }));
            records.put(names::SELECTION, &selection);
            Ok(selection)
        });
        Ok(selected.await?)
    }
}

fn apply<T: PartialEq>(change: Change, selected: &mut Vec<T>, named: Vec<T>) {
    match change {
        Change::Add => {
            for entry in named {
                if !selected.contains(&entry) {
                    selected.push(entry);
                }
            }
        }
        Change::Remove => selected.retain(|entry| !named.contains(entry)),
        Change::Replace if named.is_empty() => {}
        Change::Replace => *selected = named,
    }
}

/// What can be selected, sorted as it is read.
fn categories(state: &State) -> Result<Vec<Category>, SyncError> {
    let published = state.published();
    let catalog = &published.catalog;
    let latest = (0..).take(catalog.update_count()).filter_map(|update| catalog.latest(update));
    let mut categories = Vec::new();
    for index in latest {
        let kind = catalog.revision(index).and_then(|it| it.metadata.category_type);
        let kind = kind.filter(|kind| *kind != CategoryType::Other);
        let (Some(kind), Some(places)) = (kind, published.places(index)) else { continue };
        let metadata = state.metadata(places)?;
        let (id, title) = (metadata.identity.update_id, metadata.title("en").to_owned());
        categories.push(Category { id, kind, title });
    }
    let order = |kind: CategoryType| match kind {
        CategoryType::UpdateClassification => 0,
        CategoryType::Company => 1,
        CategoryType::ProductFamily => 2,
        CategoryType::Product | CategoryType::Other => 3,
    };
    categories.sort_by(|a, b| (order(a.kind), &a.title).cmp(&(order(b.kind), &b.title)));
    Ok(categories)
}

fn category(all: &[&Category], kind: &str, name: &str) -> Result<Uuid, SyncError> {
    // Also one that is not known yet: whoever writes a GUID knows what it is.
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let named: Vec<Uuid> = all
        .iter()
        .filter(|category| category.title.eq_ignore_ascii_case(name))
        .map(|category| category.id)
        .collect();
    match &*named {
        [id] => Ok(*id),
        [] => Err(SyncError::Refused(format!(
            "there is no {kind} '{name}'; `weir sync categories` fetches and lists them"
        ))),
        several => {
            let ids: Vec<String> = several.iter().map(Uuid::to_string).collect();
            let ids = ids.join(", ");
            Err(SyncError::Refused(format!("'{name}' is the name of several: {ids}; use the id")))
        }
    }
}

fn language(all: &[Language], name: &str) -> Result<i32, SyncError> {
    if let Ok(id) = name.parse::<u16>() {
        return Ok(id.into());
    }
    let found = all.iter().find(|language| language.tag.eq_ignore_ascii_case(name));
    found.map(|language| language.id).ok_or_else(|| {
        SyncError::Refused(format!(
            "the upstream server has no language '{name}'; its own are known after the first \
             synchronization, and an LCID such as 1033 always is"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_added_to_taken_from_and_replaced() {
        for (change, named, expected) in [
            (Change::Add, vec![2, 3], vec![1, 2, 3]),
            (Change::Remove, vec![2, 3], vec![1]),
            (Change::Replace, vec![9], vec![9]),
            (Change::Replace, vec![], vec![1, 2]),
        ] {
            let mut selected = vec![1, 2];
            apply(change, &mut selected, named);
            assert_eq!(selected, expected, "{change:?}");
        }
    }

    #[test]
    fn a_name_has_to_be_of_one_category() {
        let of = |id, title: &str| Category {
            id: Uuid::from_u128(id),
            kind: CategoryType::Product,
            title: title.into(),
        };
        let (a, b, c) = (of(1, "Windows 11"), of(2, "Office"), of(3, "office"));
        let all = [&a, &b, &c];
        assert_eq!(category(&all, "product", "windows 11").unwrap(), Uuid::from_u128(1));
        assert_eq!(category(&all, "product", &Uuid::max().to_string()).unwrap(), Uuid::max());
        let several = category(&all, "product", "Office").unwrap_err().to_string();
        assert!(several.contains(&Uuid::from_u128(3).to_string()), "{several}");
        assert!(category(&all, "product", "Windows").is_err());
    }
}
